package arena

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Trace is a FrameAllocator that passes every call on to another one and records it: the
// size, the thread, the order, the time, and how long each frame lived. [TraceReader] reads
// the record. Several goroutines may use a Trace at once if they may use the other
// allocator. Recording takes a lock, and the goroutine that fills the buffer of 64 KiB
// writes it, with the lock held.
//
// Go's threads have no names, so the program names them: calls of the Trace itself are
// recorded as thread 0, and calls of each allocator that [Trace.Thread] or
// [Trace.ThreadOver] returns under a number of its own. [Trace.Workers] asks a function on each
// call: so each worker of an executor is a thread.
//
// The order is total. A deallocation is recorded before the frame is freed to the other
// allocator, and an allocation after the other allocator has returned, so the end of a
// frame precedes the next use of its address. For the same reason the time of an allocation
// is that of its end, and the time of a deallocation that of its beginning. Recording
// allocates on the Go heap only when more frames are live than ever before.
//
// Recording ends with [Trace.Close] or with the writer's first error. Calls are passed on
// to the other allocator as before. The record of an operation takes a few bytes.
//
// # The format
//
// Numbers are unsigned varints as in encoding/binary. A trace is the 16 bytes
// "framearena-trace", the version, which is 1, and records up to an end mark. A record is:
//
//	tag     one byte: bits 0 and 1 are the TraceOp, 4 (bit 2) says that the
//	        thread follows, 8 (bit 3) that the size follows; the others are 0
//	time    nanoseconds since the record before, or since the start
//	frame   in deallocations only: the number of frames allocated so far, plus 1,
//	        minus the frame's ID; 0 for a frame whose allocation was not recorded
//	thread  if it is not that of the record before, or not 0 in the first
//	size    in bytes, if it is not the expected one: that of the frame in
//	        deallocations with an ID, otherwise that of the record before, or 0
//
// The end mark is a tag of 0 and the number of records. A trace without an end mark was cut
// short.
type Trace struct {
	next    FrameAllocator // never changes
	threads atomic.Uint64  // how many threads have a number; ThreadOver and Workers add, and use the sum

	// stopped says that recording has ended. The holder of mu sets it. Callers read it
	// without the lock, to save the lock after the end, and again with the lock held,
	// because the first value may be stale.
	stopped atomic.Bool

	mu     sync.Mutex // guards the rest; held while w writes
	w      io.Writer
	err    error // the writer's first error
	start  time.Time
	buf    []byte     // records that are not written to w yet; its capacity never grows
	frames traceTable // live frames

	// The state of the encoding, which a TraceReader reconstructs.
	order     uint64        // records so far
	allocated uint64        // allocations among them, which is the ID of the last frame
	time      time.Duration // of the last record
	thread    uint64        // of the last record
	size      uintptr       // of the last record
}

// TraceOp is the kind of operation of a [TraceEvent].
type TraceOp uint8

const (
	TraceAllocate   TraceOp = iota + 1 // a frame was allocated
	TraceDeallocate                    // a frame was freed
	TraceRefused                       // the other allocator returned nil

	traceEnd TraceOp = 0
)

// String returns the operation's name.
func (op TraceOp) String() string {
	switch op {
	case TraceAllocate:
		return "allocate"
	case TraceDeallocate:
		return "deallocate"
	case TraceRefused:
		return "refused"
	}
	return "unknown"
}

const (
	traceMagic   = "framearena-trace"
	traceVersion = 1

	traceHasThread = 4
	traceHasSize   = 8
	traceTags      = 16 // all tags are smaller

	traceBuffer    = 64 << 10
	traceRecordCap = 1 + 4*binary.MaxVarintLen64 // no record is longer
)

