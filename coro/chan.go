package coro

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"unsafe"
)

// ErrChanClosed is what Err returns after a Recv from a [Chan] that is closed and has no
// values left, and after a Send that was waiting when the Chan was closed; also after a
// [RecvFrom] from such a Go channel.
var ErrChanClosed = errors.New("coro: the channel is closed")

// Chan is a channel between tasks. Values, senders and receivers each keep their order: first
// come, first served. Tasks on different executors may use it; the methods without a frame
// may be called from any goroutine. A Chan is made by [NewChan], and must not be copied.
type Chan[T any] struct {
	plainCase // for receiving; sending has its own methods

	lock     lock
	capacity int          // not changed
	element  *chanType[T] // not changed

	// What follows is guarded by lock. Senders wait only while there are capacity values.
	// Receivers wait only while there is no value and no sender, except for senders that
	// would receive too, in the same Select.
	values    *ring[T]      // nil if there are none: a channel that is idle keeps no room for values
	senders   *fifo[T]      // each with the value that it sends; nil until the first one comes
	receivers fifo[uintptr] // each with the address, in its state or held part, where the value goes; 0: nowhere. Its marks are the channel's
}

// NewChan returns a channel that holds up to capacity values. With capacity 0, a sender waits
// for a receiver. T may be any type. Values that hold Go pointers are received into held
// parts.
func NewChan[T any](capacity int) *Chan[T] {
	if capacity < 0 {
		panic("coro: NewChan needs a capacity that is not negative")
	}
	e := kindByResult[T](&chanTypes, newChanType[T])
	return &Chan[T]{capacity: capacity, element: e}
}

// chanType is what all channels with elements of one type share. It is never freed. Any goroutine
// uses it.
type chanType[T any] struct {
	pointer string    // where T holds a Go pointer; empty if T holds none
	boxes   sync.Pool // of *box[T], for values on their way from a method to park
	rings   sync.Pool // of *ring[T], which have no values
}

var chanTypes kindsByResult

func newChanType[T any]() *chanType[T] {
	return &chanType[T]{pointer: pointerPath("element", reflect.TypeFor[T]())}
}

// plain reports whether values hold no Go pointers.
func (c *Chan[T]) plain() bool { return c.element.pointer == "" }

// sending and receiving are the two sides of a Chan, as what a task waits for.
type (
	sending[T any]   Chan[T]
	receiving[T any] Chan[T]
)

// Send sends v, waits until there is room for it or a receiver takes it, and resumes f's task
// at the resume point at. If f.Err is not nil then, v was not sent: the tree's context has
// ended or, with [ErrChanClosed], the channel was closed while the task waited. The task
// panics if the channel is closed before that.
func (c *Chan[T]) Send(f AnyFrame, at int, v T) Step {
	h := f.anyFrame()
	step := h.waitFor(at, (*sending[T])(c))
	if w := h.worker.get(); c.plain() {
		*plainOutgoing[T](w) = v
	} else {
		w.args.box = c.pack(v)
	}
	return step
}

// outgoing returns what the running task is about to send. It may be called again.
func (c *Chan[T]) outgoing(w *Worker) T {
	if c.plain() {
		return *plainOutgoing[T](w)
	}
	return w.args.box.(*box[T]).value
}

// sent ends the use of the value that outgoing returns.
func (c *Chan[T]) sent(w *Worker) {
	if !c.plain() {
		b := w.args.box.(*box[T])
		w.args.box = nil
		c.unpack(b)
	}
}

// plainOutgoing returns where the worker keeps a value without Go pointers between Send and park.
func plainOutgoing[T any](w *Worker) *T {
	const word = unsafe.Sizeof(uint64(0))
	if words := int((unsafe.Sizeof(*new(T)) + word - 1) / word); len(w.args.outgoing) < words || w.args.outgoing == nil {
		w.args.outgoing = make([]uint64, max(words, 8))
	}
	return (*T)(unsafe.Pointer(unsafe.SliceData(w.args.outgoing)))
}

