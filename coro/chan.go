package coro

import (
	"errors"
	"reflect"
	"sync"
	"unsafe"
)

// ErrChanClosed is what Err returns after a Recv from a [Chan] that is closed and
// has no values left, and after a Send that was waiting when the Chan was closed; also
// after a [RecvFrom] from such a Go channel.
var ErrChanClosed = errors.New("coro: the channel is closed")

// Chan is a channel between tasks. Values, senders and receivers each keep their
// order: first come, first served. It may be used by tasks on different executors;
// the methods without a frame may be called from any goroutine. A Chan is made by
// [NewChan].
type Chan[T any] struct {
	lock     lock
	capacity int

	// pointer says where T holds a Go pointer; empty if it does not. Values with
	// pointers are in parcels between Send and park, which are used again.
	pointer string
	parcels sync.Pool // of *T

	consignments sync.Pool // of *consignment[T], for SendCase

	// What follows is guarded by lock. Senders wait only while there are capacity
	// values, receivers only while there is none and no sender but such as would
	// receive too, in the same Select.
	closed    bool
	values    ring[T]
	senders   fifo[T]       // and what they send
	receivers fifo[uintptr] // and where it goes: into their state or held part, or 0
}

// NewChan returns a channel that holds up to capacity values. With capacity 0, a
// sender waits for a receiver. T may be any type. Values that hold Go pointers are
// received into held parts.
func NewChan[T any](capacity int) *Chan[T] {
	if capacity < 0 {
		panic("coro: NewChan needs a capacity that is not negative")
	}
	return &Chan[T]{capacity: capacity, pointer: pointerPath("element", reflect.TypeFor[T]())}
}

// sending and receiving are a Chan as what a task waits for.
type (
	sending[T any]   Chan[T]
	receiving[T any] Chan[T]
)

// Send sends v, waits until there is room for it or a receiver takes it, and goes
// on in f at the resume point at. If f.Err is not nil then, v was not sent: the
// tree's context has ended or, with [ErrChanClosed], the channel was closed
// meanwhile. The task panics if the channel is closed already.
func (c *Chan[T]) Send(f AnyFrame, at int, v T) Step {
	h := f.anyFrame()
	step := h.waitFor(at, (*sending[T])(c))
	if w := h.worker.get(); c.pointer == "" {
		*outgoing[T](w) = v
	} else {
		w.args.box = c.pack(v)
	}
	return step
}

// pack returns a parcel with v.
func (c *Chan[T]) pack(v T) *T {
	parcel, _ := c.parcels.Get().(*T)
	if parcel == nil {
		parcel = new(T)
	}
	*parcel = v
	return parcel
}

// parcel returns what the task that w runs is about to send. It may be asked again.
func (c *Chan[T]) parcel(w *Worker) T {
	if c.pointer == "" {
		return *outgoing[T](w)
	}
	return *w.args.box.(*T)
}

// unpacked is told that what parcel returned is elsewhere now.
func (c *Chan[T]) unpacked(w *Worker) {
	if c.pointer != "" {
		var zero T
		parcel := w.args.box.(*T)
		w.args.box = nil
		*parcel = zero
		c.parcels.Put(parcel)
	}
}

// outgoing returns where the worker keeps a value without Go pointers between Send
// and park.
func outgoing[T any](w *Worker) *T {
	const word = unsafe.Sizeof(uint64(0))
	if words := int((unsafe.Sizeof(*new(T)) + word - 1) / word); len(w.args.outgoing) < words || w.args.outgoing == nil {
		w.args.outgoing = make([]uint64, max(words, 8))
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(w.args.outgoing)))
}

// Recv waits for a value and goes on in f at the resume point at. The value goes to
// *result, which must lie in f's state or held part, or nowhere if result is nil. If
// f.Err is not nil then, there is none: the tree's context has ended or, with
// [ErrChanClosed], the channel is closed and has no values left.
func (c *Chan[T]) Recv(f AnyFrame, at int, result *T) Step {
	h := f.anyFrame()
	step := h.waitFor(at, (*receiving[T])(c))
	if result != nil && !h.stateHolds(unsafe.Pointer(result), h.kind.get().size-headerSize) && !h.heldPartHolds(unsafe.Pointer(result)) {
		c.panicMisplacedValue(h)
	}
	h.worker.get().args.destination = uintptr(unsafe.Pointer(result))
	return step
}

