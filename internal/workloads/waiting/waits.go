package waiting

import (
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
)

// What the tasks of a crowd wait for. A task without a held part can refer to nothing else. openGates
// makes them closed, in the goroutine that opens the crowd, before there are tasks.
var (
	crowd     *Crowd // of the process
	gate      coro.Event
	mutex     coro.Mutex
	channel   *coro.Chan[int]
	semaphore *coro.Semaphore
	target    *coro.Handle[int] // of a task that waits for gate
	closed    chan struct{}     // is closed by the release
)

// openGates closes all gates.
func openGates() {
	gate.Reset()
	channel, semaphore = coro.NewChan[int](0), coro.NewSemaphore(1)
	target, closed = nil, make(chan struct{})
}

// waits are the forms of wait. All roots are launched by coro.Go and have 16 bytes of state, unless
// the title says otherwise.
var waits = []Form{
	{Name: "event", Title: "Event.Wait", launch: launchGo},
	{Name: "mutex", Title: "Mutex.Lock", prepare: func(*Crowd, int) error {
		if !mutex.TryLock() {
			return errDamaged
		}
		return nil
	}, launch: launchKind(locks), release: func(*Crowd) { mutex.Unlock() }},
	{Name: "chan", Title: "Chan.Recv", launch: launchKind(receives), release: func(*Crowd) { channel.Close() }},
	{Name: "semaphore", Title: "Semaphore.Acquire", prepare: func(*Crowd, int) error {
		if !semaphore.TryAcquire(1) {
			return errDamaged
		}
		return nil
	}, launch: launchKind(acquires), release: func(*Crowd) { semaphore.Release(1) }},
	{Name: "sleep-16", Title: "Sleep, 16 bytes of state", launch: launchKind(sleeps), release: releaseSleepers},
	{Name: "sleep-80", Title: "Sleep, 80 bytes of state", launch: func(c *Crowd, i int) error {
		return coro.Go(c.executor, sleepsLarge, large{small: root(i)})
	}, release: releaseSleepers},
	{Name: "handle", Title: "Handle.Await", prepare: func(c *Crowd, _ int) (err error) {
		target, err = coro.Start(c.other, targeted.With(none{}))
		return err
	}, launch: launchKind(awaitsHandle)},
	{Name: "waker", Title: "Suspend, a Waker", prepare: func(c *Crowd, n int) error {
		c.wakers = touched[coro.Waker](n)[:n]
		return nil
	}, launch: launchKind(suspends), release: func(c *Crowd) {
		for _, w := range c.wakers {
			w.Wake()
		}
	}},
	{Name: "select-two", Title: "Select of two", launch: launchKind(selectsTwo)},
	{Name: "select-after", Title: "Select of three, two of them After", launch: launchKind(selectsAfter)},
	{Name: "after", Title: "Select of After alone", launch: launchKind(selectsAlone), release: releaseSleepers},
	{Name: "timeout", Title: "Timeout around a child", launch: launchKind(limits)},
	{Name: "shield", Title: "Shield around a child", launch: launchKind(shields)},
	{Name: "blocking", Title: "Blocking", launch: launchKind(blocks), release: func(*Crowd) { close(closed) }},
	{Name: "await-on", Title: "AwaitOn", launch: launchKind(awaitsElsewhere)},
	{Name: "wait-context", Title: "WaitContext", launch: launchKind(waitsContext), release: func(c *Crowd) { c.cancel() }},
	{Name: "order", Title: "Start, 8 bytes held, Select with After", prepare: func(c *Crowd, n int) error {
		c.placed = touched[*placed](n)
		return nil
	}, launch: place, release: func(c *Crowd) {
		for _, p := range c.placed {
			p.payment.Set()
		}
	}},
}

type none = struct{}

var errDamaged = errors.New("a root's state is damaged")

func launchKind(k *coro.Kind[small, int]) func(*Crowd, int) error {
	return func(c *Crowd, i int) error { return coro.Go(c.executor, k, root(i)) }
}

// timeOf returns how long root i sleeps. The times are different, as in a program.
func timeOf(i uint64) time.Duration { return time.Hour + time.Duration(i)*10*time.Millisecond }

// releaseSleepers lets the time pass that the longest sleeper sleeps.
func releaseSleepers(c *Crowd) { c.clock.Advance(timeOf(uint64(c.launched)) + time.Second) }

