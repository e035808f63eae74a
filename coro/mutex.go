package coro

import "unsafe"

// Mutex is a lock that tasks wait for without a goroutine. The zero Mutex is unlocked. Tasks
// on different executors may use it. It must not be copied.
//
// Tasks get it in the order in which they asked: Unlock hands it to the task that has waited
// longest, and no other task can take it in between. It belongs to no task in particular: one
// may lock it and another unlock it.
type Mutex struct {
	mutexWaiters

	// signalled has, for each waiter with flagSignalled and in the same order, the Cond whose
	// Signal it got. It is nil until the first one comes. Those of waiters with a waitNode, which
	// leave the queue in any order, are in signalledNodes. Both are guarded by lock.
	signalled      *ring[*Cond]
	signalledNodes map[*waitPlace]*Cond

	marks marks
}

// mutexWaiters is the lock, the state and the queue; an alias, see waiters.
type mutexWaiters = waiters[mutexState, struct{}]

// mutexState is the state of a Mutex.
type mutexState struct {
	locked bool

	// holderKind and holder are for people who look at waiting tasks; see survey.go. They are the
	// kind and the frame of the task that the Mutex was given to last; 0: TryLock
	// has locked it. The frame may have ended, so it is compared with others, never read.
	holderKind link[kind]
	holder     uintptr
}

// heldBy notes that the task of h has got the Mutex. The caller has h to itself: it parks the task, or
// has just woken it and not posted it.
func (s *mutexState) heldBy(h *header) {
	s.holderKind, s.holder = h.kind, uintptr(unsafe.Pointer(h))
}

// Lock waits until the mutex is free, locks it, and resumes f's task at the resume point at. If
// f.Err is not nil then, the tree's context has ended, and the task has not got the mutex.
func (m *Mutex) Lock(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, m) }

// TryLock locks the mutex if it is free. It may be called from any goroutine.
func (m *Mutex) TryLock() bool {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if m.state.locked {
		return false
	}
	m.state = mutexState{locked: true}
	return true
}

// LockNow is TryLock in a step, unless it is expected that the task has to wait: then it does nothing.
func (m *Mutex) LockNow(s *Suspension) bool {
	if s.w != nil && m.marks.has(locksWait) {
		return false
	}
	m.lock.mu.Lock()
	free := !m.state.locked
	m.marks.set(locksWait, !free)
	if free {
		m.state = mutexState{locked: true}
	}
	m.lock.mu.Unlock()
	return free
}

// Unlock unlocks the mutex. It may be called from any goroutine, and panics if the mutex is
// not locked.
func (m *Mutex) Unlock() {
	var woken wakeList
	m.lock.mu.Lock()
	if !m.state.locked {
		m.lock.mu.Unlock()
		panic("coro: Unlock of a Mutex that is not locked: each Lock that succeeded, that is with a nil Err, allows one Unlock")
	}
	again := m.handOver(&woken)
	m.lock.mu.Unlock()
	again.signal(&woken)
	post(&woken)
}

// handOver unlocks m and locks it for the next waiting task, if any. The caller holds lock,
// and calls again.signal after it has released that.
func (m *Mutex) handOver(woken *wakeList) (again unusedSignals) {
	m.state.locked = false
	for !m.state.locked && !m.queue.empty() {
		h, _ := m.queue.pop()
		from := m.signalOf(h)
		if m.state.locked = wake(h, flagWoken, woken); !m.state.locked {
			again.add(from)
			continue
		}
		m.state.heldBy(h)
	}
	return again
}

func (m *Mutex) park(_ *Worker, h *header) parking {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if !m.state.locked {
		m.state.locked = true
		m.state.heldBy(h)
		m.marks.set(locksWait, false)
		return parkDone
	}
	return m.wait(m, h, struct{}{})
}

// cancel and withdraw also pass on the Signals that the tasks had got.

func (m *Mutex) cancel(h *header, woken *wakeList) {
	m.queue.unlink(h)
	var again unusedSignals
	again.add(m.signalOf(h))
	wake(h, 0, woken)
	m.lock.mu.Unlock()
	again.signal(woken)
}

func (m *Mutex) withdraw(rt *execRuntime, woken *wakeList) {
	again := m.takeOut(rt, woken)
	again.signal(woken)
}

func (m *Mutex) takeOut(rt *execRuntime, woken *wakeList) (again unusedSignals) {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if (m.signalled == nil || m.signalled.n == 0) && len(m.signalledNodes) == 0 {
		m.queue.withdraw(rt, woken)
		return again
	}
	for range m.queue.n {
		h, none := m.queue.pop()
		from := m.signalOf(h)
		if h.env.get().runtime == rt {
			again.add(from)
			wake(h, 0, woken)
			continue
		}
		m.queue.push(h, none)
		if from != nil {
			m.setSignal(h, from)
		}
	}
	return again
}

func (m *Mutex) visit(v *visitor) bool { return m.visitAs("Mutex.Lock", v) }
