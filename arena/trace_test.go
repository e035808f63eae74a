package arena

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// readTrace returns all events of a trace that is whole.
func readTrace(t *testing.T, record []byte) []TraceEvent {
	t.Helper()
	r, err := NewTraceReader(bytes.NewReader(record))
	require.NoError(t, err)
	var events []TraceEvent
	for e, err := range r.All() {
		require.NoError(t, err)
		require.EqualValues(t, len(events), e.Order)
		events = append(events, e)
	}
	_, err = r.Next()
	require.Equal(t, io.EOF, err)
	return events
}

// newTimelessTrace returns a Trace whose clock stands still, so that its bytes are
// known.
func newTimelessTrace(next FrameAllocator, w io.Writer) *Trace {
	t := NewTrace(next, w)
	t.start = time.Now().Add(1000 * time.Hour)
	return t
}

// The format, byte by byte, in both directions.
func TestTraceFormat(t *testing.T) {
	strict := newStrictFrames()
	var record bytes.Buffer
	tr := newTimelessTrace(strict, &record)
	first, second := tr.Thread(), tr.Thread()

	a := tr.Allocate(200)
	b := tr.Allocate(200)
	c := second.Allocate(0)
	first.Deallocate(a, 200)
	first.Deallocate(c, 0)
	strict.refuse = refuseAll
	require.Nil(t, tr.Allocate(1<<20))
	outside := strict.heap.Allocate(8)
	strict.live[outside] = 8
	tr.Deallocate(outside, 8)
	strict.live[b] = 201
	tr.Deallocate(b, 201)
	require.Zero(t, record.Len(), "nothing is written before there is enough")
	require.NoError(t, tr.Close())
	strict.requireClean(t)

	require.Equal(t, traceMagic+"\x01"+
		"\x09\x00\xc8\x01"+ // allocate, time, size
		"\x01\x00"+ // allocate: thread and size as before
		"\x0d\x00\x02\x00"+ // allocate, time, thread, size
		"\x06\x00\x03\x01"+ // deallocate, time, three frames back, thread; size as the frame's
		"\x02\x00\x01"+ // deallocate, time, the newest frame
		"\x0f\x00\x00\x80\x80\x40"+ // refused, time, thread, size
		"\x0a\x00\x00\x08"+ // deallocate, time, unknown frame, size
		"\x0a\x00\x02\xc9\x01"+ // deallocate, time, two frames back, another size than the frame's
		"\x00\x08", // end of 8 records
		record.String())

	require.Equal(t, []TraceEvent{
		{Order: 0, Op: TraceAllocate, Size: 200, Class: 1, Frame: 1},
		{Order: 1, Op: TraceAllocate, Size: 200, Class: 1, Frame: 2},
		{Order: 2, Op: TraceAllocate, Thread: 2, Size: 0, Class: 0, Frame: 3},
		{Order: 3, Op: TraceDeallocate, Thread: 1, Size: 200, Class: 1, Frame: 1, LifeOps: 3},
		{Order: 4, Op: TraceDeallocate, Thread: 1, Size: 0, Class: 0, Frame: 3, LifeOps: 2},
		{Order: 5, Op: TraceRefused, Size: 1 << 20, Class: bins.Classes},
		{Order: 6, Op: TraceDeallocate, Size: 8, Class: 0},
		{Order: 7, Op: TraceDeallocate, Size: 201, Class: 1, Frame: 2, LifeOps: 6},
	}, readTrace(t, record.Bytes()))
}

func TestTraceReaderTimes(t *testing.T) {
	require.Equal(t, []TraceEvent{
		{Order: 0, Op: TraceAllocate, Time: 5, Size: 1, Frame: 1},
		{Order: 1, Op: TraceRefused, Time: 305, Size: 65537, Class: bins.Classes},
		{Order: 2, Op: TraceAllocate, Time: 306, Size: 65536, Class: bins.Classes - 1, Frame: 2},
		{Order: 3, Op: TraceDeallocate, Time: 1306, Size: 1, Frame: 1, LifeTime: 1301, LifeOps: 3},
	}, readTrace(t, []byte(traceMagic+"\x01"+"\x09\x05\x01"+"\x0b\xac\x02\x81\x80\x04"+"\x09\x01\x80\x80\x04"+"\x02\xe8\x07\x02"+"\x00\x04")))
}