var locks = coro.Define("locks", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return mutex.Lock(f, 1)
	}
	mutex.Unlock()
	return f.State.end(f)
})

var receives = coro.Define("receives", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.At() == 0:
		return channel.Recv(f, 1, nil)
	case f.Err() != nil && !errors.Is(f.Err(), coro.ErrChanClosed):
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

var acquires = coro.Define("acquires", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return semaphore.Acquire(f, 1, 1)
	}
	semaphore.Release(1)
	return f.State.end(f)
})

var sleeps = coro.Define("sleeps", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Sleep(f, 1, timeOf(f.State[0]))
	}
	return f.State.end(f)
})

// large is a state of 80 bytes: the most for which a frame has 128.
type large struct {
	small
	_ [64]byte
}

var sleepsLarge = coro.Define("sleeps, 80 bytes of state", func(f *coro.Frame[large, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Sleep(f, 1, timeOf(f.State.small[0]))
	}
	ended.Add(1)
	return f.Return(1)
})

// targeted is the one task whose handle others await. It is not a root of the crowd.
var targeted = coro.Define("targeted", func(f *coro.Frame[none, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return gate.Wait(f, 1)
	}
	return f.Return(1)
})

var awaitsHandle = coro.Define("awaits a handle", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		return target.Await(f, 1, nil)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

var suspends = coro.Define("suspends", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		w := coro.NewWaker()
		crowd.wakers[f.State[0]] = w
		return coro.Suspend(f, 1, w)
	}
	return f.State.end(f)
})

var selectsTwo = coro.Define("selects one of two", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Select(f, 1, nil, gate.WaitCase(), channel.RecvCase(nil))
	}
	return f.State.end(f)
})

var selectsAfter = coro.Define("selects one of three", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		d := timeOf(f.State[0])
		return coro.Select(f, 1, nil, gate.WaitCase(), coro.After(d), coro.After(2*d))
	}
	return f.State.end(f)
})

var selectsAlone = coro.Define("selects after", func(f *coro.Frame[small, int]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Select(f, 1, nil, coro.After(timeOf(f.State[0])))
	}
	return f.State.end(f)
})

// limits awaits a child for a limited time. The child waits for gate.
var limits = coro.Define("limits a child", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		return coro.AwaitCall(f, 1, child.With(none{}), nil, coro.Timeout(timeOf(f.State[0])))
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

var shields = coro.Define("shields a child", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		return coro.AwaitCall(f, 1, child.With(none{}), nil, coro.Shield())
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

// child waits for gate. It is no root.
var child = coro.Define("child", func(f *coro.Frame[none, none]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return gate.Wait(f, 1)
	}
	return f.Return(none{})
})

// waitUntilClosed blocks until the crowd is released.
func waitUntilClosed() (none, error) {
	crowd.parked.Done()
	<-closed
	return none{}, nil
}

var blocks = coro.Define("blocks", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		crowd.parked.Add(1)
		return coro.Blocking(f, 1, waitUntilClosed, nil)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

var awaitsElsewhere = coro.Define("awaits elsewhere", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		return coro.AwaitOn(f, 1, crowd.other, child.With(none{}), nil)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

var waitsContext = coro.Define("waits for a context", func(f *coro.Frame[small, int]) coro.Step {
	if f.At() == 0 {
		return coro.WaitContext(f, 1, crowd.ctx)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.State.end(f)
})

// placed is what a shop keeps of an order, as in docs/getting-started.md.
type placed struct {
	payment coro.Event
	task    *coro.Handle[int]
}

// payment is the held part of an order.
type payment struct{ made *coro.Event }

// patient is the state of an order.
type patient struct {
	small
	first int
}

var ordered = coro.DefineHeld("order", func(f *coro.Frame[patient, int], held *payment) coro.Step {
	s := &f.State
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Select(f, 1, &s.first, held.made.WaitCase(), coro.After(timeOf(s.small[0])))
	}
	ended.Add(1)
	return f.Return(1)
})

func place(c *Crowd, i int) (err error) {
	p := new(placed)
	p.task, err = coro.Start(c.executor, ordered.With(patient{small: root(i)}, payment{&p.payment}))
	c.placed = append(c.placed, p)
	return err
}
