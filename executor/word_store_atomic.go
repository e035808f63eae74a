//go:build !(amd64 || 386) || race

package executor

// plainStores is false: a processor of this architecture may change the order of
// stores, or the race detector is to see them.
const plainStores = false
