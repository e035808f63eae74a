//go:build (amd64 || 386) && !race

package executor

// plainStores reports whether a plain store of a word releases. It does here: other
// processors see the stores of a thread in the order in which the thread makes them, and
// the compiler does not reorder stores.
const plainStores = true