// TrySend sends v if that is possible without waiting. It panics if the channel is
// closed.
func (c *Chan[T]) TrySend(v T) bool {
	var woken wakeList
	c.lock.mu.Lock()
	sent := c.send(v, &woken)
	c.lock.mu.Unlock()
	post(&woken)
	return sent
}

// TryRecv receives a value if that is possible without waiting.
func (c *Chan[T]) TryRecv() (v T, ok bool) {
	var woken wakeList
	c.lock.mu.Lock()
	v, ok = c.receive(&woken)
	c.lock.mu.Unlock()
	post(&woken)
	return v, ok
}

// Close makes the channel one that takes no more values. What it holds can still be
// received. Tasks that wait to send or receive go on with [ErrChanClosed]. It panics
// if the channel is closed already.
func (c *Chan[T]) Close() {
	var woken wakeList
	c.lock.mu.Lock()
	if c.closed {
		c.lock.mu.Unlock()
		panic("coro: Close of a Chan that is closed: let one task close it, once")
	}
	c.closed = true
	c.receivers.wakeAll(flagWoken|flagChanClosed, &woken)
	c.senders.wakeAll(flagWoken|flagChanClosed, &woken)
	c.lock.mu.Unlock()
	post(&woken)
}

// Closed reports whether the channel is closed. It may still hold values.
func (c *Chan[T]) Closed() bool {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	return c.closed
}

// Len returns the number of values in the channel; those of waiting senders do not
// count.
func (c *Chan[T]) Len() int {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	return c.values.n
}

// Cap returns the number of values that the channel can hold.
func (c *Chan[T]) Cap() int { return c.capacity }

// send sends v if that is possible now. The caller holds the lock, which is
// released if send panics.
func (c *Chan[T]) send(v T, woken *wakeList) bool {
	if c.closed {
		c.lock.mu.Unlock()
		panicSendToClosed()
	}
	for !c.receivers.empty() {
		h, destination := c.receivers.pop()
		if wake(h, flagWoken, woken) {
			if destination != 0 {
				**(**T)(unsafe.Pointer(&destination)) = v
			}
			return true
		}
	}
	if c.values.n == c.capacity {
		return false
	}
	c.values.push(v)
	return true
}

func panicSendToClosed() {
	panic("coro: a Send to a Chan that is closed: let the sender close it, after its last Send")
}

// receive takes a value if there is one. The caller holds the lock.
func (c *Chan[T]) receive(woken *wakeList) (v T, ok bool) {
	if c.values.n > 0 {
		v, ok = c.values.pop(), true
	}
	// There is room for one sender's value: in the channel or, if there was none in
	// it, with the receiver.
	for !c.senders.empty() {
		h, next := c.senders.pop()
		if !wake(h, flagWoken, woken) {
			continue
		}
		if !ok {
			return next, true
		}
		c.values.push(next)
		break
	}
	return v, ok
}

func (s *sending[T]) park(w *Worker, h *header) parking {
	c := (*Chan[T])(s)
	v := c.parcel(w)
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	p := parkDone
	if !c.send(v, &woken) {
		if p = c.lock.admit(c, h); p == parked {
			c.senders.push(h, v)
		}
	}
	c.lock.mu.Unlock()
	if p != parkUnarmed { // else park is called again
		c.unpacked(w)
	}
	w.postParked(p, &woken)
	return p
}

func (r *receiving[T]) park(w *Worker, h *header) parking {
	c := (*Chan[T])(r)
	destination := w.args.destination
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	p := parkDone
	if v, ok := c.receive(&woken); ok {
		if destination != 0 {
			**(**T)(unsafe.Pointer(&destination)) = v
		}
	} else if c.closed {
		p = parkChanClosed
	} else if p = c.lock.admit(c, h); p == parked {
		c.receivers.push(h, destination)
	}
	c.lock.mu.Unlock()
	w.postParked(p, &woken)
	return p
}

func (c *Chan[T]) withdraw(m match, woken *wakeList) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.receivers.withdraw(m, woken)
	c.senders.withdraw(m, woken)
}

func (c *Chan[T]) forget(r *waitRegistry) bool {
	if !c.lock.mu.TryLock() {
		return false
	}
	defer c.lock.mu.Unlock()
	return c.lock.forget(r, !c.receivers.idle() || !c.senders.idle())
}