func TestTraceTimesGoForward(t *testing.T) {
	var record bytes.Buffer
	tr := NewTrace(new(Heap), &record)
	tr.start = tr.start.Add(-time.Hour)
	for range 100 {
		tr.Deallocate(tr.Allocate(1), 1)
	}
	require.NoError(t, tr.Close())
	last, allocated := time.Hour, time.Duration(0)
	for _, e := range readTrace(t, record.Bytes()) {
		require.GreaterOrEqual(t, e.Time, last)
		last = e.Time
		switch e.Op {
		case TraceAllocate:
			allocated = e.Time
		case TraceDeallocate:
			require.Equal(t, e.Time-allocated, e.LifeTime)
		}
	}
}

func TestTraceOpString(t *testing.T) {
	for op, want := range map[TraceOp]string{
		TraceAllocate: "allocate", TraceDeallocate: "deallocate", TraceRefused: "refused", traceEnd: "unknown", 200: "unknown",
	} {
		require.Equal(t, want, op.String())
	}
}

func TestTraceMisuse(t *testing.T) {
	require.Panics(t, func() { NewTrace(nil, io.Discard) })
	require.Panics(t, func() { NewTrace(new(Heap), nil) })
	require.Panics(t, func() { NewTrace(new(Heap), io.Discard).ThreadOver(nil) })
}

// recordAtRandom does a number of operations through the Trace and its threads,
// with few sizes and many, and frees all it allocates.
func recordAtRandom(tr *Trace, seed uint64, operations int) {
	random := rand.New(rand.NewPCG(seed, 11))
	threads := []FrameAllocator{tr, tr.Thread(), tr.Thread()}
	var held []heldFrame
	for range operations {
		m := threads[random.IntN(len(threads))]
		if len(held) > 0 && random.IntN(2) == 0 {
			j := random.IntN(len(held))
			m.Deallocate(held[j].p, held[j].size)
			held = append(held[:j], held[j+1:]...)
			continue
		}
		size := uintptr(128)
		if random.IntN(3) == 0 {
			size = uintptr(random.Uint64N(100_000))
		}
		if p := m.Allocate(size); p != nil {
			held = append(held, heldFrame{p: p, size: size})
		}
	}
	for _, f := range held {
		tr.Deallocate(f.p, f.size)
	}
}

// refusingAtTimes is an allocator of which each seventh request is refused.
func refusingAtTimes() *strictFrames {
	s := newStrictFrames()
	s.refuse = func(uintptr) bool { return s.asked%7 == 0 }
	return s
}

// A replay of the record does the same to another allocator: its own record is
// the same, but for the times.
func TestTraceReplay(t *testing.T) {
	var record, again bytes.Buffer
	strict := refusingAtTimes()
	tr := NewTrace(strict, &record)
	recordAtRandom(tr, 1, 5000)
	require.NoError(t, tr.Close())
	strict.requireClean(t)
	events := readTrace(t, record.Bytes())

	strict = refusingAtTimes()
	counting := NewCounting(strict)
	tr = newTimelessTrace(counting, &again)
	threads := []FrameAllocator{tr, tr.Thread(), tr.Thread()}
	frames := make(map[uint64]unsafe.Pointer)
	counts := make(map[TraceOp]uint64)
	for _, e := range events {
		counts[e.Op]++
		m := threads[e.Thread]
		switch e.Op {
		case TraceDeallocate:
			m.Deallocate(frames[e.Frame], uintptr(e.Size))
			delete(frames, e.Frame)
		case TraceAllocate:
			frames[e.Frame] = m.Allocate(uintptr(e.Size))
			require.NotNil(t, frames[e.Frame])
		case TraceRefused:
			require.Nil(t, m.Allocate(uintptr(e.Size)))
		}
	}
	require.NoError(t, tr.Close())
	require.Empty(t, frames)
	strict.requireClean(t)
	s := counting.Stats()
	require.Equal(t, map[TraceOp]uint64{
		TraceAllocate: s.Allocated, TraceDeallocate: s.Deallocated, TraceRefused: s.Refused,
	}, counts)
	require.Positive(t, s.Refused)

	for i := range events {
		events[i].Time, events[i].LifeTime = 0, 0
	}
	require.Equal(t, events, readTrace(t, again.Bytes()))
}