// NewTrace returns a Trace in front of next that writes to w, up to 64 KiB at a time. w
// must not use the Trace. NewTrace writes nothing yet. It panics if next or w is nil.
func NewTrace(next FrameAllocator, w io.Writer) *Trace {
	if isNone(next) || w == nil {
		panic("arena: NewTrace without an allocator or without a writer: pass what to trace, and where to")
	}
	t := &Trace{next: next, w: w, start: time.Now(), buf: make([]byte, 0, traceBuffer)}
	t.buf = append(t.buf, traceMagic...)
	t.buf = binary.AppendUvarint(t.buf, traceVersion)
	return t
}

// Allocate returns the result of the other allocator's Allocate, and records it.
func (t *Trace) Allocate(size uintptr) unsafe.Pointer { return t.allocate(t.next, 0, size) }

// Deallocate records that the frame is freed, and frees it to the other allocator. A nil p
// is ignored, and not recorded. So it is by the allocators that Thread and ThreadOver return.
func (t *Trace) Deallocate(p unsafe.Pointer, size uintptr) { t.deallocate(t.next, 0, p, size) }

// Thread returns an allocator that works as t does, and records under a new thread number:
// 1, 2 and so on. A frame may be allocated through one thread and freed through another, or
// through t. Any goroutine may call Thread.
func (t *Trace) Thread() FrameAllocator { return t.ThreadOver(t.next) }

// ThreadOver is [Trace.Thread] for threads that have an allocator each, such as a [Cache]:
// the result is in front of next. All these allocators must accept each other's frames, as
// the caches of an arena do. It panics if next is nil.
func (t *Trace) ThreadOver(next FrameAllocator) FrameAllocator {
	if isNone(next) {
		panic("arena: Trace.ThreadOver without an allocator: pass the thread's own, or call Thread")
	}
	return &traceThread{trace: t, next: next, number: t.threads.Add(1)}
}

// Workers returns an allocator that works as t does. It records each call under a thread of its
// own for each number that number returns, and under thread 0 for the number 0. number is called on the
// goroutine of each call, and says which worker runs there: [WorkerNumber of package coro] does,
// so a trace of tasks says which worker has allocated and freed each frame, and a replay gives each
// worker a cache of its own. Any goroutine may call Workers. It panics if number is nil.
//
//	trace := arena.NewTrace(pool.Arena(), file)
//	launch := coro.RunAsync(pool, coro.Allocator(trace.Workers(coro.WorkerNumber)))
//
// [WorkerNumber of package coro]: https://pkg.go.dev/github.com/framearena/framearena/coro#WorkerNumber
func (t *Trace) Workers(number func() uint64) FrameAllocator {
	if number == nil {
		panic("arena: Trace.Workers without a function: pass one that returns the number of the worker, such as coro.WorkerNumber")
	}
	return &traceWorkers{trace: t, number: number, threads: make(map[uint64]uint64)}
}

// traceWorkers is an allocator that Trace.Workers returns. Any goroutine uses it.
type traceWorkers struct {
	trace  *Trace        // never changes
	number func() uint64 // never changes

	mu      sync.Mutex
	threads map[uint64]uint64 // the threads of numbers; guarded by mu
}

func (h *traceWorkers) Allocate(size uintptr) unsafe.Pointer {
	return h.trace.allocate(h.trace.next, h.thread(), size)
}

func (h *traceWorkers) Deallocate(p unsafe.Pointer, size uintptr) {
	h.trace.deallocate(h.trace.next, h.thread(), p, size)
}

