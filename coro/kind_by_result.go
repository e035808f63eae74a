package coro

import (
	"reflect"
	"sync"
)

// kindsByResult has the kinds of children that this package makes for a generic function:
// one for each type of result with which the program calls it. Kinds are never freed, so
// there is one only.
type kindsByResult struct {
	byType sync.Map   // from the reflect.Type of R to a *K
	mu     sync.Mutex // held while one is made
}

// kindByResult returns the kind for results of type R, which define makes if there is
// none.
func kindByResult[R, K any](all *kindsByResult, define func() *K) *K {
	t := reflect.TypeFor[R]()
	if k, ok := all.byType.Load(t); ok {
		return k.(*K)
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	if k, ok := all.byType.Load(t); ok {
		return k.(*K)
	}
	k := define()
	all.byType.Store(t, k)
	return k
}
