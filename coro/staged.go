package coro

// Operations of package task whose arguments have types of the program. The arguments lie in the
// Suspension, or in the worker, from the call of the function on until Enter: nothing else waits in
// between, and nothing is allocated.

import (
	"slices"
	"unsafe"
)

// Kept is what the maker of a [Call] keeps beside it.
type Kept interface {
	// Clear is called when the call is launched.
	Clear()
}

// Kept returns where the maker of the call keeps what belongs to it. Calls are reused, and what was
// kept in another one of the same kind may be there, cleared. It must not be used after a launch.
func (c Call[R]) Kept() *Kept { return &c.c.kept }

// TakeKept ends the use of a call that is not launched, and returns what was kept beside it.
func (c Call[R]) TakeKept() Kept {
	call := c.claim()
	kept := call.kept
	call.kept = nil
	call.recycle()
	return kept
}

// Stage returns the operation of awaiting the call, and puts its argument into s. The result is that
// of the call. Stage panics if the call was launched.
func (c Call[R]) Stage(s *Suspension) Waiting {
	if c.c == nil || c.c.id.Load() != c.id {
		c.claim() // panics
	}
	s.Amount = int64(c.id)
	return (*stagedCall[R])(c.c)
}

type stagedCall[R any] callFor[R]

func (c *stagedCall[R]) Enter(s *Suspension, f AnyFrame, at int) Step {
	return AwaitCall(f, at, Call[R]{(*callFor[R])(c), uint64(s.Amount)}, (*R)(s.Result()))
}

// GivingWay is the operation of a function that has got what it wanted, and whose worker was asked to
// let other tasks run.
type GivingWay struct{}

func (GivingWay) Enter(_ *Suspension, f AnyFrame, at int) Step {
	return f.anyFrame().waitFor(at, givingWay{})
}

type givingWay struct{}

func (givingWay) park(*Worker, *header) parking { return parkDone } // Worker.wait does the rest

// ---- a Chan

// SendNow is [Chan.TrySend] in a step, and RecvNow is [Chan.TryRecv], unless it is expected that the
// task has to wait: then they do nothing. The receiver or sender that is woken goes to the same place as
// after a wait of the step's task: a Send of a step function that need not wait is no different. On a
// goroutine, where s has no worker, they are TrySend and TryRecv.
func (c *Chan[T]) SendNow(s *Suspension, v T) bool {
	if s.w != nil && c.receivers.marks.has(sendsWait) {
		return false
	}
	woken := wakeList{w: s.w}
	c.lock.mu.Lock()
	sent := c.send(v, &woken)
	c.receivers.marks.set(sendsWait, !sent)
	c.lock.mu.Unlock()
	post(&woken)
	return sent
}

// RecvNow is described at [Chan.SendNow].
func (c *Chan[T]) RecvNow(s *Suspension) (v T, ok bool) {
	if s.w != nil && c.receivers.marks.has(recvsWait) {
		return v, false
	}
	woken := wakeList{w: s.w}
	c.lock.mu.Lock()
	v, ok = c.receive(&woken)
	c.receivers.marks.set(recvsWait, !ok)
	c.lock.mu.Unlock()
	post(&woken)
	return v, ok
}

// StageSend returns the operation of sending v, and puts v where it is until then. It ends with
// [ErrChanClosed] if the channel is closed then: what panics is the sender's own look before it waits.
func (c *Chan[T]) StageSend(s *Suspension, v T) Waiting {
	switch w := s.w; {
	case w == nil:
		return &unstagedSend[T]{c, v}
	case c.plain():
		*plainOutgoing[T](w) = v
	default:
		w.args.box = c.pack(v)
	}
	return (*stagedSend[T])(c)
}

// unstagedSend is the operation on a goroutine.
type unstagedSend[T any] struct {
	c *Chan[T]
	v T
}

func (u *unstagedSend[T]) Enter(s *Suspension, f AnyFrame, at int) Step {
	return u.c.StageSend(s, u.v).Enter(s, f, at)
}

type stagedSend[T any] Chan[T]

func (c *stagedSend[T]) Enter(_ *Suspension, f AnyFrame, at int) Step {
	return f.anyFrame().waitFor(at, c)
}

func (s *stagedSend[T]) park(w *Worker, h *header) parking {
	c := (*Chan[T])(s)
	v := c.outgoing(w)
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	p := parkDone
	if c.receivers.marks.has(chanClosed) {
		p = parkChanClosed
	} else if c.send(v, &woken) {
		c.receivers.marks.set(sendsWait, false)
	} else {
		if p = c.lock.admit(c, h); p == parked {
			c.allSenders().push(h, v)
			if h.layout&flagListed != 0 {
				h.node().prev |= waitSends
			}
		}
	}
	c.lock.mu.Unlock()
	if p != parkUnarmed { // after that, park is called again
		c.sent(w)
	}
	w.postParked(p, &woken)
	return p
}

// ---- a Select

// TrySelect does one of the cases of a [Select] in a step, if one can happen now, and returns its number
// and the Select's error. Otherwise the function must wait for [StagedSelect]. The cases are those of
// methods whose names begin with Staged, or have no values.
func (s *Suspension) TrySelect(cases []Case) (chosen int, err error, done bool) {
	w := s.w
	q := &w.args.cases
	q.prepare(s.frame.get(), cases)
	if w.preempt.Load() != 0 {
		return 0, nil, false
	}
	q.woken.w = w
	q.lockAll()
	p, i := q.poll(s.env.get().runtime.random)
	q.unlockAll()
	if p == parked {
		return 0, nil, false
	}
	chosen = q.number(i)
	q.finish(i)
	post(&q.woken)
	if p == parkChanClosed {
		err = ErrChanClosed
	}
	return chosen, err, true
}

