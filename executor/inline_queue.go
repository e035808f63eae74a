package executor

import "github.com/framearena/framearena/coro"

// inlineQueue has the tasks that steps of an Inline have spawned or woken. They run before
// those of Inline.queue. The tasks that the last step spawned run first: so a tree of tasks is
// walked depth first, and few of its frames are live at a time. Tasks that one step has
// spawned, and all that were woken, run in their order.
//
// It belongs to the goroutine that runs the Inline's tasks.
type inlineQueue struct {
	executor *Inline
	spawned  coro.RunQueue // by the step that is running
	ready    coro.RunQueue // spawned by earlier steps
	woken    coro.RunQueue
	turns    int // tasks that may run before one of Inline.queue does
}

// localTurns is how many tasks of an inlineQueue run before one of Inline.queue does.
const localTurns = 64

// PushLocal is part of [coro.LocalQueue]: package coro calls it with a task that a step has
// made ready.
func (l *inlineQueue) PushLocal(t coro.Runnable, from coro.Origin) {
	switch from {
	case coro.OriginSpawned:
		l.spawned.Push(t)
		return
	case coro.OriginWoken, coro.OriginConcurrent:
		l.woken.Push(t)
		return
	}
	l.executor.mu.Lock()
	defer l.executor.mu.Unlock()
	l.executor.queue.Push(t)
}

func (l *inlineQueue) pop() (coro.Runnable, bool) {
	l.ready.Prepend(&l.spawned)
	if l.ready.Len() > 0 {
		return l.ready.Pop()
	}
	return l.woken.Pop()
}

// PopLocal is part of [coro.LocalPopper]: Worker.Run calls it for the next task when one has
// ended or waits.
func (l *inlineQueue) PopLocal() (coro.Runnable, bool) {
	if l.turns <= 0 || l.executor.closed.Load() {
		return coro.Runnable{}, false
	}
	l.turns--
	return l.pop()
}

func (l *inlineQueue) empty() bool { return l.ready.Len()+l.spawned.Len()+l.woken.Len() == 0 }
