// Package locked has task functions that wait while they hold a lock of package sync.
package locked

import (
	"errors"
	"sync"
	"time"

	"github.com/framearena/framearena/task"
)

type store struct {
	mu sync.Mutex
	rw sync.RWMutex
	sync.Mutex
	own   task.Mutex
	inner *store
	n     int
}

var errFull = errors.New("full")

// asks takes a t and never waits.
func asks(t *task.T) error { return t.Err() }

// asksToo calls a function that never waits.
func asksToo(t *task.T) error { return asks(t) }

func waits(t *task.T) error { return deeper(t) }

func deeper(t *task.T) error { return t.Yield() }

func (s *store) simple(t *task.T) error {
	s.mu.Lock()
	err := t.Sleep(time.Second) // want `t.Sleep may wait while s.mu is locked, since line 34: unlock it before, or use a task.Mutex`
	s.mu.Unlock()
	return err
}

func (s *store) deferred(t *task.T) error {
	s.rw.RLock()
	defer s.rw.RUnlock()
	if err := waits(t); err != nil { // want `waits may wait while s.rw is locked, since line 41: unlock it before, or use a task.RWMutex`
		return err
	}
	return s.own.Lock(t)
}

func (s *store) literal(t *task.T) error {
	s.Lock()
	defer func() { s.Unlock() }()
	return s.own.Lock(t) // want `s.own.Lock may wait while s is locked`
}

func (s *store) onePath(t *task.T) error {
	s.inner.mu.Lock()
	if s.n > 3 {
		s.inner.mu.Unlock()
		return errFull
	}
	if s.n == 0 {
		return t.Yield() // want `t.Yield may wait while s.inner.mu is locked`
	}
	s.inner.mu.Unlock()
	return t.Yield()
}

func (s *store) loop(t *task.T, c *task.Chan[int]) {
	s.mu.Lock()
	for n := range c.All(t) { // want `c.All may wait while s.mu is locked`
		s.n += n
	}
	s.mu.Unlock()
}

func value(t *task.T, mu *sync.Mutex, fn func(*task.T) error) error {
	mu.Lock()
	err := fn(t) // want `fn may wait while mu is locked`
	mu.Unlock()
	return err
}

func locker(t *task.T, l sync.Locker) error {
	l.Lock()
	defer l.Unlock()
	return task.SendTo(t, nil, 1) // want `task.SendTo may wait while l is locked`
}

func conditionalWait(t *task.T, mu *sync.RWMutex, locks bool) error {
	if locks {
		mu.Lock()
	}
	t.Yield() // want `t.Yield may wait while mu is locked`
	if locks {
		mu.Unlock()
	}
	return nil
}

// ---- right

func (s *store) short(t *task.T) error {
	for {
		s.mu.Lock()
		s.n++
		full := s.n > 10
		s.mu.Unlock()
		if full {
			return errFull
		}
		if err := t.Yield(); err != nil {
			return err
		}
	}
}

func (s *store) early(t *task.T) error {
	s.mu.Lock()
	if s.n == 0 {
		s.mu.Unlock()
		return t.Sleep(time.Second)
	}
	switch s.n {
	case 1:
		s.mu.Unlock()
	default:
		s.n++
		s.mu.Unlock()
	}
	return waits(t)
}

func (s *store) neverWaits(t *task.T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var g task.Group
	g.Go(t, deeper)
	go waits(nil)
	if err := asksToo(t); err != nil {
		return err
	}
	return t.Err()
}

func (s *store) before(t *task.T) error {
	if err := t.Yield(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return nil
}

func (s *store) sameCondition(t *task.T, shared, quick bool) error {
	if shared && !quick {
		s.mu.Lock()
	}
	s.n++
	if shared && !quick {
		s.mu.Unlock()
	}
	return t.Yield()
}

func (s *store) noted(t *task.T, shared bool) error {
	locked := false
	if shared {
		s.mu.Lock()
		locked = true
	}
	s.n++
	if locked {
		s.mu.Unlock()
	}
	return t.Yield()
}

func (s *store) panics(t *task.T) error {
	s.mu.Lock()
	if s.n < 0 {
		panic("negative")
	}
	s.mu.Unlock()
	return t.Yield()
}

// unlocks is called with the mutex locked.
func (s *store) unlocks() { s.mu.Unlock() }

func (s *store) elsewhere(t *task.T) error {
	s.mu.Lock()
	s.unlocks()
	return t.Yield()
}

func (s *store) byLiteral(t *task.T) error {
	s.mu.Lock()
	unlock := func() { s.mu.Unlock() }
	unlock()
	return t.Yield()
}

func (s *store) other(t *task.T, o *store) error {
	s.mu.Lock()
	o.mu.Lock()
	s.n += o.n
	o.mu.Unlock()
	s.mu.Unlock()
	return t.Yield()
}

func (s *store) ofTask(t *task.T) error {
	if err := s.own.Lock(t); err != nil {
		return err
	}
	defer s.own.Unlock()
	return t.Yield()
}

func (s *store) onPurpose(t *task.T) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.Yield() //framearena:ignore nobody else has the store
}

func plain(s *store) {
	s.mu.Lock()
	defer s.mu.Unlock()
	time.Sleep(1)
}

// private has a mutex that nobody else can lock.
func private(t *task.T) error {
	var mu sync.Mutex
	mu.Lock()
	defer mu.Unlock()
	return t.Yield()
}

// public has one that its child can lock.
func public(t *task.T) error {
	var mu sync.Mutex
	var g task.Group
	g.Go(t, func(t *task.T) error {
		mu.Lock()
		defer mu.Unlock()
		return t.Yield() // want `t.Yield may wait while mu is locked`
	})
	return g.Wait(t)
}
