package coro

import "math"

// Semaphore is a number of permits that tasks acquire and release. The zero
// Semaphore has none, and any number may be released to it; [NewSemaphore] makes
// one that begins with some and never has more. It may be used from any goroutine
// and by tasks on different executors, and must not be copied.
//
// Tasks get permits in the order in which they asked. A task that wants many is not
// overtaken by those that want few.
type Semaphore struct {
	lock    lock
	size    int64 // how many there are in all; 0: any number. Not changed.
	free    int64 // guarded by lock, as the rest
	waiters fifo[int64]
}

// NewSemaphore returns a semaphore with n permits, n > 0, all of them free.
func NewSemaphore(n int64) *Semaphore {
	if n <= 0 {
		panic("coro: NewSemaphore needs a positive number of permits")
	}
	return &Semaphore{size: n, free: n}
}

// Acquire waits for n permits and goes on in f at the resume point at. If f.Err is
// not nil then, the tree's context has ended, and the task has not got any. It
// panics if n is negative or more than there are in all.
func (s *Semaphore) Acquire(f AnyFrame, at int, n int64) Step {
	s.check(n)
	h := f.anyFrame()
	step := h.waitFor(at, s)
	h.worker.get().args.count = n
	return step
}

// TryAcquire acquires n permits if they are free and no task waits.
func (s *Semaphore) TryAcquire(n int64) bool {
	s.check(n)
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	return s.acquire(n)
}

func (s *Semaphore) check(n int64) {
	if n < 0 || s.size != 0 && n > s.size {
		panic("coro: a Semaphore has not as many permits: acquire at least 0 and at most what NewSemaphore was given")
	}
}

func (s *Semaphore) acquire(n int64) bool {
	if s.free < n || !s.waiters.empty() {
		return false
	}
	s.free -= n
	return true
}

// Release gives back n permits and wakes the tasks that get them. It panics if n is
// negative, or if more would be free than there are.
func (s *Semaphore) Release(n int64) {
	var woken wakeList
	s.lock.mu.Lock()
	limit := s.size
	if limit == 0 {
		limit = math.MaxInt64
	}
	if n < 0 || n > limit-s.free {
		s.lock.mu.Unlock()
		panic("coro: Release of more permits of a Semaphore than were acquired, or of a negative number: release what an Acquire that succeeded, that is with a nil Err, has got")
	}
	s.free += n
	s.serve(&woken)
	s.lock.mu.Unlock()
	post(&woken)
}

// serve gives free permits to those who wait.
func (s *Semaphore) serve(woken *wakeList) {
	for !s.waiters.empty() && s.waiters.arguments.front() <= s.free {
		h, n := s.waiters.pop()
		if wake(h, flagWoken, woken) {
			s.free -= n
		}
	}
}

func (s *Semaphore) park(w *Worker, h *header) parking {
	n := w.args.count
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	if s.acquire(n) {
		return parkDone
	}
	p := s.lock.admit(s, h)
	if p == parked {
		s.waiters.push(h, n)
	}
	return p
}

func (s *Semaphore) withdraw(m match, woken *wakeList) {
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	s.waiters.withdraw(m, woken)
	s.serve(woken) // the one that was withdrawn may have been in the way
}

func (s *Semaphore) forget(r *waitRegistry) bool {
	if !s.lock.mu.TryLock() {
		return false
	}
	defer s.lock.mu.Unlock()
	return s.lock.forget(r, !s.waiters.empty())
}
