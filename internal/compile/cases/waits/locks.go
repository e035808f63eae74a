package waits

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var errWait = errors.New("wait")

func mutex(t *task.T, tr *cases.Trace, n int) (int, error) {
	var m task.Mutex
	if err := m.Lock(t); err != nil {
		return 0, err
	}
	tr.Print(m.TryLock())
	err := wait(t, tr, "inside")
	m.Unlock()
	tr.Print(m.TryLock(), err)
	m.Unlock()
	p := &m
	if wait(t, tr, "again"); p.Lock(t) == nil {
		wait(t, tr, "inside again")
		p.Unlock()
	}
	return n, err
}

type counter struct {
	m task.Mutex
	n int
}

func (c *counter) add(t *task.T, tr *cases.Trace, by int) (int, error) {
	if err := c.m.Lock(t); err != nil {
		return 0, err
	}
	defer c.m.Unlock()
	before := c.n
	if err := wait(t, tr, "adding", by); err != nil {
		return before, err
	}
	c.n = before + by
	return c.n, nil
}

func mutexDeferred(t *task.T, tr *cases.Trace, n int) (int, error) {
	var c counter
	for i := range n {
		if k, err := c.add(t, tr, i); err != nil {
			return k, fmt.Errorf("adding %d: %w", i, err)
		}
	}
	tr.Print(c.m.TryLock())
	return c.n, nil
}

