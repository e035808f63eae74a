package task

import "github.com/framearena/framearena/coro"

// Mutex is a lock that task functions wait for. The zero Mutex is unlocked. Functions get it in the
// order in which they asked, on whatever executor they run. It belongs to no function in particular:
// one may lock it and another unlock it. It must not be copied.
type Mutex struct{ m coro.Mutex }

// Lock waits until the mutex is free, and locks it. If it returns an error, the context of t has
// ended, and the caller has not got the mutex.
func (m *Mutex) Lock(t *T) error {
	if m.m.LockNow(&t.s) {
		return goOn(t)
	}
	return waitFor(t, (*locking)(m))
}

type locking Mutex

func (m *locking) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return m.m.Lock(f, at)
}

// TryLock locks the mutex if it is free. Any goroutine may call it.
func (m *Mutex) TryLock() bool { return m.m.TryLock() }

// Unlock unlocks the mutex. It hands it to the function that has waited longest. Any goroutine may
// call it. It panics if the mutex is not locked.
func (m *Mutex) Unlock() { m.m.Unlock() }

// RWMutex is a lock that many readers or one writer hold. The zero RWMutex is unlocked. Functions get
// it in the order in which they asked, and a reader waits behind a writer that came before it: so a
// reader must not lock it again. It must not be copied.
type RWMutex struct{ m coro.RWMutex }

// Lock waits until nobody holds the lock, and locks it for writing. If it returns an error, the
// context of t has ended, and the caller has not got the lock.
func (m *RWMutex) Lock(t *T) error {
	if m.m.TryLock() {
		return goOn(t)
	}
	return waitFor(t, (*writeLocking)(m))
}

// RLock waits until no writer holds the lock or has asked for it before, and locks it for reading.
func (m *RWMutex) RLock(t *T) error {
	if m.m.TryRLock() {
		return goOn(t)
	}
	return waitFor(t, (*readLocking)(m))
}

type (
	writeLocking RWMutex
	readLocking  RWMutex
)

func (m *writeLocking) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return m.m.Lock(f, at)
}

func (m *readLocking) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return m.m.RLock(f, at)
}

// TryLock locks the lock for writing if nobody holds it or waits for it. Any goroutine may call it.
func (m *RWMutex) TryLock() bool { return m.m.TryLock() }

// TryRLock locks the lock for reading if no writer holds it and nobody waits for it. Any goroutine
// may call it.
func (m *RWMutex) TryRLock() bool { return m.m.TryRLock() }

// Unlock ends a Lock. Any goroutine may call it. It panics if no writer has the lock.
func (m *RWMutex) Unlock() { m.m.Unlock() }

// RUnlock ends an RLock. Any goroutine may call it. It panics if no reader has the lock.
func (m *RWMutex) RUnlock() { m.m.RUnlock() }

// Cond is a condition that functions wait for without the mutex that guards it. It is made by
// [NewCond], and must not be copied.
//
//	if err := m.Lock(t); err != nil {
//		return err
//	}
//	defer m.Unlock()
//	for queue.empty() {
//		if err := nonEmpty.Wait(t); err != nil {
//			return err
//		}
//	}
type Cond struct {
	// L is held while the condition is read or changed. It is not changed.
	L *Mutex

	c coro.Cond
}

// NewCond returns a Cond of the mutex l.
func NewCond(l *Mutex) *Cond {
	c := &Cond{L: l}
	c.c.L = &l.m
	return c
}

// Wait unlocks L, waits for a Signal or Broadcast, and locks L again. The condition may have changed
// again by then: it is to be looked at in a loop. If Wait returns an error, the context of t has
// ended, and the caller has L all the same. Wait panics if L is not locked.
func (c *Cond) Wait(t *T) error { return waitFor(t, (*condWaiting)(c)) }

type condWaiting Cond

func (c *condWaiting) Enter(_ *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return c.c.WaitLocked(f, at)
}

// Signal wakes the function that has waited longest, if any waits. Any goroutine may call it, with or
// without L.
func (c *Cond) Signal() { c.c.Signal() }

// Broadcast wakes all functions that wait. Any goroutine may call it, with or without L.
func (c *Cond) Broadcast() { c.c.Broadcast() }

// Semaphore is a number of permits. The zero Semaphore has none, and any number may be released to
// it; [NewSemaphore] makes one with a number of permits. Functions get permits in the order in which
// they asked. It must not be copied.
type Semaphore coro.Semaphore

// NewSemaphore returns a semaphore with n permits, n > 0, all of them free. It never has more.
func NewSemaphore(n int64) *Semaphore { return (*Semaphore)(coro.NewSemaphore(n)) }

// Acquire waits for n permits. If it returns an error, the context of t has ended, and the caller has
// got no permits. It panics if n is negative, or more than the semaphore has in all.
func (s *Semaphore) Acquire(t *T, n int64) error {
	if s.TryAcquire(n) {
		return goOn(t)
	}
	t.s.Amount = n
	return waitFor(t, (*acquiring)(s))
}

type acquiring coro.Semaphore

func (s *acquiring) Enter(suspension *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	return (*coro.Semaphore)(s).Acquire(f, at, suspension.Amount)
}

// TryAcquire acquires n permits if they are free and nobody waits. Any goroutine may call it.
func (s *Semaphore) TryAcquire(n int64) bool { return (*coro.Semaphore)(s).TryAcquire(n) }

// Release gives n permits back. Any goroutine may call it. It panics if n is negative, or if more
// permits would be free than the semaphore has.
func (s *Semaphore) Release(n int64) { (*coro.Semaphore)(s).Release(n) }
