package coro

import "math"

// WaitGroup counts what is still to be done; tasks wait until the count is zero. It is for
// tasks what sync.WaitGroup is for goroutines. The zero WaitGroup has the count zero. Any
// goroutine may use it, tasks on different executors too, and it may be used again after the
// count has reached zero. It must not be copied.
type WaitGroup struct {
	plainCase
	waitGroupWaiters
}

// waitGroupWaiters is the lock, the state and the queue; an alias, see waiters.
type waitGroupWaiters = waiters[struct{ count int }, struct{}]

// Add adds n, which may be negative, to the count. If that makes it zero, Add wakes the
// waiting tasks, in the order in which they came. It panics if the count would be negative.
// As with a sync.WaitGroup, add before launching what is waited for.
func (g *WaitGroup) Add(n int) {
	var woken wakeList
	g.lock.mu.Lock()
	if n > 0 && g.state.count > math.MaxInt-n || g.state.count+n < 0 {
		g.lock.mu.Unlock()
		panic("coro: the count of a WaitGroup would be negative, or too large: each Done needs an Add before it")
	}
	g.state.count += n
	if g.state.count == 0 {
		g.queue.wakeAll(flagWoken, &woken)
	}
	g.lock.mu.Unlock()
	post(&woken)
}

// Done takes one from the count.
func (g *WaitGroup) Done() { g.Add(-1) }

// IsZero reports whether the count is zero.
func (g *WaitGroup) IsZero() bool {
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	return g.state.count == 0
}

// Wait waits until the count is zero, and resumes f's task at the resume point at. If f.Err is
// not nil then, the tree's context has ended.
func (g *WaitGroup) Wait(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, g) }

func (g *WaitGroup) park(_ *Worker, h *header) parking {
	g.lock.mu.Lock()
	defer g.lock.mu.Unlock()
	if g.state.count == 0 {
		return parkDone
	}
	return g.wait(g, h, struct{}{})
}

func (g *WaitGroup) visit(v *visitor) bool { return g.visitAs("WaitGroup.Wait", v) }
