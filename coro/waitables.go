package coro

import (
	"cmp"
	"slices"

	"github.com/framearena/framearena/internal/interleave"
)

// waitables is the set of all waitables that tasks of an executor may be waiting for: it leads
// the closer and visitors to the waiting tasks, and keeps the waitables alive. Any goroutine may
// use it.
//
// A waitable is entered before a task waits there, with the waitable's lock held, and stays when
// the task has continued, so that a waitable in steady use is not entered again and again: its
// lock remembers the executor. When the set has doubled, add takes out the waitables where no
// task waits.
//
// mu comes after the locks of waitables. The sweep in add goes against the order, from mu to the
// locks of waitables, but only tries, and leaves a waitable whose lock is taken.
type waitables struct {
	mu interleave.Mutex // guards what follows

	// set has with the lock of each waitable, which leads to it, the number of those that were entered
	// before it.
	set     map[*lock]uint64
	entered uint64
	sweepAt int // add sweeps when set has this size
}

const minSweep = 64

// add enters the waitable whose lock is l, which the caller holds, and sweeps the set if it has doubled.
func (s *waitables) add(rt *execRuntime, l *lock) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = make(map[*lock]uint64)
	}
	if len(s.set) >= max(s.sweepAt, minSweep) {
		// l is not in the set, or it is there from before: it is held, so it stays. The others are
		// only tried.
		for other := range s.set {
			if other.forgets(rt) {
				delete(s.set, other)
			}
		}
		s.sweepAt = 2 * len(s.set)
	}
	s.set[l] = s.entered
	s.entered++
}

// withdraw wakes the tasks of rt in the queues of all waitables. rt is closed, so each waking
// leaves the task to the closer.
func (s *waitables) withdraw(rt *execRuntime, woken *wakeList) {
	s.mu.Lock()
	locks := make([]*lock, 0, len(s.set))
	for l := range s.set {
		locks = append(locks, l)
	}
	if rt.random != nil { // in the order in which they were entered, which each run repeats
		slices.SortFunc(locks, func(a, b *lock) int { return cmp.Compare(s.set[a], s.set[b]) })
	}
	found := make([]waitable, 0, len(locks)) // a copy, since mu is taken after the locks of waitables
	for _, l := range locks {
		if l.of != nil { // see forgets
			found = append(found, l.of)
		}
	}
	s.mu.Unlock()
	for _, p := range found {
		p.withdraw(rt, woken)
	}
}

// forgetAll makes the waitables forget the executor: no task of it waits any more, and the
// waitables may live longer, some as long as the program. If they kept the executor, they would
// keep from the collector all that it leads to.
func (s *waitables) forgetAll(rt *execRuntime) {
	s.mu.Lock()
	set := s.set
	s.set = nil
	s.mu.Unlock()
	for l := range set {
		l.forgets(rt) // if its lock is taken or tasks of another executor wait, it will be entered elsewhere
	}
}

// retire takes l, whose memory is about to be cleared, out of the set of the executor that it was entered
// for last. A sweep that has found it is over then, since it holds the set's mu.
func (l *lock) retire() {
	l.mu.Lock()
	rt := l.entered
	l.mu.Unlock()
	if rt == nil {
		return
	}
	s := &rt.waitables
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.set, l)
}

// forgets is waitable.forget of the waitable that l is part of. That may be memory which has been cleared
// since, and may be used again: a waitable in the held part of a task that has ended, where tasks of
// several executors have waited. Then nobody waits there.
func (l *lock) forgets(rt *execRuntime) bool {
	if !l.mu.TryLock() {
		return false
	}
	defer l.mu.Unlock()
	return l.of == nil || l.of.forget(rt)
}
