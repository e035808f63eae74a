// Package memo makes values on demand, one for each key: such as the kind of tasks for one type of
// result. Values are never dropped.
package memo

import "sync"

// Table has the values that were made. Any goroutine may use it. Its zero value is empty.
type Table struct {
	values sync.Map
	mu     sync.Mutex // held while a value is made, so that each is made once
}

// Get returns t's value for the key. If there is none, make makes it. make must not use t.
func Get[V any](t *Table, key any, make func() V) V {
	if v, ok := t.values.Load(key); ok {
		return v.(V)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if v, ok := t.values.Load(key); ok {
		return v.(V)
	}
	v := make()
	t.values.Store(key, v)
	return v
}

// All is an iterator over the values, in any order.
func (t *Table) All(yield func(value any) bool) {
	t.values.Range(func(_, v any) bool { return yield(v) })
}
