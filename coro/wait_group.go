package coro

import "math"

// WaitGroup counts what is still to be done; tasks wait until that is nothing. It is
// what sync.WaitGroup is for goroutines. The zero WaitGroup has nothing to wait for.
// It may be used from any goroutine and by tasks on different executors, and again
// after it has reached zero. It must not be copied.
type WaitGroup struct {
	lock    lock
	count   int // guarded by lock, as the rest
	waiters fifo[struct{}]
}

// Add adds n, which may be negative, to the count, and wakes the tasks that wait,
// in the order in which they came, if that makes it zero. It panics if the count
// would be negative. As with a WaitGroup, add before launching what is waited for.
func (l *WaitGroup) Add(n int) {
	var woken wakeList
	l.lock.mu.Lock()
	if n > 0 && l.count > math.MaxInt-n || l.count+n < 0 {
		l.lock.mu.Unlock()
		panic("coro: the count of a WaitGroup would be negative, or too large: each Done needs an Add before it")
	}
	l.count += n
	if l.count == 0 {
		l.waiters.wakeAll(flagWoken, &woken)
	}
	l.lock.mu.Unlock()
	post(&woken)
}

// Done takes one from the count.
func (l *WaitGroup) Done() { l.Add(-1) }

// Wait waits until the count is zero and goes on in f at the resume point at. If
// f.Err is not nil then, the tree's context has ended.
func (l *WaitGroup) Wait(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, l) }

func (l *WaitGroup) park(_ *Worker, h *header) parking {
	l.lock.mu.Lock()
	defer l.lock.mu.Unlock()
	if l.count == 0 {
		return parkDone
	}
	p := l.lock.admit(l, h)
	if p == parked {
		l.waiters.push(h, struct{}{})
	}
	return p
}

func (l *WaitGroup) withdraw(m match, woken *wakeList) {
	l.lock.mu.Lock()
	defer l.lock.mu.Unlock()
	l.waiters.withdraw(m, woken)
}

func (l *WaitGroup) forget(r *waitRegistry) bool {
	if !l.lock.mu.TryLock() {
		return false
	}
	defer l.lock.mu.Unlock()
	return l.lock.forget(r, !l.waiters.idle())
}
