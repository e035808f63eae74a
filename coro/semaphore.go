package coro

import "math"

// Semaphore is a number of permits that tasks acquire and release. The zero Semaphore has no
// permits, and any number may be released to it. [NewSemaphore] makes one that begins with a
// number of permits and never has more. Any goroutine may use a Semaphore, and tasks on
// different executors. It must not be copied.
//
// Tasks get permits in the order in which they asked. A task that wants many is not
// overtaken by tasks that want few.
type Semaphore struct {
	semaphoreWaiters // each waits with the number of permits that it wants
}

// semaphoreWaiters is the lock, the state and the queue; an alias, see waiters.
type semaphoreWaiters = waiters[permits, int64]

// permits is the state of a Semaphore.
type permits struct {
	size int64 // how many there are in all; 0: any number. Not changed, and read without the lock.
	free int64
}

// NewSemaphore returns a semaphore with n permits, n > 0, all of them free.
func NewSemaphore(n int64) *Semaphore {
	if n <= 0 {
		panic("coro: NewSemaphore needs a positive number of permits")
	}
	s := new(Semaphore)
	s.state = permits{size: n, free: n}
	return s
}

// Acquire waits for n permits, and resumes f's task at the resume point at. If f.Err is not nil
// then, the tree's context has ended, and the task has got no permits. Acquire panics if n is
// negative, or more than the semaphore has in all.
func (s *Semaphore) Acquire(f AnyFrame, at int, n int64) Step {
	s.mustHave(n)
	h := f.anyFrame()
	step := h.waitFor(at, s)
	h.worker.get().args.count = n
	return step
}

// TryAcquire acquires n permits if they are free and no task waits.
func (s *Semaphore) TryAcquire(n int64) bool {
	s.mustHave(n)
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	return s.acquire(n)
}

func (s *Semaphore) mustHave(n int64) {
	if n < 0 || s.state.size != 0 && n > s.state.size {
		panic("coro: a Semaphore has not as many permits: acquire at least 0 and at most what NewSemaphore was given")
	}
}

func (s *Semaphore) acquire(n int64) bool {
	if s.state.free < n || !s.queue.empty() {
		return false
	}
	s.state.free -= n
	return true
}

// Release gives n permits back, and wakes the tasks that get them. It panics if n is
// negative, or if more permits would be free than the semaphore has.
func (s *Semaphore) Release(n int64) {
	var woken wakeList
	s.lock.mu.Lock()
	limit := s.state.size
	if limit == 0 {
		limit = math.MaxInt64
	}
	if n < 0 || n > limit-s.state.free {
		s.lock.mu.Unlock()
		panic("coro: Release of more permits of a Semaphore than were acquired, or of a negative number: release what an Acquire that succeeded, that is with a nil Err, has got")
	}
	s.state.free += n
	s.serve(&woken)
	s.lock.mu.Unlock()
	post(&woken)
}

// serve gives free permits to waiting tasks. The caller holds the lock.
func (s *Semaphore) serve(woken *wakeList) {
	for !s.queue.empty() && s.queue.front() <= s.state.free {
		h, n := s.queue.pop()
		if wake(h, flagWoken, woken) {
			s.state.free -= n
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
	return s.wait(s, h, n)
}

// cancel and withdraw also serve the others: a task that is gone may have kept smaller ones from
// their permits.

func (s *Semaphore) cancel(h *header, woken *wakeList) {
	defer s.lock.mu.Unlock()
	s.queue.unlink(h)
	wake(h, 0, woken)
	s.serve(woken)
}

func (s *Semaphore) withdraw(rt *execRuntime, woken *wakeList) {
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	s.queue.withdraw(rt, woken)
	s.serve(woken)
}

func (s *Semaphore) visit(v *visitor) bool { return s.visitAs("Semaphore.Acquire", v) }
