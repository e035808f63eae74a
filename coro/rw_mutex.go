package coro

// RWMutex is a lock that many readers or one writer hold, and that tasks wait for without a
// goroutine. The zero RWMutex is unlocked. Any goroutine may use it, and tasks on different
// executors. It must not be copied.
//
// Tasks get it in the order in which they asked: a reader that comes after a waiting writer waits
// behind that one. So a task that holds it as a reader must not ask again before it has unlocked it.
// It belongs to no task in particular.
type RWMutex struct {
	rwMutexWaiters // each waits with whether it is to be the writer
}

// rwMutexWaiters is the lock, the state and the queue; an alias, see waiters.
type rwMutexWaiters = waiters[rwHolders, bool]

// rwHolders is the state of an RWMutex.
type rwHolders struct {
	readers int
	writer  bool
}

// Lock waits until nobody holds the lock, locks it for writing, and resumes f's task at the resume
// point at. If f.Err is not nil then, the tree's context has ended, and the task has not got the lock.
func (m *RWMutex) Lock(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, (*rwWriting)(m)) }

// RLock waits until no writer holds the lock or waits for it, and locks it for reading. The rest is
// as for [RWMutex.Lock].
func (m *RWMutex) RLock(f AnyFrame, at int) Step { return f.anyFrame().waitFor(at, (*rwReading)(m)) }

// TryLock locks the lock for writing if nobody holds it or waits for it. It may be called from any
// goroutine.
func (m *RWMutex) TryLock() bool { return m.try(true) }

// TryRLock locks the lock for reading if no writer holds it, and nobody waits for it. It may be
// called from any goroutine.
func (m *RWMutex) TryRLock() bool { return m.try(false) }

func (m *RWMutex) try(write bool) bool {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	return m.queue.empty() && m.take(write)
}

// take gives the lock to a reader or writer if it is free for that. The caller holds the mutex.
func (m *RWMutex) take(write bool) bool {
	if !m.free(write) {
		return false
	}
	if write {
		m.state.writer = true
	} else {
		m.state.readers++
	}
	return true
}

func (m *RWMutex) free(write bool) bool {
	return !m.state.writer && (!write || m.state.readers == 0)
}

// Unlock ends a Lock. It may be called from any goroutine, and panics if no writer has the lock.
func (m *RWMutex) Unlock() {
	var woken wakeList
	m.lock.mu.Lock()
	if !m.state.writer {
		m.lock.mu.Unlock()
		panic("coro: Unlock of an RWMutex that no writer has locked: each Lock that succeeded, that is with a nil Err, allows one Unlock")
	}
	m.state.writer = false
	m.serve(&woken)
	m.lock.mu.Unlock()
	post(&woken)
}

// RUnlock ends an RLock. It may be called from any goroutine, and panics if no reader has the lock.
func (m *RWMutex) RUnlock() {
	var woken wakeList
	m.lock.mu.Lock()
	if m.state.readers == 0 {
		m.lock.mu.Unlock()
		panic("coro: RUnlock of an RWMutex that no reader has locked: each RLock that succeeded, that is with a nil Err, allows one RUnlock")
	}
	m.state.readers--
	m.serve(&woken)
	m.lock.mu.Unlock()
	post(&woken)
}

// serve gives the lock to the tasks that have waited longest. The caller holds the mutex.
func (m *RWMutex) serve(woken *wakeList) {
	for !m.queue.empty() && m.free(m.queue.front()) {
		h, write := m.queue.pop()
		if wake(h, flagWoken, woken) {
			m.take(write)
		}
	}
}

// rwWriting and rwReading are the two sides, as what a task waits for.
type (
	rwWriting RWMutex
	rwReading RWMutex
)

func (m *rwWriting) park(_ *Worker, h *header) parking { return (*RWMutex)(m).parkFor(h, true) }
func (m *rwReading) park(_ *Worker, h *header) parking { return (*RWMutex)(m).parkFor(h, false) }

func (m *RWMutex) parkFor(h *header, write bool) parking {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if m.queue.empty() && m.take(write) {
		return parkDone
	}
	return m.wait(m, h, write)
}

// cancel and withdraw also serve the others: a writer that is gone may have kept readers from the
// lock.

func (m *RWMutex) cancel(h *header, woken *wakeList) {
	defer m.lock.mu.Unlock()
	m.queue.unlink(h)
	wake(h, 0, woken)
	m.serve(woken)
}

func (m *RWMutex) withdraw(rt *execRuntime, woken *wakeList) {
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	m.queue.withdraw(rt, woken)
	m.serve(woken)
}

func (m *RWMutex) visit(v *visitor) bool { return m.visitAs("RWMutex", v) }
