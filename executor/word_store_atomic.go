//go:build !(amd64 || 386) || race

package executor

// plainStores is false: a processor of this architecture may reorder stores, or this is a
// build with the race detector, which takes only atomic stores for ordered.
const plainStores = false
