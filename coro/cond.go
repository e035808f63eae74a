package coro

// Cond is a condition that tasks wait for while they do not have the [Mutex] that guards
// it. It is what sync.Cond is for goroutines, and made by [NewCond]. It may be used by
// tasks on different executors, and must not be copied.
//
//	case 1: // the task has the mutex
//		if f.Err() != nil {
//			return f.Fail(f.Err()) // without the mutex
//		}
//		if queue.empty() {
//			return nonEmpty.Wait(f, 1)
//		}
type Cond struct {
	// L is held while the condition is looked at or changed.
	L *Mutex

	lock    lock // is taken before that of L
	waiters fifo[struct{}]
}

// NewCond returns a Cond of the mutex l.
func NewCond(l *Mutex) *Cond { return &Cond{L: l} }

// Wait unlocks L, waits for a [Cond.Signal] or [Cond.Broadcast], waits until it has L
// again, and goes on in f at the resume point at. Nothing comes between the unlocking and
// the waiting. The condition may be another one by then: look again.
//
// If f.Err is not nil then, the tree's context has ended, and the task does not have L:
// neither must it unlock L, nor look at what that guards. A Signal that it had got wakes
// another task instead. The task panics if L is not locked.
func (c *Cond) Wait(f AnyFrame, at int) Step {
	if c.L == nil {
		panic("coro: a Cond without a Mutex: make it with NewCond")
	}
	return f.anyFrame().waitFor(at, c)
}

// Signal wakes the task that has waited longest, if any waits. It may be called from any
// goroutine, with or without L. The task takes its turn for L: it does not run before it
// has that.
func (c *Cond) Signal() {
	var woken wakeList
	c.signal(&woken)
	post(&woken)
}

// Broadcast wakes all tasks that wait, in the order in which they came, as Signal does.
func (c *Cond) Broadcast() {
	if c.L == nil {
		return // nobody could wait
	}
	var woken wakeList
	c.lock.mu.Lock()
	c.L.lock.mu.Lock()
	for !c.waiters.empty() {
		h, _ := c.waiters.pop()
		c.move(h, &woken)
	}
	c.L.lock.mu.Unlock()
	c.lock.mu.Unlock()
	post(&woken)
}

func (c *Cond) signal(woken *wakeList) {
	if c.L == nil {
		return // nobody could wait
	}
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.L.lock.mu.Lock()
	defer c.L.lock.mu.Unlock()
	for !c.waiters.empty() {
		h, _ := c.waiters.pop()
		switch c.move(h, woken) {
		case parked:
			c.L.setSignal(h, c)
			return
		case parkDone:
			return
		}
	}
}

// move gives L to the task of h, which has just been taken from waiters, or has it wait
// for that. It returns parkDone, or parked, or something else: then the task does not
// go on because of what it waited for. The caller holds both locks, so a canceller finds
// the task in one queue or the other.
func (c *Cond) move(h *header, woken *wakeList) parking {
	m := c.L
	if !m.locked {
		if m.locked = wake(h, flagWoken, woken); m.locked {
			return parkDone
		}
		return parkExecutorClosed
	}
	p := m.lock.admit(m, h)
	switch p {
	case parked:
		m.waiters.push(h, struct{}{})
	case parkCancelled: // who set the flag may have looked at L already
		wake(h, 0, woken)
	case parkExecutorClosed: // who closes has yet to come by here
		h.env.get().runtime.leaveToCloser(h)
	}
	return p
}

func (c *Cond) park(w *Worker, h *header) parking {
	m := c.L
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	m.lock.mu.Lock()
	if !m.locked {
		m.lock.mu.Unlock()
		c.lock.mu.Unlock()
		panic("coro: task " + quote(h.kind.get().name) + ": Wait of a Cond whose Mutex is not locked: lock it, and look at the condition, before each Wait")
	}
	p := c.lock.admit(c, h)
	if p == parked {
		c.waiters.push(h, struct{}{})
	}
	var again unusedSignals
	if p != parkUnarmed { // else park is called again
		again = m.handOver(&woken)
	}
	m.lock.mu.Unlock()
	c.lock.mu.Unlock()
	again.signal(&woken)
	w.postParked(p, &woken)
	return p
}

func (c *Cond) withdraw(m match, woken *wakeList) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.waiters.withdraw(m, woken)
}

func (c *Cond) forget(r *waitRegistry) bool {
	if !c.lock.mu.TryLock() {
		return false
	}
	defer c.lock.mu.Unlock()
	return c.lock.forget(r, !c.waiters.idle())
}

// A task that a Signal has moved to the Mutex's queue may be taken out of that because
// its context has ended or its executor is being closed. Then the Signal was in vain,
// and is given again, so that another task gets it. flagSignalled says which tasks
// these are, and the Mutex knows their Conds.

// setSignal notes that h, which was just pushed, has got a Signal of c. The caller holds
// m's lock, as in signalOf.
func (m *Mutex) setSignal(h *header, c *Cond) {
	if m.signalled == nil {
		m.signalled = new(ring[*Cond])
	}
	h.layout |= flagSignalled
	m.signalled.push(c)
}

// signalOf returns the Cond whose Signal the task of h, which was just popped, has got;
// nil if there is none.
func (m *Mutex) signalOf(h *header) *Cond {
	if h.layout&flagSignalled == 0 {
		return nil
	}
	h.layout &^= flagSignalled
	return m.signalled.pop()
}

// unusedSignals is the Conds whose Signals have to be given again, one for each.
type unusedSignals struct{ conds []*Cond }

// add adds c, which may be nil.
func (v *unusedSignals) add(c *Cond) {
	if c != nil {
		v.conds = append(v.conds, c)
	}
}

// signal gives the Signals again. The caller holds no waitable's lock.
func (v unusedSignals) signal(woken *wakeList) {
	for _, c := range v.conds {
		c.signal(woken)
	}
}