// box has a value on its way from Send or SendCase to park: on the Go heap, since it may hold
// Go pointers. It belongs to the goroutine that has made the case, and from the Select on to the
// goroutine that runs the task. Boxes are reused. A Case that is used again has another number
// than its box.
type box[T any] struct {
	value T

	// number is even from pack on, and odd from the moment at which a Select has claimed the
	// box for its case. unpack makes it even again. Goroutines that wrongly use the same case
	// compare it, so it is atomic. It counts up.
	number atomic.Uint64
}

// pack returns a box with v.
func (c *Chan[T]) pack(v T) *box[T] {
	b, _ := c.element.boxes.Get().(*box[T])
	if b == nil {
		b = new(box[T])
	}
	b.value = v
	return b
}

// unpack ends a use of b, whose value has been copied or is not needed.
func (c *Chan[T]) unpack(b *box[T]) {
	var zero T
	b.value = zero
	b.number.Add(1)
	c.element.boxes.Put(b)
}

// Recv waits for a value, and resumes f's task at the resume point at. The value goes to
// *result, which must lie in f's state or held part, or nowhere if result is nil. If f.Err is
// not nil then, there is no value: the tree's context has ended or, with [ErrChanClosed], the
// channel is closed and has no values left.
func (c *Chan[T]) Recv(f AnyFrame, at int, result *T) Step {
	h := f.anyFrame()
	step := h.waitFor(at, (*receiving[T])(c))
	if !h.mayPlace(unsafe.Pointer(result), h.stateSize()) {
		panicMisplacedValue(h, c.element.pointer)
	}
	h.worker.get().args.destination = uintptr(unsafe.Pointer(result))
	return step
}

// TrySend sends v if that is possible without waiting, and reports whether it was. It panics
// if the channel is closed.
func (c *Chan[T]) TrySend(v T) bool {
	var woken wakeList
	c.lock.mu.Lock()
	sent := c.send(v, &woken)
	c.lock.mu.Unlock()
	post(&woken)
	return sent
}

// TryRecv receives a value if that is possible without waiting, and reports whether it was.
func (c *Chan[T]) TryRecv() (v T, ok bool) {
	var woken wakeList
	c.lock.mu.Lock()
	v, ok = c.receive(&woken)
	c.lock.mu.Unlock()
	post(&woken)
	return v, ok
}

// Close closes the channel: it takes no more values. Values that it holds can still be
// received. Tasks that wait to send or receive continue with [ErrChanClosed]. Close panics if
// the channel is closed already.
func (c *Chan[T]) Close() {
	var woken wakeList
	c.lock.mu.Lock()
	if c.receivers.marks.has(chanClosed) {
		c.lock.mu.Unlock()
		panic("coro: Close of a Chan that is closed: let one task close it, once")
	}
	c.receivers.marks.set(chanClosed, true)
	c.receivers.marks.set(sendsWait, false)
	c.receivers.wakeAll(flagWoken|flagChanClosed, &woken)
	if c.senders != nil {
		c.senders.wakeAll(flagWoken|flagChanClosed, &woken)
	}
	c.lock.mu.Unlock()
	post(&woken)
}

// Closed reports whether the channel is closed. It may still hold values.
func (c *Chan[T]) Closed() bool {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	return c.receivers.marks.has(chanClosed)
}

// Len returns the number of values in the channel. Values of waiting senders do not count.
func (c *Chan[T]) Len() int {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	return c.buffered()
}

// buffered returns how many values there are. The caller holds the lock.
func (c *Chan[T]) buffered() int {
	if c.values == nil {
		return 0
	}
	return c.values.n
}

// buffer adds a value to those that there are. The caller holds the lock.
func (c *Chan[T]) buffer(v T) {
	if c.values == nil {
		if c.values, _ = c.element.rings.Get().(*ring[T]); c.values == nil {
			c.values = new(ring[T])
		}
	}
	c.values.push(v)
}

