package coro

import (
	"sync/atomic"
	"unsafe"
)

// selection is what a task that waits in a Select has beside its frame: this, and
// behind it a proxy for each case. It is memory of the executor's arena, made when the
// task begins to wait.
//
// The proxies are in the queues. Whoever takes one out and claims it wakes the task; who
// takes out another one later finds it lost. Before the task is posted, whoever woke
// it, and holds no lock any more, settles the selection: visits each of the other queues,
// takes the proxy out if it is still there, and frees the memory. So no queue ever
// refers to what is gone, and none keeps what lost.
type selection struct {
	task   link[header]
	chosen uintptr // where the number of the case goes; 0: nowhere
	n      uint32  // how many proxies there are

	// winner is 0 and then, for good, the number of the claimed case plus 1. It is
	// written by whoever holds the lock of one of the cases, hence atomic: there are
	// several such locks. After a claim, only who made it reads the rest.
	winner atomic.Uint32
}

// proxy is what waits in a queue for a task in a Select. Its header has kind, parent
// and environment of the task. at is the number of the case, and result refers to the
// selection.
type proxy struct {
	header

	place link[casePlace] // set by push
	prev  link[header]    // what is before it in its queue, if it is in one

	// number says where its argument is; -1: it is in no queue. Guarded, as prev, by
	// the queue's lock.
	number int32
}

const (
	selectionSize = unsafe.Sizeof(selection{})
	proxySize     = unsafe.Sizeof(proxy{})
)

// Three cases fit in 256 bytes, and proxies are aligned as what they contain.
var (
	_ [256 - (selectionSize + 3*proxySize)]struct{}
	_ [-(selectionSize % unsafe.Alignof(proxy{}))]struct{}
)

func (h *header) proxy() *proxy { return (*proxy)(unsafe.Pointer(h)) }

// casePlace is what proxies refer to: a queue, or a whole waitable, as far as it has to
// do with Selects. Guarded by the waitable's lock.
type casePlace struct {
	// of is what this is the place of. It is written once, before there is a proxy, so
	// settle reads it without the lock.
	of selectable

	// visits is how many proxies there are whose selections are not settled, other
	// than claimed ones: they refer to this, though they may be in no queue. As long
	// as there are some, a registry keeps the waitable from the collector.
	visits int
}

// expect makes p refer to the place, which is that of the given sort of cases.
func (a *casePlace) expect(p *proxy, of selectable) {
	if a.of == nil {
		a.of = of
	}
	a.visits++
	p.place.set(a)
}

// newSelection returns the memory for n cases, or nil. The proxies have not been made.
func newSelection(w *Worker, h *header, n int) *selection {
	size := selectionSize + uintptr(n)*proxySize
	var s *selection
	if h.env.get().arena != nil {
		s = (*selection)(w.cache.Allocate(size))
	} else { // a loop over a generator has none
		s = (*selection)(seqArena().Allocate(size))
	}
	if s == nil {
		return nil
	}
	s.task.set(h)
	s.n = uint32(n)
	s.winner.Store(0)
	return s
}

// free frees the memory. w is the worker whose goroutine calls, or nil.
func (s *selection) free(w *Worker, env *Environment) {
	size := selectionSize + uintptr(s.n)*proxySize
	switch {
	case w.serves(env.runtime):
		w.cache.Deallocate(unsafe.Pointer(s), size)
	case env.arena != nil:
		env.arena.Deallocate(unsafe.Pointer(s), size)
	default:
		seqArena().Deallocate(unsafe.Pointer(s), size)
	}
}

func (s *selection) proxy(i int) *proxy {
	return (*proxy)(unsafe.Add(unsafe.Pointer(s), selectionSize+uintptr(i)*proxySize))
}

func (p *proxy) init(s *selection, h *header, index int32) {
	p.header = header{kind: h.kind, parent: h.parent, env: h.env, at: uint32(index), layout: flagProxy}
	p.result = uintptr(unsafe.Pointer(s))
	p.prev = 0
	p.number = -1
}

func (p *proxy) selection() *selection {
	l := link[selection](p.result)
	return l.get()
}

// claim makes p the case that the task goes on with, unless there is one. The caller
// holds the lock of the case, and has taken p out of its queue, or is about to.
func (p *proxy) claim() bool {
	if !p.selection().winner.CompareAndSwap(0, p.at+1) {
		return false
	}
	p.place.get().visits--
	return true
}

// settle ends the Select that p was claimed for, and returns its task, with what it has
// been woken with. The caller holds no lock. w is the worker whose goroutine calls, or
// nil.
func (p *proxy) settle(w *Worker) *header {
	s := p.selection()
	for i := range int(s.n) {
		if q := s.proxy(i); q != p {
			q.place.get().of.drop(q)
		}
	}
	h := s.task.get()
	if p.layout&flagWoken != 0 {
		h.layout |= p.layout & (flagWoken | flagChanClosed)
		if s.chosen != 0 {
			**(**int)(unsafe.Pointer(&s.chosen)) = int(p.at)
		}
	}
	s.free(w, h.env.get())
	return h
}

// aside has the arguments of the proxies in a queue. Proxies leave it in any order, so
// each has a number.
type proxyArguments[V any] struct {
	casePlace
	values []V     // what is not in use is zero, since V may hold Go pointers
	free   []int32 // what is not in use
}

// take returns the argument of p, which is not in the queue any more.
func (a *proxyArguments[V]) take(p *proxy) V {
	var zero V
	v := a.values[p.number]
	a.values[p.number] = zero
	a.free = append(a.free, p.number)
	p.number = -1
	return v
}

// enter pushes a new proxy, of a case of the given sort.
func (q *fifo[V]) enter(p *proxy, of selectable, v V) {
	if q.proxied == nil {
		q.proxied = new(proxyArguments[V])
	}
	q.proxied.expect(p, of)
	q.pushProxy(p, v)
}

func (q *fifo[V]) pushProxy(p *proxy, v V) {
	a := q.proxied
	if n := len(a.free); n > 0 {
		p.number = a.free[n-1]
		a.free = a.free[:n-1]
		a.values[p.number] = v
	} else {
		p.number = int32(len(a.values))
		a.values = append(a.values, v)
	}
	p.prev.set(q.frames.tail)
	q.frames.Push(Runnable{&p.header})
}

// popped is told that the front of the queue has been taken out.
func (q *fifo[V]) popped() {
	if h := q.frames.head; h != nil && h.layout&flagProxy != 0 {
		h.proxy().prev = 0
	}
}

// drop does what selectable's method says. The caller holds the lock.
func (q *fifo[V]) drop(p *proxy) {
	q.proxied.visits--
	if p.number < 0 {
		return // somebody took it out in vain
	}
	prev, next := p.prev.get(), p.nextInQueue()
	q.cursors.moved(&p.header, next)
	if prev == nil {
		q.frames.head = next
	} else {
		prev.setNextInQueue(next)
	}
	if next == nil {
		q.frames.tail = prev
	} else if next.layout&flagProxy != 0 {
		next.proxy().prev.set(prev)
	}
	q.frames.n--
	q.proxied.take(p)
}
