// Package replay reads recorded traces of allocations, as arena.Trace writes them,
// and plays them again, against any allocator.
package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// Errors that [Read] returns, besides those of the reader and those that wrap
// [arena.ErrTrace].
var (
	ErrEmpty  = errors.New("replay: the trace has no operation")
	ErrLimits = errors.New("replay: the trace exceeds a limit")

	// Errors that wrap ErrLimits wrap one of these too if the limit is one of Limits.
	ErrOperations = errors.New("replay: Limits.Operations")
	ErrBytes      = errors.New("replay: Limits.Bytes")
)

// limitError is an ErrLimits because of one of the Limits.
type limitError struct {
	limit error // ErrOperations or ErrBytes
	text  string
}

func (e *limitError) Error() string   { return ErrLimits.Error() + ": " + e.text }
func (e *limitError) Unwrap() []error { return []error{ErrLimits, e.limit} }

// Limits bound the memory that a trace may take. Each must be set.
type Limits struct {
	Operations int    // each takes 12 bytes, and 40 to 100 more while its frame is live
	Bytes      uint64 // of the frames that are live at once, rounded up as an arena does
}

// Recording is a trace in memory. It never changes: any number of goroutines may use
// it.
type Recording struct {
	operations []operation
	slots      int // the most frames live at once: each has a slot while it is live

	Allocations   int // frames allocated
	Deallocations int // of these, frames freed
	Refused       int // requests that the recorded allocator refused; they are not played
	Unknown       int // frames freed whose allocation was not recorded; they are not played
	Threads       int // that allocated or freed frames
	Moved         int // frames that another thread freed than allocated them

	Peak      Moment
	Footprint uint64 // the most bytes live at once, rounded up as an arena does

	AllocatedBytes uint64 // in all, as requested
	AllocatedSpace uint64 // in all, rounded up as a Monotonic does

	Classes [bins.Classes + 1]ClassUse // the last one: frames that are too large for the classes
}

// Moment is a moment of a recording.
type Moment struct {
	Operation int    // how many operations led to it
	Frames    int    // live frames
	Bytes     uint64 // in live frames, as requested
}

// ClassUse has the requests of a recording for frames of one size class.
type ClassUse struct {
	Allocations int
	Live        int // the most at once
}

// operation is one operation of a trace.
type operation struct {
	slot   uint32
	size   uint32
	thread uint16        // in the order of their first operations
	kind   arena.TraceOp // 0: not played
}

// The comment of Limits states this size.
var (
	_ [12 - unsafe.Sizeof(operation{})]struct{}
	_ [unsafe.Sizeof(operation{}) - 12]struct{}
)

// Operations returns how many operations the trace has, played or not.
func (r *Recording) Operations() int { return len(r.operations) }

const maxThreads = math.MaxUint16 + 1

// Read reads a trace up to its end. If the trace is bad, the error wraps
// [arena.ErrTrace] and names the byte that reading got to.
func Read(input io.Reader, limits Limits) (*Recording, error) {
	counted := &countingReader{r: input}
	buffered := bufio.NewReader(counted) // the TraceReader does not buffer it again
	at := func(err error) error {
		return fmt.Errorf("replay: at byte %d: %w", counted.n-int64(buffered.Buffered()), err)
	}
	trace, err := arena.NewTraceReader(buffered)
	if err != nil {
		return nil, at(err)
	}
	b := builder{
		recording: new(Recording),
		limits:    limits,
		live:      make(map[uint64]liveFrame),
		threads:   make(map[uint64]uint16),
	}
	for e, err := range trace.All() {
		if err == nil {
			err = b.add(e)
		}
		if err != nil {
			return nil, at(err)
		}
	}
	if b.recording.Operations() == 0 {
		return nil, ErrEmpty
	}
	b.recording.Threads = len(b.threads)
	return b.recording, nil
}

// countingReader counts the bytes that are read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// builder makes a recording of events.
type builder struct {
	recording *Recording
	limits    Limits

	live    map[uint64]liveFrame // by the frame's number
	free    []uint32             // slots below recording.slots
	threads map[uint64]uint16

	bytes, footprint uint64
	classes          [bins.Classes + 1]int // live frames
}

type liveFrame struct {
	slot, size uint32
	thread     uint16 // that allocated it
}

func (b *builder) add(e arena.TraceEvent) error {
	r := b.recording
	if len(r.operations) == b.limits.Operations {
		return &limitError{ErrOperations, fmt.Sprintf("it has more than %d operations", b.limits.Operations)}
	}
	thread, ok := b.threads[e.Thread]
	if !ok {
		if len(b.threads) == maxThreads {
			return fmt.Errorf("%w: it has more than %d threads", ErrLimits, maxThreads)
		}
		thread = uint16(len(b.threads))
		b.threads[e.Thread] = thread
	}
	op := operation{thread: thread, kind: e.Op}
	switch {
	case e.Op == arena.TraceAllocate:
		if err := b.allocate(e, &op); err != nil {
			return err
		}
	case e.Op == arena.TraceDeallocate && e.Frame != 0:
		f := b.live[e.Frame]
		op.slot, op.size = f.slot, f.size
		delete(b.live, e.Frame)
		b.free = append(b.free, f.slot)
		b.bytes -= uint64(f.size)
		b.footprint -= footprint(f.size)
		b.classes[classOf(f.size)]--
		r.Deallocations++
		if f.thread != thread {
			r.Moved++
		}
	case e.Op == arena.TraceDeallocate:
		op.kind = 0
		r.Unknown++
	default:
		op.kind = 0
		r.Refused++
	}
	r.operations = append(r.operations, op)
	if b.bytes > r.Peak.Bytes {
		r.Peak = Moment{Operation: len(r.operations), Frames: len(b.live), Bytes: b.bytes}
	}
	return nil
}

func (b *builder) allocate(e arena.TraceEvent, op *operation) error {
	r := b.recording
	if e.Size > math.MaxUint32 || b.footprint+footprint(uint32(e.Size)) > b.limits.Bytes {
		return &limitError{ErrBytes, fmt.Sprintf("after operation %d more than %d bytes are live", e.Order, b.limits.Bytes)}
	}
	op.size = uint32(e.Size)
	if n := len(b.free); n > 0 {
		op.slot = b.free[n-1]
		b.free = b.free[:n-1]
	} else {
		op.slot = uint32(r.slots)
		r.slots++
	}
	b.live[e.Frame] = liveFrame{op.slot, op.size, op.thread}
	b.bytes += e.Size
	b.footprint += footprint(op.size)
	r.Footprint = max(r.Footprint, b.footprint)
	r.Allocations++
	r.AllocatedBytes += e.Size
	r.AllocatedSpace += (max(e.Size, 1) + 15) &^ 15
	k := classOf(op.size)
	b.classes[k]++
	r.Classes[k].Allocations++
	r.Classes[k].Live = max(r.Classes[k].Live, b.classes[k])
	return nil
}

// classOf returns the class of a size, or bins.Classes if no class fits it.
func classOf(size uint32) bins.Class {
	return min(bins.ClassOf(max(uintptr(size), 1)), bins.Classes)
}

// footprint returns the memory in bytes that a frame takes in an arena.
func footprint(size uint32) uint64 {
	if k := classOf(size); k < bins.Classes {
		return uint64(k.Size())
	}
	page := uint64(os.Getpagesize())
	return (uint64(size) + page - 1) / page * page
}
