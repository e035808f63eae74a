package executor

// word is an integer in memory that several goroutines share. It has one owner at a time:
// a goroutine, or the holder of a lock. Only the owner calls store and reads v directly.
// Any goroutine may call load. The declaration of each word says who may call swap and
// cas.
//
// load, swap and cas are those of sync/atomic: all goroutines agree on one order of them.
// store is weaker, it only releases: a goroutine that loads the value sees everything that
// the owner wrote before the store. store is no barrier: a later load of the owner may
// happen before other processors see the store. Code that needs the barrier uses swap, or
// unlocks a mutex after the store.
//
// sync/atomic has no store that only releases. Its own store costs as much as a
// compare-and-swap on processors where a plain store releases: see plainStores.
//
// The explorer of package interleave keeps each store in a buffer, as such a processor
// does, and tries every moment at which it can become visible: see word_explore.go.
type word struct{ v uintptr }
