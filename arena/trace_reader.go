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

// ErrTrace is wrapped by the errors of a [TraceReader] if its input is not a trace, is
// damaged or was cut short. In the last case they wrap io.ErrUnexpectedEOF, too.
var ErrTrace = errors.New("arena: bad trace")

// TraceEvent is one operation that a [Trace] recorded.
type TraceEvent struct {
	Order  uint64        // number of operations that were recorded before it
	Time   time.Duration // since NewTrace
	Op     TraceOp
	Thread uint64     // that allocated or freed the frame: 0, or that of Trace.Thread, ThreadOver or Workers
	Size   uint64     // in bytes, as it was passed to Allocate or Deallocate
	Class  bins.Class // of Size; bins.Classes for sizes without a class

	// Frame is the number of the frame in the order of allocation, from 1. Unlike an
	// address it is never used again. It is 0 if the request was refused, or if the
	// allocation of the freed frame was not recorded.
	Frame uint64

	// LifeTime is the time since the frame's allocation, and LifeOps the number of
	// operations since, including this one. Both are 0 unless Op is TraceDeallocate and
	// Frame is not 0.
	LifeTime time.Duration
	LifeOps  uint64
}

// TraceReader reads the record of a [Trace]. It belongs to one goroutine at a time. For any
// input it returns an error at worst, and takes no more memory than a table of the frames
// that are live at the current position in the record.
type TraceReader struct {
	r   *bufio.Reader
	err error // the result of all further calls of Next, if not nil

	// The state of the encoding, as in Trace.
	last      TraceEvent // the record before
	order     uint64
	allocated uint64
	live      map[uint64]traceLife // by number of the frame
}

// traceLife is the allocation of a live frame.
type traceLife struct {
	order uint64
	time  time.Duration
	size  uint64
}

// NewTraceReader returns a TraceReader for the trace in r, and reads its beginning. It may
// read beyond the end of the trace. The error wraps [ErrTrace] or r's error. It panics if r
// is nil.
func NewTraceReader(r io.Reader) (*TraceReader, error) {
	if r == nil {
		panic("arena: NewTraceReader without a reader: pass where the trace is")
	}
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

// Next returns the next operation. At the end of the trace the error is io.EOF. Other
// errors name the operation, and wrap [ErrTrace] if the trace is damaged, or the error of
// the underlying reader. After an error, Next returns the same error again.
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

// All returns an iterator over the remaining operations: for e, err := range r.All(). It
// ends at the end of the trace, or after it has yielded an error of Next.
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

// next reads an operation. The error does not name it.
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

// readFreed reads which frame was freed, and sets e's fields about it.
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

// end reads the rest of the end mark. It returns io.EOF if the number of operations is
// right.
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

// number reads an unsigned varint.
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

// traceReadError returns the error to report for an error of the underlying reader in the
// middle of a trace.
func traceReadError(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it was cut short: %w", ErrTrace, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("arena: reading a trace: %w", err)
}
