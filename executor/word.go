package executor

// word is an integer in memory that several goroutines share. Each has one owner,
// who alone calls store and reads v directly; anyone may call load. Who calls swap
// and cas is said where the word is declared.
//
// All methods but store are as in sync/atomic. A store is one that releases: who
// loads the value sees all that the owner wrote before. It is no barrier between the
// store and loads that follow. sync/atomic has no such store, and its own costs as
// much as a compare-and-swap where a plain store does as well; see plainStores.
type word struct{ v uintptr }
