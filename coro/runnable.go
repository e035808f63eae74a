package coro

import (
	"unsafe"
)

// Runnable is a task that is ready to run: what an executor queues. It belongs to the executor
// from Post until the one call of [Worker.Run] or [Worker.Cancel] that the executor must make
// for it.
type Runnable struct{ h *header }

// RunQueue is a first-in, first-out queue of tasks. It is linked through their frames, so it
// allocates nothing, however long it grows. The zero RunQueue is empty. It belongs to one
// goroutine at a time.
type RunQueue struct {
	head, tail *header
	n          int
}

// Len returns the number of tasks in the queue.
func (q *RunQueue) Len() int { return q.n }

// Push adds a task at the end.
func (q *RunQueue) Push(t Runnable) {
	t.h.worker = 0
	if q.tail == nil {
		q.head = t.h
	} else {
		q.tail.setNextInQueue(t.h)
	}
	q.tail = t.h
	q.n++
}

// Pop removes the task at the front; ok is false if there is none.
func (q *RunQueue) Pop() (t Runnable, ok bool) {
	h := q.head
	if h == nil {
		return Runnable{}, false
	}
	q.head = h.nextInQueue()
	if q.head == nil {
		q.tail = nil
	}
	q.n--
	return Runnable{h}, true
}

// Prepend moves all tasks of other to the front, in their order.
func (q *RunQueue) Prepend(other *RunQueue) {
	if other.head == nil {
		return
	}
	if q.head == nil {
		q.tail = other.tail
	} else {
		other.tail.setNextInQueue(q.head)
	}
	q.head = other.head
	q.n += other.n
	*other = RunQueue{}
}

// A task in a queue has no worker. The word of the header links it to the next task.

func (h *header) nextInQueue() *header {
	next := link[header](h.worker)
	return next.get()
}

func (h *header) setNextInQueue(next *header) {
	var l link[header]
	l.set(next)
	h.worker = link[Worker](l)
}

// Word returns the task as an integer that is not 0, for an executor whose queues are words
// that several goroutines change atomically. [RunnableOf] returns the task again.
func (t Runnable) Word() uintptr { return uintptr(unsafe.Pointer(t.h)) }

// RunnableOf returns the task whose [Runnable.Word] is word.
func RunnableOf(word uintptr) Runnable {
	l := link[header](word)
	return Runnable{l.get()}
}

// LocalQueue is the queue of one worker. An executor that has such queues gives them to
// [Worker.SetLocalQueue]. Then tasks that become ready in a step of the worker are pushed to
// its queue, and not given to [Executor.Post].
type LocalQueue interface {
	// PushLocal takes a task, as Post does, but cannot refuse it. It is called on the
	// goroutine that is in the worker's Run or Cancel.
	PushLocal(t Runnable, from Origin)
}

// LocalPopper is a [LocalQueue] from which the worker may take the next task by itself, when a
// chain has ended or waits. Then Run continues with that task, without the executor's own loop.
type LocalPopper interface {
	LocalQueue

	// PopLocal returns a task that the worker runs now, as [Worker.Run] would. If it returns
	// false, Run returns. It is called on the goroutine that is in Run.
	PopLocal() (Runnable, bool)
}

// HungryQueue is a [LocalQueue] that knows whether other workers have nothing to do. Its methods are
// guesses, and cost little. They are called on the goroutine that is in Run.
type HungryQueue interface {
	LocalQueue

	// Hungry reports whether a task that is pushed now would be run by another worker that has
	// nothing else to do.
	Hungry() bool

	// NothingToSteal reports whether another worker would find no task in this queue if it had
	// nothing to do. It is false if there is no other worker.
	NothingToSteal() bool
}

// Origin is the reason why a task is ready. It may contain [OriginMarked].
type Origin uint8

const (
	OriginWoken      Origin = iota // the running task woke it, and may have just written what it will read
	OriginSpawned                  // the running task spawned it, and may wait for it soon
	OriginYielded                  // it was running, and lets the others run first
	OriginConcurrent               // the running step woke or launched it, and continues: any worker may run it at once

	// OriginMarked is part of the origin of tasks that were launched on a view. See
	// [Environment.View].
	OriginMarked Origin = 1 << 7
)
