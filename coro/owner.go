package coro

import "github.com/framearena/framearena/internal/goroutine"

// SetOwner notes that the calling goroutine is the one that the worker belongs to, for
// [Worker.IsOwner]. It takes a microsecond or more: an executor calls it at the start of a
// goroutine, if at all.
func (w *Worker) SetOwner() { w.owner.Store(goroutine.ID()) }

// IsOwner reports whether the calling goroutine is the one that called [Worker.SetOwner]
// last, or one that has taken its place because a step ended it. So whoever must not be
// called in a step of the worker can find out. Any goroutine may ask. It takes as long as
// SetOwner.
func (w *Worker) IsOwner() bool { return w.owner.Load() == goroutine.ID() }
