package coro

import (
	"unsafe"
)

// Task is a task that is ready to run: what an executor queues. It is the
// executor's from Post until the one call of [Worker.Run] or [Worker.Cancel]
// that it must make for it.
type Runnable struct{ h *header }

// Queue is a first-in, first-out queue of tasks, linked through their frames: it
// allocates nothing, however long it grows. The zero Queue is empty. It belongs
// to one goroutine at a time.
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

// A queued task has no worker; the word links it to the next in the queue.

func (h *header) nextInQueue() *header {
	next := link[header](h.worker)
	return next.get()
}

func (h *header) setNextInQueue(next *header) {
	var l link[header]
	l.set(next)
	h.worker = link[Worker](l)
}

// Word returns the task as an integer that is not 0, for an executor whose queues
// are made of words that several goroutines change atomically. The task is had
// back with [RunnableOf].
func (t Runnable) Word() uintptr { return uintptr(unsafe.Pointer(t.h)) }

// RunnableOf returns the task of a word that [Runnable.Word] returned.
func RunnableOf(word uintptr) Runnable {
	l := link[header](word)
	return Runnable{l.get()}
}

// Local is the queue of one worker. An executor that has such queues gives them to
// [Worker.SetLocalQueue]: then tasks that become ready in a step of the worker go there, and
// not to [Executor.Post].
type LocalQueue interface {
	// PushLocal takes a task, as Post does, but cannot refuse. It is called on the
	// goroutine that is in the worker's Run or Cancel.
	PushLocal(t Runnable, from Origin)
}

// LocalPopper is a [LocalQueue] from which the worker may take the next task by itself, when one
// has ended or waits and before Run returns. That spares the way through the executor's own
// loop.
type LocalPopper interface {
	LocalQueue

	// PopLocal takes a task for the worker to run now, as [Worker.Run] would, or returns
	// false: then Run returns. It is called on the goroutine that is in Run.
	PopLocal() (Runnable, bool)
}

// Origin says why a task is ready, and may have Marked besides.
type Origin uint8

const (
	OriginWoken      Origin = iota // by the running task, which may have just written what this one will read
	OriginSpawned                  // by the running task, which may wait for it soon
	OriginYielded                  // it was running, and lets the others go first
	OriginConcurrent               // by the running step, which goes on: any worker may run it at once

	// Marked is part of the origin of tasks that were launched on a view. See
	// [Environment.View].
	OriginMarked Origin = 1 << 7
)