// quiet gives back the room for values, since a receiver is about to wait for one. A channel that
// had many at some time keeps it. The caller holds the lock.
func (c *Chan[T]) quiet() {
	if r := c.values; r != nil && len(r.values) <= sharedRing {
		c.values = nil
		c.element.rings.Put(r)
	}
}

// sharedRing is how many values a ring has room for, at most, that one channel hands to another.
const sharedRing = 64

// Cap returns the number of values that the channel can hold.
func (c *Chan[T]) Cap() int { return c.capacity }

// send sends v if that is possible now. The caller holds the lock, which send releases if it
// panics.
func (c *Chan[T]) send(v T, woken *wakeList) bool {
	if c.receivers.marks.has(chanClosed) {
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
	if c.buffered() == c.capacity {
		return false
	}
	c.buffer(v)
	return true
}

func panicSendToClosed() {
	panic("coro: a Send to a Chan that is closed: let the sender close it, after its last Send")
}

// receive takes a value if there is one. The caller holds the lock.
func (c *Chan[T]) receive(woken *wakeList) (v T, ok bool) {
	if c.buffered() > 0 {
		v, ok = c.values.pop(), true
	}
	// One sender's value has a place now: in the channel or, if that had no value, with the
	// receiver.
	for c.hasSenders() {
		h, next := c.senders.pop()
		if !wake(h, flagWoken, woken) {
			continue
		}
		if !ok {
			return next, true
		}
		c.buffer(next)
		break
	}
	return v, ok
}

// hasSenders reports whether a sender waits. The caller holds the lock.
func (c *Chan[T]) hasSenders() bool { return c.senders != nil && !c.senders.empty() }

// allSenders returns the queue of senders, for one that comes. The caller holds the lock.
func (c *Chan[T]) allSenders() *fifo[T] {
	if c.senders == nil {
		c.senders = new(fifo[T])
	}
	return c.senders
}

func (s *sending[T]) park(w *Worker, h *header) parking {
	c := (*Chan[T])(s)
	v := c.outgoing(w)
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	p := parkDone
	if !c.send(v, &woken) {
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

func (r *receiving[T]) park(w *Worker, h *header) parking {
	c := (*Chan[T])(r)
	destination := w.args.destination
	woken := wakeList{w: w}
	c.lock.mu.Lock()
	p := parkDone
	if v, ok := c.receive(&woken); ok {
		c.receivers.marks.set(recvsWait, false)
		if destination != 0 {
			**(**T)(unsafe.Pointer(&destination)) = v
		}
	} else if c.receivers.marks.has(chanClosed) {
		p = parkChanClosed
	} else if p = c.lock.admit(c, h); p == parked {
		c.quiet()
		c.receivers.push(h, destination)
	}
	c.lock.mu.Unlock()
	w.postParked(p, &woken)
	return p
}

func (c *Chan[T]) withdraw(rt *execRuntime, woken *wakeList) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	c.receivers.withdraw(rt, woken)
	if c.senders != nil {
		c.senders.withdraw(rt, woken)
	}
}

func (c *Chan[T]) cancel(h *header, woken *wakeList) {
	defer c.lock.mu.Unlock()
	if h.node().prev&waitSends != 0 {
		c.senders.unlink(h)
	} else {
		c.receivers.unlink(h)
	}
	wake(h, 0, woken)
}

func (c *Chan[T]) forget(rt *execRuntime) bool {
	return c.lock.forget(rt, !c.receivers.idle() || c.senders != nil && !c.senders.idle())
}

func (c *Chan[T]) visit(v *visitor) bool {
	c.lock.mu.Lock()
	senders := c.senders
	c.lock.mu.Unlock()
	return c.receivers.visit(&c.lock, "Chan.Recv", v) && (senders == nil || senders.visit(&c.lock, "Chan.Send", v))
}