func contended(t *task.T, tr *cases.Trace, n int) (int, error) {
	var c counter
	var g task.Group
	for i := range 5 {
		g.Go(t, func(t *task.T) error {
			for range n {
				if _, err := c.add(t, tr, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait(t)
	return c.n, err
}

func rwMutex(t *task.T, tr *cases.Trace, n int) (int, error) {
	var m task.RWMutex
	if err := m.RLock(t); err != nil {
		return 0, err
	}
	value(t, tr, 1)
	tr.Print(m.TryRLock(), m.TryLock())
	m.RUnlock()
	m.RUnlock()
	if err := m.Lock(t); err != nil {
		return 1, err
	}
	defer m.Unlock()
	value(t, tr, 2)
	tr.Print(m.TryRLock(), m.TryLock())
	return n, wait(t, tr, "end")
}

func rwContended(t *task.T, tr *cases.Trace, n int) (int, error) {
	var m task.RWMutex
	var g task.Group
	var readers atomic.Int64
	a, b := 0, 0
	for i := range 3 {
		g.Go(t, func(t *task.T) error {
			for range n {
				if err := m.Lock(t); err != nil {
					return err
				}
				func() {
					defer m.Unlock()
					if readers.Load() != 0 {
						tr.Print("readers beside a writer")
					}
					a++
				}()
				if err := m.Lock(t); err != nil {
					return err
				}
				wait(t, tr, "writing", i)
				b++
				m.Unlock()
			}
			return nil
		})
		g.Go(t, func(t *task.T) error {
			for range n {
				if err := m.RLock(t); err != nil {
					return err
				}
				readers.Add(1)
				k := a + b
				wait(t, tr, "reading", i)
				if k != a+b {
					tr.Print("a writer beside readers")
				}
				readers.Add(-1)
				m.RUnlock()
			}
			return nil
		})
	}
	err := g.Wait(t)
	return a*100 + b, err
}

// buffer holds up to two values.
type buffer struct {
	m      task.Mutex
	change *task.Cond
	values []int
}

func (b *buffer) put(t *task.T, tr *cases.Trace, v int) error {
	if err := b.m.Lock(t); err != nil {
		return err
	}
	defer b.m.Unlock()
	for len(b.values) == 2 {
		if err := b.change.Wait(t); err != nil {
			return err
		}
	}
	wait(t, tr, "put", v)
	b.values = append(b.values, v)
	b.change.Broadcast()
	return nil
}

func (b *buffer) take(t *task.T, tr *cases.Trace) (v int, err error) {
	if err := b.m.Lock(t); err != nil {
		return 0, err
	}
	defer b.m.Unlock()
	for len(b.values) == 0 {
		if err := b.change.Wait(t); err != nil {
			return 0, err
		}
	}
	v, b.values = b.values[0], b.values[1:]
	b.change.Broadcast()
	return v, nil
}

func cond(t *task.T, tr *cases.Trace, n int) (int, error) {
	b := &buffer{}
	b.change = task.NewCond(&b.m)
	var g task.Group
	sums := make([]int, 2)
	for i := range sums {
		g.Go(t, func(t *task.T) error {
			for k := range 4 {
				if err := b.put(t, tr, i*10+k); err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(t, func(t *task.T) error {
			for range 4 {
				v, err := b.take(t, tr)
				if err != nil {
					return err
				}
				sums[i] += v
			}
			return nil
		})
	}
	err := g.Wait(t)
	return sums[0] + sums[1], err
}

func event(t *task.T, tr *cases.Trace, n int) (int, error) {
	var e task.Event
	tr.Print(e.IsSet())
	e.Set()
	for i := range n {
		value(t, tr, i)
		if err := e.Wait(t); err != nil {
			return i, err
		}
	}
	e.Reset()
	tr.Print(e.IsSet())
	return n, nil
}

func eventMany(t *task.T, tr *cases.Trace, n int) (int, error) {
	var e, back task.Event
	var g task.Group
	var passed atomic.Int64
	for i := range 4 {
		g.Go(t, func(t *task.T) error {
			if err := e.Wait(t); err != nil {
				return err
			}
			wait(t, tr, "passed", i)
			if passed.Add(1) == 4 {
				back.Set()
			}
			return nil
		})
	}
	wait(t, tr, "sets")
	e.Set()
	if err := back.Wait(t); err != nil {
		g.Wait(t)
		return 0, err
	}
	err := g.Wait(t)
	return int(passed.Load()), err
}

func semaphore(t *task.T, tr *cases.Trace, n int) (int, error) {
	s := task.NewSemaphore(5)
	for i := range int64(3) {
		if err := s.Acquire(t, i); err != nil {
			return int(i), err
		}
		value(t, tr, int(i))
	}
	tr.Print(s.TryAcquire(3), s.TryAcquire(2))
	s.Release(5)
	return n, s.Acquire(t, int64(value(t, tr, 5)))
}

func semaphoreContended(t *task.T, tr *cases.Trace, n int) (int, error) {
	s := task.NewSemaphore(3)
	var g task.Group
	var used, turns atomic.Int64
	for i := range 5 {
		g.Go(t, func(t *task.T) error {
			k := int64(i%3 + 1)
			for range n {
				if err := s.Acquire(t, k); err != nil {
					return err
				}
				if used.Add(k) > 3 {
					tr.Print("too many")
				}
				wait(t, tr, "holds", k)
				used.Add(-k)
				turns.Add(1)
				s.Release(k)
			}
			return nil
		})
	}
	err := g.Wait(t)
	return int(turns.Load()), err
}

func waitGroup(t *task.T, tr *cases.Trace, n int) (int, error) {
	var left task.WaitGroup
	var g task.Group
	sum := 0
	var m task.Mutex
	for round := range 2 {
		left.Add(n)
		for i := range n {
			g.Go(t, func(t *task.T) error {
				defer left.Done()
				if err := m.Lock(t); err != nil {
					return err
				}
				defer m.Unlock()
				sum += value(t, tr, i)
				return nil
			})
		}
		if err := left.Wait(t); err != nil {
			g.Wait(t)
			return 0, err
		}
		tr.Print(round, sum)
	}
	return sum, g.Wait(t)
}

func once(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	var o task.Once
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("recovered %v", v)
		}
		if e := o.Do(t, nil); e != nil {
			tr.Print(e != nil)
		}
	}()
	for range 2 {
		err = o.Do(t, func(t *task.T) error {
			k += value(t, tr, 1)
			if n == 1 {
				return errWait
			}
			if n == 2 {
				panic("in once")
			}
			return wait(t, tr, "end of once")
		})
		tr.Print(err)
	}
	return k, err
}

func onceContended(t *task.T, tr *cases.Trace, n int) (int, error) {
	var o task.Once
	var g task.Group
	calls := 0
	for range 4 {
		g.Go(t, func(t *task.T) error {
			wait(t, tr, "comes")
			err := o.Do(t, func(t *task.T) error {
				wait(t, tr, "once")
				calls++
				return nil
			})
			if err == nil && calls != 1 {
				tr.Print("not ended")
			}
			return err
		})
	}
	err := g.Wait(t)
	return calls, err
}