func TestTraceIsCompact(t *testing.T) {
	var record bytes.Buffer
	a, err := New()
	require.NoError(t, err)
	tr := NewTrace(a, &record)
	const operations = 20_000
	require.NoError(t, churn(tr, 4, operations, 1000, 5000))
	require.NoError(t, tr.Close())
	events := readTrace(t, record.Bytes())
	require.Len(t, events, 2*operations)
	require.Less(t, record.Len(), 8*len(events))
	require.NoError(t, a.Close())
}

// However many goroutines allocate from caches of their own and free each other's
// frames, each deallocation in the record names a frame that was live at its place,
// and no address has two live frames.
func TestTraceOrderUnderConcurrency(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	var record bytes.Buffer
	tr := NewTrace(a, &record)
	const goroutines = 8
	operations := 4000
	if testing.Short() {
		operations = 500
	}
	type handedOver struct {
		p    unsafe.Pointer
		size uintptr
	}
	var inbox [goroutines]chan handedOver // each has room for all that its neighbour sends
	for g := range inbox {
		inbox[g] = make(chan handedOver, operations)
	}
	var wg sync.WaitGroup
	for g := range goroutines {
		c := a.NewCache()
		m := tr.ThreadOver(c)
		wg.Go(func() {
			defer c.Close()
			random := rand.New(rand.NewPCG(uint64(g), 0))
			for i := range operations {
				size := uintptr(1 + random.Uint64N(1000))
				f := handedOver{m.Allocate(size), size}
				if f.p == nil {
					t.Error("no memory")
					return
				}
				if i%2 == 0 {
					m.Deallocate(f.p, f.size)
					continue
				}
				inbox[(g+1)%goroutines] <- f
				select {
				case f = <-inbox[g]:
					m.Deallocate(f.p, f.size)
				default:
				}
			}
		})
	}
	wg.Wait()
	for _, rest := range inbox {
		close(rest)
		for f := range rest {
			tr.Deallocate(f.p, f.size)
		}
	}
	require.NoError(t, tr.Close())
	require.NoError(t, a.Close())

	byThread := make(map[uint64]int)
	live, elsewhere := make(map[uint64]uint64), 0
	for _, e := range readTrace(t, record.Bytes()) {
		switch e.Op {
		case TraceAllocate:
			byThread[e.Thread]++
			live[e.Frame] = e.Thread
		case TraceDeallocate:
			thread, ok := live[e.Frame]
			require.True(t, ok, "%+v", e)
			if thread != e.Thread {
				elsewhere++
			}
			delete(live, e.Frame)
		}
	}
	require.Empty(t, live)
	require.Equal(t, goroutines*operations/2, elsewhere)
	for g := range goroutines {
		require.Equal(t, operations, byThread[uint64(g+1)])
	}
}

// A frame that is freed behind the trace's back, as by Monotonic.Release, stays
// live in the record, and the next one at its address is another frame.
func TestTraceAddressReusedBehindItsBack(t *testing.T) {
	var record bytes.Buffer
	m := NewMonotonic(newStrictFrames(), 128)
	a := &adjacentFrames{base: m.Allocate(100)}
	tr := NewTrace(a, &record)
	p := tr.Allocate(16)
	a.used = 0
	require.Equal(t, p, tr.Allocate(32))
	tr.Deallocate(p, 32)
	tr.Deallocate(p, 32)
	require.NoError(t, tr.Close())
	var frames []uint64
	for _, e := range readTrace(t, record.Bytes()) {
		frames = append(frames, e.Frame)
	}
	require.Equal(t, []uint64{1, 2, 2, 0}, frames)
	m.Release()
}

