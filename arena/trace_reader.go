package arena

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"time"

	"github.com/framearena/framearena/bins"
)

// ErrTrace is wrapped by the errors of a [TraceReader] when its input is not a
// trace, is damaged or was cut short; in the last case they wrap
// io.ErrUnexpectedEOF too.
var ErrTrace = errors.New("arena: bad trace")

// TraceEvent is one operation that a [Trace] recorded.
type TraceEvent struct {
	Order  uint64        // how many operations were recorded before it
	Time   time.Duration // since NewTrace
	Op     TraceOp
	Thread uint64     // 0, or the number of the Trace.Thread that it went through
	Size   uint64     // in bytes, as it was passed to Allocate or Deallocate
	Class  bins.Class // of Size; bins.Classes for all sizes that have none

	// Frame is the frame's number in the order of allocation, from 1: unlike its
	// address it is never used again. It is 0 if no frame was given, or if one was
	// freed whose allocation was not recorded.
	Frame uint64

	// In deallocations of frames with a number: the time since the allocation, and
	// the operations since, this one among them. Otherwise 0.
	LifeTime time.Duration
	LifeOps  uint64
}

// TraceReader reads what a [Trace] wrote. It belongs to one goroutine at a time.
// Whatever its input is, it returns an error at worst, and takes no more memory
// than a table of the frames that are live at the current place of the record.
type TraceReader struct {
	r   *bufio.Reader
	err error // what Next returns from now on

	// The state of the coding, as in Trace. last is the record before.
	last      TraceEvent
	order     uint64
	allocated uint64
	live      map[uint64]traceLife
}

// traceLife is what is known of a live frame.
type traceLife struct {
	order uint64
	time  time.Duration
	size  uint64
}

// NewTraceReader returns a TraceReader for the trace that r delivers, and reads
// its beginning. It may read more from r than the trace. The error wraps [ErrTrace],
// or is one of r's.
func NewTraceReader(r io.Reader) (*TraceReader, error) {
	t := &TraceReader{r: bufio.NewReader(r), live: make(map[uint64]traceLife)}
	var magic [len(traceMagic)]byte
	if _, err := io.ReadFull(t.r, magic[:]); err != nil {
		return nil, traceReadError(err)
	}
	if string(magic[:]) != traceMagic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrTrace, traceMagic)
	}
	version, err := t.number()
	if err != nil {
		return nil, err
	}
	if version != traceVersion {
		return nil, fmt.Errorf("%w: it has version %d, and only version %d is known", ErrTrace, version, traceVersion)
	}
	return t, nil
}

// Next returns the next operation. At the end of the trace the error is io.EOF.
// Otherwise it wraps [ErrTrace] and says at which operation the trace is damaged,
// or is one that reading met. After an error Next returns the same again.
func (t *TraceReader) Next() (TraceEvent, error) {
	if t.err != nil {
		return TraceEvent{}, t.err
	}
	e, err := t.next()
	if err != nil {
		if err != io.EOF {
			err = fmt.Errorf("%w (in operation %d)", err, t.order)
		}
		t.err, t.live = err, nil
		return TraceEvent{}, err
	}
	t.last = e
	t.order++
	return e, nil
}

// All returns an iterator over the operations that are left: for e, err := range
// r.All(). It ends at the end of the trace, or after an error, as Next returns it.
func (t *TraceReader) All() iter.Seq2[TraceEvent, error] {
	return func(yield func(TraceEvent, error) bool) {
		for {
			e, err := t.Next()
			if err == io.EOF || !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (t *TraceReader) next() (TraceEvent, error) {
	var none TraceEvent
	tag, err := t.r.ReadByte()
	if err != nil {
		return none, traceReadError(err)
	}
	if tag == byte(traceEnd) {
		return none, t.end()
	}
	e := TraceEvent{Order: t.order, Op: TraceOp(tag & 3), Thread: t.last.Thread, Size: t.last.Size}
	if tag >= traceTags || e.Op == traceEnd {
		return none, fmt.Errorf("%w: unknown tag %#x", ErrTrace, tag)
	}
	passed, err := t.number()
	if err != nil {
		return none, err
	}
	if passed > uint64(math.MaxInt64-t.last.Time) {
		return none, fmt.Errorf("%w: the time passes all bounds", ErrTrace)
	}
	e.Time = t.last.Time + time.Duration(passed)
	if e.Op == TraceDeallocate {
		if err := t.readFreed(&e); err != nil {
			return none, err
		}
	}
	if tag&traceHasThread != 0 {
		if e.Thread, err = t.number(); err != nil {
			return none, err
		}
	}
	if tag&traceHasSize != 0 {
		if e.Size, err = t.number(); err != nil {
			return none, err
		}
	}
	e.Class = bins.Classes
	if e.Size <= bins.MaxSize {
		e.Class = bins.ClassOf(max(uintptr(e.Size), 1))
	}
	if e.Op == TraceAllocate {
		t.allocated++
		e.Frame = t.allocated
		t.live[e.Frame] = traceLife{order: e.Order, time: e.Time, size: e.Size}
	}
	return e, nil
}

// bury reads which frame was freed, and tells e what is known of it.
func (t *TraceReader) readFreed(e *TraceEvent) error {
	back, err := t.number()
	if err != nil || back == 0 {
		return err
	}
	id := t.allocated + 1 - back
	birth, ok := t.live[id]
	if !ok {
		return fmt.Errorf("%w: a frame is freed that is not live", ErrTrace)
	}
	delete(t.live, id)
	e.Frame, e.Size = id, birth.size
	e.LifeTime, e.LifeOps = e.Time-birth.time, e.Order-birth.order
	return nil
}

// end reads the end mark and returns io.EOF if it is right.
func (t *TraceReader) end() error {
	n, err := t.number()
	if err != nil {
		return err
	}
	if n != t.order {
		return fmt.Errorf("%w: it should have %d operations", ErrTrace, n)
	}
	return io.EOF
}

// number reads a varint.
func (t *TraceReader) number() (n uint64, err error) {
	for shift := 0; ; shift += 7 {
		b, err := t.r.ReadByte()
		if err != nil {
			return 0, traceReadError(err)
		}
		if shift == 63 && b > 1 {
			return 0, fmt.Errorf("%w: a number has more than 64 bits", ErrTrace)
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n, nil
		}
	}
}

// traceReadError returns what to say of an error met in the middle of a trace.
func traceReadError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it was cut short: %w", ErrTrace, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("arena: reading a trace: %w", err)
}
