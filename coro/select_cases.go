package coro

import "unsafe"

// RecvCase is the case that a value is received from c; see [Select]. The value goes to
// *result, which must lie where that of [Chan.Recv] must, or nowhere if result is nil. The
// case also happens if c is closed and has no values left. c may be nil.
func (c *Chan[T]) RecvCase(result *T) Case {
	if c == nil {
		return Case{}
	}
	return Case{on: (*receiving[T])(c), place: unsafe.Pointer(result)}
}

// SendCase is the case that v is sent to c; see [Select]. It is good for one Select. c may be
// nil.
func (c *Chan[T]) SendCase(v T) Case {
	if c == nil {
		return Case{}
	}
	b := c.pack(v)
	return Case{on: (*sending[T])(c), box: b, number: b.number.Load()}
}

// WaitCase is the case that the event is set; see [Select]. e may be nil.
func (e *Event) WaitCase() Case {
	if e == nil {
		return Case{}
	}
	return Case{on: e}
}

// WaitCase is the case that the count is zero; see [Select]. g may be nil.
func (g *WaitGroup) WaitCase() Case {
	if g == nil {
		return Case{}
	}
	return Case{on: g}
}

// WaitCase is the case that w has been woken; see [Select]. If another case is chosen, w is
// as good as before. w may be the zero Waker.
func (w Waker) WaitCase() Case {
	if w.chunk == nil {
		return Case{}
	}
	return Case{on: w.chunk, number: w.number}
}

// plainCase has the methods of selectable that most have no use for. It is embedded.
type plainCase struct{}

func (plainCase) check(*header, *Case) {}
func (plainCase) refuse(*header)       {}
func (plainCase) finish(*Case, bool)   {}

// ---- receiving from a Chan

func (r *receiving[T]) waitable() (waitable, *lock) { return (*Chan[T])(r), &r.lock }

func (r *receiving[T]) check(h *header, c *Case) {
	if !h.mayPlace(c.place, h.stateSize()) {
		panicMisplacedValue(h, r.element.pointer)
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
	case r.receivers.closed:
		return parkChanClosed
	default:
		return parked
	}
}

func (r *receiving[T]) push(p *proxy, c *Case) {
	(*Chan[T])(r).quiet()
	r.receivers.enter(p, r, uintptr(c.place))
}

func (r *receiving[T]) drop(p *proxy) {
	r.lock.mu.Lock()
	defer r.lock.mu.Unlock()
	r.receivers.drop(p)
}

// ---- sending to a Chan

func (s *sending[T]) waitable() (waitable, *lock) { return (*Chan[T])(s), &s.lock }

func (s *sending[T]) check(h *header, c *Case) {
	if !s.claim(h, c) {
		panic("coro: task " + quote(h.kind.get().name) + ": a SendCase is good for one Select: make another one")
	}
}

// claim makes the box belong to the Select that is being made, for c. It also returns true if
// the same case is in that Select before c. Otherwise the box is used, or another task has it.
func (s *sending[T]) claim(h *header, c *Case) bool {
	b := c.box.(*box[T])
	if b.number.CompareAndSwap(c.number, c.number+1) {
		c.number++
		return true
	}
	cases := h.worker.get().args.cases.cases
	for i := range cases[:len(cases)-1] {
		if other := &cases[i]; other.box == c.box && other.number == c.number+1 {
			c.number++
			return true
		}
	}
	return false
}

func (s *sending[T]) try(c *Case, woken *wakeList) parking {
	if s.receivers.closed {
		return parkMisuse
	}
	if (*Chan[T])(s).send(c.box.(*box[T]).value, woken) {
		return parkDone
	}
	return parked
}

func (s *sending[T]) refuse(*header) { panicSendToClosed() }

func (s *sending[T]) push(p *proxy, c *Case) {
	(*Chan[T])(s).allSenders().enter(p, s, c.box.(*box[T]).value)
}

// finish leaves the box alone if c has not claimed it, and also if its number is another one: the
// same case is in the Select twice, and its first copy has ended the use.
func (s *sending[T]) finish(c *Case, _ bool) {
	if b := c.box.(*box[T]); c.number&1 != 0 && b.number.Load() == c.number {
		(*Chan[T])(s).unpack(b)
	}
}

func (s *sending[T]) drop(p *proxy) {
	s.lock.mu.Lock()
	defer s.lock.mu.Unlock()
	s.senders.drop(p)
}

// ---- an Event

func (e *Event) waitable() (waitable, *lock) { return e, &e.lock }

func (e *Event) try(*Case, *wakeList) parking {
	if e.state.set {
		return parkDone
	}
	return parked
}

// ---- a WaitGroup

func (g *WaitGroup) waitable() (waitable, *lock) { return g, &g.lock }

func (g *WaitGroup) try(*Case, *wakeList) parking {
	if g.state.count == 0 {
		return parkDone
	}
	return parked
}

// ---- a Waker

func (c *wakerChunk) waitable() (waitable, *lock) { return c, &c.lock }

func (c *wakerChunk) try(waiting *Case, _ *wakeList) parking {
	w := Waker{c, waiting.number}
	e := c.entries[w.place()]
	if !w.validFor(e) || e&entryTask != 0 {
		return parkMisuse
	}
	if e&entryWoken != 0 {
		c.take(w.place()) // finish applies the listing
		return parkDone
	}
	return parked
}

func (c *wakerChunk) refuse(h *header) { panicWakerMisused(h) }

// push keeps the first proxy, if the Waker is in the Select twice.
func (c *wakerChunk) push(p *proxy, waiting *Case) {
	c.cases.expect(p, c)
	i := Waker{c, waiting.number}.place()
	p.number = int32(i)
	if c.entries[i]&entryTask == 0 {
		c.setTask(i, &p.header)
	}
}

// finish does the rest if try has ended the use of the entry.
func (c *wakerChunk) finish(_ *Case, done bool) {
	if done {
		c.lock.mu.Lock()
		listing := c.listing()
		c.lock.mu.Unlock()
		listing.apply(c)
	}
}

func (c *wakerChunk) drop(p *proxy) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.cases.visits--
	if i := int(p.number); c.entries[i].task() == &p.header {
		c.setTask(i, nil)
	}
}