func TestTraceAfterClose(t *testing.T) {
	var record bytes.Buffer
	strict := newStrictFrames()
	tr := NewTrace(strict, &record)
	thread := tr.Thread()
	p := tr.Allocate(10)
	require.NoError(t, tr.Flush())
	flushed := record.Len()
	require.NoError(t, tr.Flush())
	require.Equal(t, flushed, record.Len())
	require.NoError(t, tr.Close())
	closed := record.Len()

	thread.Deallocate(p, 10)
	p = thread.Allocate(20)
	require.NotNil(t, p)
	tr.Deallocate(p, 20)
	require.NoError(t, tr.Flush())
	require.NoError(t, tr.Close())
	require.Equal(t, closed, record.Len())
	require.Len(t, readTrace(t, record.Bytes()), 1)
	strict.requireClean(t)

	// A call that saw the Trace open and gets the lock after Close records nothing.
	tr.recordAllocate(1, p, 1)
	tr.recordDeallocate(1, p, 1)
	require.NoError(t, tr.Close())
	require.Equal(t, closed, record.Len())
}

var errFull = errors.New("the disk is full")

// fullWriter takes only so many bytes. If short, it says nothing about the rest.
type fullWriter struct {
	bytes.Buffer
	room  int
	short bool
	calls int // after it was full
}

func (w *fullWriter) Write(b []byte) (int, error) {
	if w.room == 0 {
		w.calls++
	}
	n := min(len(b), w.room)
	w.room -= n
	w.Buffer.Write(b[:n])
	if n < len(b) && !w.short {
		return n, errFull
	}
	return n, nil
}

// The writer fails at byte n, for every n: allocation still works, the error is kept, and the
// bytes that were written can be read.
func TestTraceWriterFails(t *testing.T) {
	asked := 0
	run := func(w io.Writer, often bool) (flush, end error) {
		strict := refusingAtTimes()
		tr := newTimelessTrace(strict, w)
		for seed := range uint64(8) {
			recordAtRandom(tr, seed, 8)
			if often {
				flush = tr.Flush()
			}
		}
		end = tr.Close()
		require.Equal(t, end, tr.Close())
		strict.requireClean(t)
		if asked == 0 {
			asked = strict.asked
		}
		require.Equal(t, asked, strict.asked, "all is asked for, whatever the writer does")
		return flush, end
	}
	var whole bytes.Buffer
	flush, end := run(&whole, true)
	require.NoError(t, flush)
	require.NoError(t, end)
	all := readTrace(t, whole.Bytes())

	for _, often := range []bool{false, true} {
		for _, short := range []bool{false, true} {
			want := errFull
			if short {
				want = io.ErrShortWrite
			}
			for n := range whole.Len() {
				w := &fullWriter{room: n, short: short}
				flush, end := run(w, often)
				require.Equal(t, want, end, "at byte %d", n)
				if often && n < whole.Len()-2 { // not in the end mark
					require.Equal(t, want, flush)
				}
				require.LessOrEqual(t, w.calls, 1, "nothing is written after the error")
				require.Equal(t, whole.String()[:n], w.String())
				requireTraceCutShort(t, w.Bytes(), all)
			}
		}
	}
}

