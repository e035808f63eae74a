package coro

import (
	"reflect"
	"sync"
)

// kindsByResult is the kinds of children that this package makes for one generic function: one
// kind for each result type with which the program calls it. Kinds are never freed, so there
// must be only one for each type. Any goroutine may use it.
type kindsByResult struct {
	byType sync.Map   // from the reflect.Type of R to a *K
	mu     sync.Mutex // held while a kind is made
}

// kindByResult returns the kind for results of type R. If there is none, define makes it.
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