// StagedSelect is the operation of waiting for the cases that [Suspension.TrySelect] had last. The
// number of the chosen case is its result.
type StagedSelect struct{}

// Enter is part of [Waiting].
func (StagedSelect) Enter(s *Suspension, f AnyFrame, at int) Step {
	return s.w.args.cases.begin(f.anyFrame(), at, uintptr(s.Result()))
}

// SelectOnGoroutine returns the operation of a [Select] on a goroutine.
func SelectOnGoroutine(cases []Case) Waiting { return &unstagedSelect{slices.Clone(cases)} }

type unstagedSelect struct{ cases []Case }

func (u *unstagedSelect) Enter(s *Suspension, f AnyFrame, at int) Step {
	return Select(f, at, (*int)(s.Result()), u.cases...)
}

// StagedRecvCase is [Chan.RecvCase] for compiled functions and functions on goroutines. *result is a
// variable on the Go heap, which the caller keeps alive until the Select has ended.
func (c *Chan[T]) StagedRecvCase(result *T) Case {
	if c == nil {
		return Case{}
	}
	return Case{on: (*stagedReceiving[T])(c), place: unsafe.Pointer(result)}
}

// stagedReceiving is receiving without the rule that a value goes to a state or held part.
type stagedReceiving[T any] Chan[T]

func (r *stagedReceiving[T]) receiving() *receiving[T] { return (*receiving[T])(r) }

func (r *stagedReceiving[T]) waitable() (waitable, *lock) { return r.receiving().waitable() }
func (r *stagedReceiving[T]) check(*header, *Case)        {}
func (r *stagedReceiving[T]) refuse(*header)              {}
func (r *stagedReceiving[T]) finish(*Case, bool)          {}
func (r *stagedReceiving[T]) push(p *proxy, c *Case)      { r.receiving().push(p, c) }
func (r *stagedReceiving[T]) drop(p *proxy)               { r.receiving().drop(p) }

func (r *stagedReceiving[T]) try(c *Case, woken *wakeList) parking {
	return r.receiving().try(c, woken)
}

// StagedSendCase is [Chan.SendCase] for compiled functions and functions on goroutines. If the channel
// is closed, the case happens, with [ErrChanClosed].
func (c *Chan[T]) StagedSendCase(v T) Case {
	sc := c.SendCase(v)
	if c != nil {
		sc.on = (*stagedSending[T])(c)
	}
	return sc
}

// stagedSending is sending without the panic if the channel is closed.
type stagedSending[T any] Chan[T]

func (s *stagedSending[T]) sending() *sending[T] { return (*sending[T])(s) }

func (s *stagedSending[T]) waitable() (waitable, *lock) { return s.sending().waitable() }
func (s *stagedSending[T]) check(h *header, c *Case)    { s.sending().check(h, c) }
func (s *stagedSending[T]) refuse(*header)              {}
func (s *stagedSending[T]) finish(c *Case, done bool)   { s.sending().finish(c, done) }
func (s *stagedSending[T]) push(p *proxy, c *Case)      { s.sending().push(p, c) }
func (s *stagedSending[T]) drop(p *proxy)               { s.sending().drop(p) }

func (s *stagedSending[T]) try(c *Case, woken *wakeList) parking {
	if s.receivers.marks.has(chanClosed) {
		return parkChanClosed
	}
	return s.sending().try(c, woken)
}

// ---- others

// Stage returns the operation of a [Suspend] with w, and puts its argument into s.
func (w Waker) Stage(s *Suspension) Waiting {
	s.Amount = int64(w.number)
	return (*stagedWaker)(w.chunk)
}

type stagedWaker wakerChunk

func (c *stagedWaker) Enter(s *Suspension, f AnyFrame, at int) Step {
	return Suspend(f, at, Waker{(*wakerChunk)(c), uint64(s.Amount)})
}

// WaitLocked is [Cond.Wait], but the task has L in any case when it resumes, also if the tree's
// context has ended: so a deferred Unlock is right. Only the end of the executor ends the wait for L.
// A panic is that of a child.
func (c *Cond) WaitLocked(f AnyFrame, at int) Step {
	return awaitHeld(f.anyFrame(), at, condWaitKind, struct{}{}, condWait{c: c}, nil)
}

// condWait is the held part of the child that waits.
type condWait struct {
	c   *Cond
	err error
}

var condWaitKind = DefineHeld("coro.Cond.Wait", func(f *Frame[struct{}, struct{}], held *condWait) Step {
	switch f.At() {
	case 0:
		return held.c.Wait(f, 1)
	case 1:
		if f.Err() == nil {
			return f.Return(struct{}{})
		}
		held.err = f.Err()
		return f.header.waitFor(2, (*relocking)(held.c.L))
	default:
		return f.Fail(held.err)
	}
})

// relocking is a Mutex for a task that waits although its tree has been cancelled.
type relocking Mutex

func (r *relocking) park(_ *Worker, h *header) parking {
	m := (*Mutex)(r)
	m.lock.mu.Lock()
	defer m.lock.mu.Unlock()
	if !m.state.locked {
		m.state.locked = true
		m.state.heldBy(h)
		return parkDone
	}
	return m.waitIn(nil, m, h, struct{}{})
}
