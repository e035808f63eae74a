//go:build (amd64 || 386) && !race

package executor

// plainStores says that a plain store of a word releases. These processors make the
// stores of a thread visible in their order, and the compiler does not change the
// order of stores.
const plainStores = true
