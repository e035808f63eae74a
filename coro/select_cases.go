package coro

import "unsafe"

// RecvCase is the case that a value is received from c; see [Select]. It goes to
// *result, which must lie where that of [Chan.Recv] must, or nowhere if result is nil.
// The case happens also if c is closed and has no values left. c may be nil.
func (c *Chan[T]) RecvCase(result *T) Case {
	if c == nil {
		return Case{}
	}
	return Case{on: (*receiving[T])(c), place: unsafe.Pointer(result)}
}

// SendCase is the case that v is sent to c; see [Select]. It is good for one Select. c
// may be nil.
func (c *Chan[T]) SendCase(v T) Case {
	if c == nil {
		return Case{}
	}
	parcel, _ := c.consignments.Get().(*consignment[T])
	if parcel == nil {
		parcel = new(consignment[T])
	}
	parcel.value = v
	return Case{on: (*sending[T])(c), parcel: parcel, number: parcel.number}
}

// consignment is the value of a SendCase, until park. Consignments are reused, so each
// use of one has a number of its own, and a Case with another one is found out.
type consignment[T any] struct {
	value  T
	number uint64
}

// WaitCase is the case that the event is set; see [Select]. e may be nil.
func (e *Event) WaitCase() Case {
	if e == nil {
		return Case{}
	}
	return Case{on: e}
}

// WaitCase is the case that the count is zero; see [Select]. l may be nil.
func (l *WaitGroup) WaitCase() Case {
	if l == nil {
		return Case{}
	}
	return Case{on: l}
}

// WaitCase is the case that w has been woken; see [Select]. If that is not the case
// that is chosen, w is as good as before. w may be the zero Waker.
func (w Waker) WaitCase() Case {
	if w.slot == nil {
		return Case{}
	}
	return Case{on: w.slot, number: w.id}
}

// ---- receiving from a Chan

func (r *receiving[T]) waitable() (waitable, *lock) { return (*Chan[T])(r), &r.lock }

func (r *receiving[T]) check(h *header, c *Case) {
	if c.place != nil && !h.frameHolds(c.place) {
		(*Chan[T])(r).panicMisplacedValue(h)
	}
}

func (r *receiving[T]) try(c *Case, woken *wakeList) parking {
	v, ok := (*Chan[T])(r).receive(woken)
	switch {
	case ok:
		if c.place != nil {
			*(*T)(c.place) = v
		}
		return parkDone
	case r.closed:
		return parkChanClosed
	default:
		return parked
	}
}

func (r *receiving[T]) refuse(*header) {}

func (r *receiving[T]) push(p *proxy, c *Case) { r.receivers.enter(p, r, uintptr(c.place)) }

func (r *receiving[T]) finish(*Case, bool) {}

func (r *receiving[T]) drop(p *proxy) {
	r.lock.mu.Lock()
	defer r.lock.mu.Unlock()
	r.receivers.drop(p)
}

// ---- sending to a Chan

func (s *sending[T]) waitable() (waitable, *lock) { return (*Chan[T])(s), &s.lock }

func (s *sending[T]) check(h *header, c *Case) {
	if c.parcel.(*consignment[T]).number != c.number {
		panic("coro: task " + quote(h.kind.get().name) + ": a SendCase is good for one Select: make another one")
	}
}

func (s *sending[T]) try(c *Case, woken *wakeList) parking {
	if s.closed {
		return parkMisuse
	}
	if (*Chan[T])(s).send(c.parcel.(*consignment[T]).value, woken) {
		return parkDone
	}
	return parked
}

func (s *sending[T]) refuse(*header) { panicSendToClosed() }

func (s *sending[T]) push(p *proxy, c *Case) {
	s.senders.enter(p, s, c.parcel.(*consignment[T]).value)
}

func (s *sending[T]) finish(c *Case, _ bool) {
	parcel := c.parcel.(*consignment[T])
	if parcel.number != c.number {
		return // the same case is in the Select twice
	}
	var zero T
	parcel.value = zero
	parcel.number++
	s.consignments.Put(parcel)
}

func (s *sending[T]) drop(p *proxy) {
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	s.senders.drop(p)
}

// ---- an Event

func (e *Event) waitable() (waitable, *lock) { return e, &e.lock }

func (e *Event) check(*header, *Case) {}

func (e *Event) try(*Case, *wakeList) parking {
	if e.set {
		return parkDone
	}
	return parked
}

func (e *Event) refuse(*header) {}

func (e *Event) push(p *proxy, _ *Case) { e.waiters.enter(p, e, struct{}{}) }

func (e *Event) finish(*Case, bool) {}

func (e *Event) drop(p *proxy) {
	e.lock.mu.Lock()
	defer e.lock.mu.Unlock()
	e.waiters.drop(p)
}

// ---- a WaitGroup

func (l *WaitGroup) waitable() (waitable, *lock) { return l, &l.lock }

func (l *WaitGroup) check(*header, *Case) {}

func (l *WaitGroup) try(*Case, *wakeList) parking {
	if l.count == 0 {
		return parkDone
	}
	return parked
}

func (l *WaitGroup) refuse(*header) {}

func (l *WaitGroup) push(p *proxy, _ *Case) { l.waiters.enter(p, l, struct{}{}) }

func (l *WaitGroup) finish(*Case, bool) {}

func (l *WaitGroup) drop(p *proxy) {
	l.lock.mu.Lock()
	defer l.lock.mu.Unlock()
	l.waiters.drop(p)
}

// ---- a Waker

func (s *wakerSlot) waitable() (waitable, *lock) { return s, &s.lock }

func (s *wakerSlot) check(*header, *Case) {}

func (s *wakerSlot) try(c *Case, _ *wakeList) parking {
	if s.id != c.number || s.task != nil {
		return parkMisuse
	}
	if s.woken {
		s.take()
		return parkDone
	}
	return parked
}

func (s *wakerSlot) refuse(h *header) { panicWakerMisused(h) }

// push keeps the first proxy, if the Waker is in the Select twice.
func (s *wakerSlot) push(p *proxy, _ *Case) {
	s.cases.expect(p, s)
	if s.task == nil {
		s.task = &p.header
	}
}

func (s *wakerSlot) finish(_ *Case, done bool) {
	if done {
		wakerSlots.Put(s)
	}
}

func (s *wakerSlot) drop(p *proxy) {
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	s.cases.visits--
	if s.task == &p.header {
		s.task = nil
	}
}