// requireTraceCutShort reads a part of a trace of all.
func requireTraceCutShort(t *testing.T, part []byte, all []TraceEvent) {
	t.Helper()
	r, err := NewTraceReader(bytes.NewReader(part))
	n := 0
	for err == nil {
		var e TraceEvent
		if e, err = r.Next(); err == nil {
			require.Equal(t, all[n], e)
			n++
		}
	}
	require.ErrorIs(t, err, ErrTrace)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestTraceCutShortAtEveryByte(t *testing.T) {
	var record bytes.Buffer
	tr := NewTrace(refusingAtTimes(), &record)
	recordAtRandom(tr, 3, 300)
	require.NoError(t, tr.Close())
	all := readTrace(t, record.Bytes())
	for n := range record.Len() {
		requireTraceCutShort(t, record.Bytes()[:n], all)
	}
}

func TestTraceRecordingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		return // the detector allocates
	}
	a, err := New()
	require.NoError(t, err)
	tr := NewTrace(a, io.Discard)
	thread := tr.Thread()
	var frames [1000]unsafe.Pointer
	cycle := func() {
		for i := range frames {
			frames[i] = tr.Allocate(uintptr(i))
		}
		for i, p := range frames {
			thread.Deallocate(p, uintptr(i))
		}
	}
	cycle()
	require.Zero(t, testing.AllocsPerRun(100, cycle))
	require.NoError(t, tr.Close())
	require.NoError(t, a.Close())
}

func TestTraceTableAgainstMap(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 8))
	var table traceTable
	model := make(map[uintptr]traceFrame)
	_, ok := table.take(128)
	require.False(t, ok)
	for i := range 100_000 {
		// Few addresses, dense as frames of one class are, so that they meet often.
		address := 1<<20 + 128*uintptr(random.Uint64N(600))
		if random.IntN(2) == 0 {
			f := traceFrame{address: address, id: uint64(i), size: uintptr(i)}
			table.put(f)
			model[address] = f
		} else {
			f, ok := table.take(address)
			want, wantOK := model[address]
			require.Equal(t, wantOK, ok)
			require.Equal(t, want, f)
			delete(model, address)
		}
		require.Equal(t, len(model), table.used)
	}
	_, ok = table.take(0)
	require.False(t, ok)
	require.LessOrEqual(t, len(table.slots), 1024)
	for address, want := range model {
		f, ok := table.take(address)
		require.True(t, ok)
		require.Equal(t, want, f)
	}
	require.Zero(t, table.used)
	require.Empty(t, withoutZero(table.slots))
}

func withoutZero(slots []traceFrame) (used []traceFrame) {
	for _, f := range slots {
		if f != (traceFrame{}) {
			used = append(used, f)
		}
	}
	return used
}

func BenchmarkTrace(b *testing.B) {
	a, err := New()
	require.NoError(b, err)
	tr := NewTrace(a, io.Discard)
	for b.Loop() {
		tr.Deallocate(tr.Allocate(128), 128)
	}
}

// Calls through Workers are recorded under a thread for each number, which no other thread has, and
// those of number 0 under thread 0.
func TestTraceWorkers(t *testing.T) {
	var recorded bytes.Buffer
	trace := NewTrace(new(Heap), &recorded)
	number := uint64(0)
	workers := trace.Workers(func() uint64 { return number })
	other := trace.Thread()
	var frames []unsafe.Pointer
	for _, number = range []uint64{0, 9000, 7, 9000} {
		frames = append(frames, workers.Allocate(100))
	}
	number = 7
	for _, p := range frames {
		workers.Deallocate(p, 100)
	}
	other.Deallocate(other.Allocate(100), 100)
	require.NoError(t, trace.Close())
	workers.Deallocate(workers.Allocate(100), 100) // is passed on

	r, err := NewTraceReader(&recorded)
	require.NoError(t, err)
	var threads []uint64
	for e, err := range r.All() {
		require.NoError(t, err)
		threads = append(threads, e.Thread)
	}
	require.Equal(t, []uint64{0, 2, 3, 2, 3, 3, 3, 3, 1, 1}, threads)
	require.PanicsWithValue(t,
		"arena: Trace.Workers without a function: pass one that returns the number of the worker, such as coro.WorkerNumber",
		func() { trace.Workers(nil) })
}
