package coro

import (
	"runtime"
	"sync"
)

// Waitable is what [NameWaitable] can name: a *[Mutex], *[RWMutex], *[Semaphore], *[Chan], *[Event],
// *[Cond] or *[WaitGroup].
type Waitable interface{ waitable }

// NameWaitable gives an object that tasks wait for a name, for people: [Environment.Survey], package
// inspect and the metrics show it in place of the address alone. The object does not change, and
// using it costs no more. An empty name removes the name. The name is forgotten when the object is
// collected; an object that is part of a held part keeps its name, and the next task that has the slot
// would find it: remove it before the task ends. Any goroutine may call NameWaitable.
//
// Metrics have a series for each name, so name the things that a program has one of, or a few: the
// pool of connections, not the mutex of each session.
func NameWaitable[T any, P interface {
	*T
	Waitable
}](object P, name string) {
	if object == nil {
		panic("coro: NameWaitable of nil")
	}
	waitableNames.set(addressOf(object), name, func(address uintptr, id uint64) runtime.Cleanup {
		return runtime.AddCleanup((*T)(object), func(id uint64) { waitableNames.forget(address, id) }, id)
	})
}

// waitableNames has the names of objects by their addresses, which do not change. Any goroutine uses
// it.
var waitableNames nameTable

type nameTable struct {
	mu    sync.Mutex // guards what follows; no other lock is taken while it is held
	names map[uintptr]waitableName
	ids   uint64 // names given so far
}

// waitableName is the name of an object. id distinguishes it from the name of another object that gets
// the same address later.
type waitableName struct {
	name    string
	id      uint64
	cleanup runtime.Cleanup
}

// set gives the object at an address a name. cleanup makes the collector call forget.
func (t *nameTable) set(address uintptr, name string, cleanup func(address uintptr, id uint64) runtime.Cleanup) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if old, ok := t.names[address]; ok {
		old.cleanup.Stop()
		delete(t.names, address)
	}
	if name == "" {
		return
	}
	if t.names == nil {
		t.names = make(map[uintptr]waitableName)
	}
	t.ids++
	t.names[address] = waitableName{name, t.ids, cleanup(address, t.ids)}
}

// forget removes a name, unless the address has another by now.
func (t *nameTable) forget(address uintptr, id uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.names[address].id == id {
		delete(t.names, address)
	}
}

// of returns the name of the object at an address, or the empty string.
func (t *nameTable) of(address uintptr) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.names[address].name
}
