package arena

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// Trace is a FrameAllocator that passes every call on to another and records it:
// what was asked for, by which thread, in what order and when, and how long each
// frame lived. [TraceReader] reads the record. Any number of goroutines may use
// it if they may use the other; recording puts them in a line, and whoever fills
// the buffer of 64 KiB waits for the writer.
//
// Go's threads have no names, so a thread is what the program says it is: what
// goes through the Trace itself is recorded as thread 0, and through each of the
// allocators that [Trace.Thread] and [Trace.ThreadOver] return under a number of
// its own.
//
// The order is total. A frame's deallocation is recorded before the other
// allocator gets it back, and an allocation after the other allocator returned,
// so a frame's end always precedes the next use of its address. What it costs is
// that times of allocations are those of their end, and times of deallocations
// those of their beginning. Once warm, recording allocates nothing on the Go heap.
//
// Recording ends with [Trace.Close] or with the writer's first error; allocation
// goes on either way. A busy program's operation takes 2 to 6 bytes.
//
// # The format
//
// Numbers are unsigned varints as in encoding/binary. A trace is the 16 bytes
// "framearena-trace", the version, which is 1, and records up to an end mark. A
// record is:
//
//	tag     one byte: bits 0 and 1 are the TraceOp, 4 (bit 2) says that the
//	        thread follows, 8 (bit 3) that the size follows; the others are 0
//	time    nanoseconds since the record before, or since the start
//	frame   in deallocations only: the number of frames allocated so far, plus 1,
//	        minus the frame's ID; 0 for a frame whose allocation is not recorded
//	thread  if it is not that of the record before, or not 0 in the first
//	size    in bytes, if it is not the expected one: that of the frame in
//	        deallocations with an ID, otherwise that of the record before, or 0
//
// The end mark is a tag of 0 and the number of records. A trace without it was
// cut short.
type Trace struct {
	next    FrameAllocator // never changes
	threads atomic.Uint64  // numbers given to threads

	// stopped is set when nothing is recorded any more, and saves the lock from
	// then on. Written by the holder of mu; who reads a stale value finds out
	// under mu.
	stopped atomic.Bool

	mu     sync.Mutex // guards the rest; held while w writes
	w      io.Writer
	err    error // the writer's first
	start  time.Time
	buf    []byte // records that w has not got; never grows
	frames traceTable

	// The state of the coding, which the reader follows.
	order     uint64 // records so far
	allocated uint64 // allocations among them: the ID of the last
	time      time.Duration
	thread    uint64
	size      uintptr
}

// TraceOp is what a [TraceEvent] is about.
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
	traceTags      = 16 // tags are less

	traceBuffer    = 64 << 10
	traceRecordCap = 1 + 4*binary.MaxVarintLen64 // no record is longer
)

// NewTrace returns a Trace in front of next that writes to w, in pieces of up to
// 64 KiB. w must not use the Trace. NewTrace writes nothing yet. It panics if next
// or w is nil.
func NewTrace(next FrameAllocator, w io.Writer) *Trace {
	if next == nil || w == nil {
		panic("arena: NewTrace without an allocator or without a writer: pass what to trace, and where to")
	}
	t := &Trace{next: next, w: w, start: time.Now(), buf: make([]byte, 0, traceBuffer)}
	t.buf = append(t.buf, traceMagic...)
	t.buf = binary.AppendUvarint(t.buf, traceVersion)
	return t
}

// Allocate returns what the other allocator returns, and records it.
func (t *Trace) Allocate(size uintptr) unsafe.Pointer { return t.allocate(t.next, 0, size) }

// Deallocate records that the frame is freed and gives it back to the other
// allocator.
func (t *Trace) Deallocate(p unsafe.Pointer, size uintptr) { t.deallocate(t.next, 0, p, size) }

// Thread returns an allocator that does what t does, and records it under a new
// thread number: 1, 2 and so on. A frame may be freed through another thread, or
// through t, than it was allocated from.
func (t *Trace) Thread() FrameAllocator { return t.ThreadOver(t.next) }

// ThreadOver returns an allocator as [Trace.Thread] does, in front of next: for
// threads that own a [Cache] each. All of them must take back each other's
// frames, as the caches of one arena do. It panics if next is nil.
func (t *Trace) ThreadOver(next FrameAllocator) FrameAllocator {
	if next == nil {
		panic("arena: Trace.ThreadOver without an allocator: pass the thread's own, or call Thread")
	}
	return &traceThread{trace: t, next: next, number: t.threads.Add(1)}
}

// traceThread is a thread of a Trace. It never changes.
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

func (t *Trace) allocate(next FrameAllocator, thread uint64, size uintptr) unsafe.Pointer {
	p := next.Allocate(size)
	if !t.stopped.Load() {
		t.recordAllocate(thread, p, size)
	}
	return p
}

func (t *Trace) deallocate(next FrameAllocator, thread uint64, p unsafe.Pointer, size uintptr) {
	if !t.stopped.Load() {
		t.recordDeallocate(thread, p, size)
	}
	next.Deallocate(p, size)
}

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
	// A frame that was freed behind the trace's back may have left the address in
	// the table. Its ID is replaced, and never freed in the record.
	t.frames.put(traceFrame{address: uintptr(p), id: t.allocated, size: size})
	t.record(TraceAllocate, thread, 0, size, t.size)
}

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

// record adds a record to the buffer. The caller holds t.mu.
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

// write gives the buffer to the writer, or stops recording if that fails. The
// caller holds t.mu.
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

// Flush writes what is recorded so far. It returns the writer's first error, from
// now or earlier, which ended the recording.
func (t *Trace) Flush() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopped.Load() {
		t.write()
	}
	return t.err
}

// Close ends the recording and writes what is left of it. It returns the writer's
// first error, from now or earlier. The Trace and its threads go on passing calls
// to their allocators. Close does not close the writer. Closing again does
// nothing and returns the same.
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