// thread returns the thread of the calling worker, or 0.
func (h *traceWorkers) thread() uint64 {
	if h.trace.stopped.Load() {
		return 0
	}
	n := h.number()
	if n == 0 {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	thread, ok := h.threads[n]
	if !ok {
		thread = h.trace.threads.Add(1)
		h.threads[n] = thread
	}
	return thread
}

// traceThread is a thread of a Trace. Its fields never change.
type traceThread struct {
	trace  *Trace
	next   FrameAllocator
	number uint64
}

func (h *traceThread) Allocate(size uintptr) unsafe.Pointer {
	return h.trace.allocate(h.next, h.number, size)
}

func (h *traceThread) Deallocate(p unsafe.Pointer, size uintptr) {
	h.trace.deallocate(h.next, h.number, p, size)
}

// allocate is Allocate through next, under a thread number.
func (t *Trace) allocate(next FrameAllocator, thread uint64, size uintptr) unsafe.Pointer {
	p := next.Allocate(size)
	if !t.stopped.Load() {
		t.recordAllocate(thread, p, size)
	}
	return p
}

// deallocate is Deallocate through next, under a thread number.
func (t *Trace) deallocate(next FrameAllocator, thread uint64, p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	if !t.stopped.Load() {
		t.recordDeallocate(thread, p, size)
	}
	next.Deallocate(p, size)
}

// recordAllocate records that next returned p.
func (t *Trace) recordAllocate(thread uint64, p unsafe.Pointer, size uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped.Load() {
		return
	}
	if p == nil {
		t.record(TraceRefused, thread, 0, size, t.size)
		return
	}
	t.allocated++
	// If a frame was freed without the Trace, its address is still in the table. The new
	// frame replaces it, so that the record has no end of the old one.
	t.frames.put(traceFrame{address: uintptr(p), id: t.allocated, size: size})
	t.record(TraceAllocate, thread, 0, size, t.size)
}

// recordDeallocate records that p is about to be freed.
func (t *Trace) recordDeallocate(thread uint64, p unsafe.Pointer, size uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped.Load() {
		return
	}
	var back uint64
	expected := t.size
	if f, ok := t.frames.take(uintptr(p)); ok {
		back, expected = t.allocated+1-f.id, f.size
	}
	t.record(TraceDeallocate, thread, back, size, expected)
}

// record adds a record to the buffer: back is the field frame of the format, and expected
// the size that is not written out. The caller holds t.mu.
func (t *Trace) record(op TraceOp, thread, back uint64, size, expected uintptr) {
	tag := byte(op)
	if thread != t.thread {
		tag |= traceHasThread
	}
	if size != expected {
		tag |= traceHasSize
	}
	now := max(time.Since(t.start), t.time)
	b := append(t.buf, tag)
	b = binary.AppendUvarint(b, uint64(now-t.time))
	if op == TraceDeallocate {
		b = binary.AppendUvarint(b, back)
	}
	if tag&traceHasThread != 0 {
		b = binary.AppendUvarint(b, thread)
	}
	if tag&traceHasSize != 0 {
		b = binary.AppendUvarint(b, uint64(size))
	}
	t.buf, t.order, t.time, t.thread, t.size = b, t.order+1, now, thread, size
	if len(b) > traceBuffer-traceRecordCap {
		t.write()
	}
}

// write writes the buffer to the writer, and stops recording if that fails. The caller
// holds t.mu.
func (t *Trace) write() {
	if len(t.buf) == 0 {
		return
	}
	n, err := t.w.Write(t.buf)
	if err == nil && n < len(t.buf) {
		err = io.ErrShortWrite
	}
	t.buf = t.buf[:0]
	if err != nil {
		t.err = err
		t.stop()
	}
}

// stop ends recording. The caller holds t.mu.
func (t *Trace) stop() {
	t.stopped.Store(true)
	t.buf, t.frames = nil, traceTable{}
}

// Flush writes all records so far. It returns the writer's first error, from this call or
// an earlier one. An error ends the recording. Any goroutine may call it.
func (t *Trace) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped.Load() {
		t.write()
	}
	return t.err
}

// Close ends the recording and writes the rest of it. It returns the writer's first error,
// from this call or an earlier one. The Trace and its threads still pass calls on to their
// allocators. Close does not close the writer. Closing again does nothing and returns the
// same error. Any goroutine may call it.
func (t *Trace) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped.Load() {
		t.buf = append(t.buf, byte(traceEnd))
		t.buf = binary.AppendUvarint(t.buf, t.order)
		t.write()
		t.stop()
	}
	return t.err
}
