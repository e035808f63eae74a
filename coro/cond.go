package coro

// A Signal moves a task from the Cond's queue to that of its Mutex, with both locks held, the
// Cond's first. So a canceller finds the task in one queue or the other, or the move sees
// the canceller's flag: move calls admit, as park does (see scope_wait.go).
//
// A task that a Signal has moved may leave the Mutex's queue without the Mutex, because its
// context has ended or its executor is being closed. It does not use the Signal then, so the
// Signal is given to another task of the Cond. flagSignalled marks the tasks that have got
// one, and Mutex.signalled has their Conds. The Signal is given when no lock is held, since
// the lock of a Cond is taken before that of its Mutex.

// Cond is a condition that tasks wait for without the [Mutex] that guards it. It is for
// tasks what sync.Cond is for goroutines. A Cond is made by [NewCond]. Tasks on different
// executors may use it. It must not be copied.
//
//	case 1: // the task has the mutex
//		if f.Err() != nil {
//			return f.Fail(f.Err()) // without the mutex
//		}
//		if queue.empty() {
//			return nonEmpty.Wait(f, 1)
//		}
type Cond struct {
	// L is held while the condition is read or changed.
	L *Mutex

	condWaiters // its lock is taken before that of L
}

// condWaiters is the lock, the state and the queue; an alias, see waiters.
type condWaiters = waiters[struct{}, struct{}]

// NewCond returns a Cond of the mutex l.
func NewCond(l *Mutex) *Cond { return &Cond{L: l} }

// Wait unlocks L, waits for a [Cond.Signal] or [Cond.Broadcast], waits until it has L
// again, and resumes f's task at the resume point at. No Signal is missed between the unlocking
// and the waiting. The condition may have changed again by then: check it again.
//
// If f.Err is not nil then, the tree's context has ended, and the task does not have L: it
// must not unlock L, nor read what L guards. If the task had got a Signal, that wakes another
// task instead. The task panics if L is not locked.
func (c *Cond) Wait(f AnyFrame, at int) Step {
	if c.L == nil {
		panic("coro: a Cond without a Mutex: make it with NewCond")
	}
	return f.anyFrame().waitFor(at, c)
}

// Signal wakes the task that has waited longest, if any waits. It may be called from any
// goroutine, with or without L. The task queues for L like others, and does not run before
// it has L.
func (c *Cond) Signal() {
	var woken wakeList
	c.signal(&woken)
	post(&woken)
}

// Broadcast wakes all waiting tasks as Signal does, in the order in which they came.
func (c *Cond) Broadcast() {
	if c.L == nil {
		return // a Cond without a Mutex has no waiters
	}
	var woken wakeList
	c.lock.mu.Lock()
	c.L.lock.mu.Lock()
	for !c.queue.empty() {
		h, _ := c.queue.pop()
		c.move(h, &woken)
	}
	c.L.lock.mu.Unlock()
	c.lock.mu.Unlock()
	post(&woken)
}

func (c *Cond) signal(woken *wakeList) {
	if c.L == nil {
		return // a Cond without a Mutex has no waiters
	}
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.L.lock.mu.Lock()
	defer c.L.lock.mu.Unlock()
	for !c.queue.empty() {
		h, _ := c.queue.pop()
		switch c.move(h, woken) {
		case parked:
			c.L.setSignal(h, c)
			return
		case parkDone:
			return
		}
	}
}

// move gives L to the task of h, which was just popped from c's queue, and returns parkDone,
// or it queues the task for L and returns parked. Any other value says that the task has not
// used the Signal: its context has ended, or its executor is being closed. The caller holds
// both locks.
func (c *Cond) move(h *header, woken *wakeList) parking {
	m := c.L
	if !m.state.locked {
		if m.state.locked = wake(h, flagWoken, woken); m.state.locked {
			m.state.heldBy(h)
			return parkDone
		}
		return parkExecutorClosed
	}
	h.unstamp() // it waits for something else now
	p := m.wait(m, h, struct{}{})
	switch p {
	case parkCancelled: // the canceller may have looked through L's queue before
		wake(h, 0, woken)
	case parkExecutorClosed: // the closer has not taken c's lock yet, or h would not have been in the queue
		h.unlist(woken.w)
		h.env.get().runtime.leaveToCloser(h)
	}
	return p
}

func (c *Cond) park(w *Worker, h *header) parking {
	m := c.L
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	m.lock.mu.Lock()
	if !m.state.locked {
		m.lock.mu.Unlock()
		c.lock.mu.Unlock()
		panic("coro: task " + quote(h.kind.get().name) + ": Wait of a Cond whose Mutex is not locked: lock it, and look at the condition, before each Wait")
	}
	p := c.wait(c, h, struct{}{})
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

func (c *Cond) visit(v *visitor) bool { return c.visitAs("Cond.Wait", v) }

// setSignal notes that h, which was just pushed to m's queue, has got a Signal of c. The
// caller holds m's lock.
func (m *Mutex) setSignal(h *header, c *Cond) {
	h.layout |= flagSignalled
	if h.layout&flagListed != 0 {
		if m.signalledNodes == nil {
			m.signalledNodes = make(map[*waitPlace]*Cond)
		}
		m.signalledNodes[h.node()] = c
		return
	}
	if m.signalled == nil {
		m.signalled = new(ring[*Cond])
	}
	m.signalled.push(c)
}

// signalOf returns the Cond whose Signal the task of h has got, nil if there is none. h was
// just popped from m's queue, whose lock the caller holds.
func (m *Mutex) signalOf(h *header) *Cond {
	if h.layout&flagSignalled == 0 {
		return nil
	}
	h.layout &^= flagSignalled
	if h.layout&flagListed != 0 {
		c := m.signalledNodes[h.node()]
		delete(m.signalledNodes, h.node())
		return c
	}
	return m.signalled.pop()
}

// unusedSignals are the Conds whose Signals have to be given to another task, one for each
// Signal. It belongs to one goroutine.
type unusedSignals struct{ conds []*Cond }

// add adds c, which may be nil.
func (v *unusedSignals) add(c *Cond) {
	if c != nil {
		v.conds = append(v.conds, c)
	}
}

// signal gives the Signals to other tasks. The caller holds no waitable's lock.
func (v unusedSignals) signal(woken *wakeList) {
	for _, c := range v.conds {
		c.signal(woken)
	}
}
