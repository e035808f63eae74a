package executor

import "github.com/framearena/framearena/coro"

// inlineQueue has the tasks that steps of an Inline have spawned or woken. They run before
// those of Inline.queue. The tasks that the last step spawned run first: so a tree of tasks is
// walked depth first, and few of its frames are live at a time. Tasks that one step has
// spawned, and all that were woken, run in their order.
//
// So that each task has its turn, tasks run in slices. A slice is one task of Inline.queue, and one
// more for each queuedPart that are left there, and then localTurns tasks of the inlineQueue. If
// some of these are left, and others wait, the slice is extended by as many turns
// as there are tasks left (extend). In that extension the woken ones have their turn first, and
// then the oldest:
// all that are ready move to the end of older, so ready is empty, and what the task at the front of
// older spawns is what comes before the others of older. So:
//
//   - At least one of older runs in each extension, and no task comes in before those that are
//     there. A task moves there once. So it has its turn within as many extensions as there were
//     tasks before it.
//   - A woken task has its turn in the next extension at the latest.
//   - A task of Inline.queue has its turn after one slice for each task before it at the latest.
//   - If a task makes k others ready each time, yields or waits, and they end after a
//     bounded number of turns, then the number that is left after a slice rises only while more
//     than that are made ready in a slice. The number in Inline.queue rises only while a slice
//     adds more than one for each queuedPart that are there.
//
// TestYieldingLetsAllOthersRun counts what is live, and how many rounds each has to wait.
//
// If no others wait, a tree is walked depth first and in no other order, but for one extension in
// restTurns turns: a task that spawns a child and waits for it, again and again, is ready before
// its siblings each time.
//
// It belongs to the goroutine that runs the Inline's tasks.
type inlineQueue struct {
	executor *Inline
	spawned  coro.RunQueue // by the step that is running
	ready    coro.RunQueue // spawned by earlier steps
	woken    coro.RunQueue
	turns    int // tasks that may run before one of Inline.queue does

	older      coro.RunQueue // were ready when a slice was extended
	extended   bool          // the slice cannot be extended any more
	wokenTurns int           // tasks of woken to run before all others
	rest       int           // turns until the slice is extended even if no others wait
	inARow     int           // tasks of Inline.queue that run without a slice after them
}

const (
	// localTurns is how many tasks of an inlineQueue run before one of Inline.queue does.
	localTurns = 64

	// restTurns is the least number of turns between two extensions if no others wait.
	restTurns = 4096
)

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
	q := &l.woken
	if l.wokenTurns > 0 {
		l.wokenTurns--
	} else if l.spawned.Len()+l.ready.Len() > 0 {
		l.ready.Prepend(&l.spawned)
		q = &l.ready
	} else if l.older.Len() > 0 {
		q = &l.older
	}
	return q.Pop()
}

// PopLocal is part of [coro.LocalPopper]: Worker.Run calls it for the next task when one has
// ended or waits.
func (l *inlineQueue) PopLocal() (coro.Runnable, bool) {
	if l.turns <= 0 && !l.extend() {
		return coro.Runnable{}, false
	}
	if l.executor.closed.Load() {
		return coro.Runnable{}, false
	}
	l.turns--
	return l.pop()
}

// begin begins a slice without a task of Inline.queue.
func (l *inlineQueue) begin() { l.turns, l.extended, l.wokenTurns = localTurns, false, 0 }

// beginWith begins a slice with a task of Inline.queue. queued tasks are left there.
func (l *inlineQueue) beginWith(queued int) {
	if l.inARow > 0 {
		l.inARow--
		l.turns, l.extended = 0, true
		return
	}
	l.begin()
	l.inARow = queued / queuedPart
}

// extend extends the slice, if that has not been done, and if others wait. It reports whether it
// has.
func (l *inlineQueue) extend() bool {
	if l.extended {
		return false
	}
	l.extended = true
	l.rest -= localTurns
	spawned := l.ready.Len() + l.spawned.Len() + l.older.Len()
	if l.rest > 0 && (spawned == 0 || l.woken.Len() == 0) && !l.executor.hasQueued() {
		return false // all that is left is in one line
	}
	l.ready.Prepend(&l.spawned)
	l.ready.Prepend(&l.older)
	l.older, l.ready = l.ready, coro.RunQueue{}
	l.wokenTurns = l.woken.Len()
	l.turns = l.older.Len() + l.wokenTurns
	l.rest = max(restTurns, l.turns*localTurns)
	return l.turns > 0
}

func (l *inlineQueue) empty() bool {
	return l.ready.Len()+l.spawned.Len()+l.older.Len()+l.woken.Len() == 0
}
