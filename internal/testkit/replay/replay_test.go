package replay

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/iotest"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

var wide = Limits{Operations: 1000, Bytes: 1 << 20}

// record returns the trace of the operations of use.
func record(t testing.TB, use func(*arena.Trace)) []byte {
	t.Helper()
	var recorded bytes.Buffer
	trace := arena.NewTrace(new(arena.Heap), &recorded)
	use(trace)
	require.NoError(t, trace.Close())
	return recorded.Bytes()
}

// everySort has every sort of operation.
func everySort(trace *arena.Trace) {
	thread := trace.Thread()
	a := trace.Allocate(100)
	b := thread.Allocate(200)
	c := thread.Allocate(70_000)
	thread.Deallocate(a, 100)
	trace.Allocate(2 << 30) // refused
	trace.Deallocate(new(arena.Heap).Allocate(0), 0)
	trace.Deallocate(c, 70_000)
	d := thread.Allocate(0)
	trace.Deallocate(d, 0)
	_ = b
}

// tolerant is a Heap that ignores the frame that everySort frees without an allocation.
type tolerant struct{ arena.Heap }

func (h *tolerant) Deallocate(p unsafe.Pointer, size uintptr) {
	if size != 0 {
		h.Heap.Deallocate(p, size)
	}
}

func recordEverySort(t testing.TB) []byte {
	var recorded bytes.Buffer
	trace := arena.NewTrace(new(tolerant), &recorded)
	everySort(trace)
	require.NoError(t, trace.Close())
	return recorded.Bytes()
}

func TestRead(t *testing.T) {
	r, err := Read(iotest.OneByteReader(bytes.NewReader(recordEverySort(t))), wide)
	require.NoError(t, err)
	require.Equal(t, 9, r.Operations())
	require.Equal(t, 4, r.Allocations)
	require.Equal(t, 3, r.Deallocations)
	require.Equal(t, 1, r.Refused)
	require.Equal(t, 1, r.Unknown)
	require.Equal(t, 2, r.Threads)
	require.Equal(t, 3, r.slots)
	require.Equal(t, Moment{Operation: 3, Frames: 3, Bytes: 70_300}, r.Peak)
	require.GreaterOrEqual(t, r.Footprint, uint64(128+256+70_000))
	require.EqualValues(t, 70_300, r.AllocatedBytes)
	require.EqualValues(t, 112+208+70_000+16, r.AllocatedSpace)
	require.Equal(t, ClassUse{Allocations: 2, Live: 1}, r.Classes[0])
	require.Equal(t, ClassUse{Allocations: 1, Live: 1}, r.Classes[1])
	require.Equal(t, ClassUse{Allocations: 1, Live: 1}, r.Classes[len(r.Classes)-1])
}

func TestPlay(t *testing.T) {
	r, err := Read(bytes.NewReader(recordEverySort(t)), wide)
	require.NoError(t, err)
	heap := new(arena.Heap)
	first, second := arena.NewCounting(heap), arena.NewCounting(heap)
	p := NewPlayer(r, true, first, second)
	require.NoError(t, p.Play(t.Context(), r.Peak.Operation))
	require.EqualValues(t, r.Peak.Bytes, first.Stats().Bytes+second.Stats().Bytes)
	require.NoError(t, p.Play(t.Context(), r.Operations()))
	require.Equal(t, 1, heap.Live())
	require.NoError(t, p.Rewind())
	require.Zero(t, heap.Live())
	require.NoError(t, p.Play(t.Context(), r.Operations()))
	require.NoError(t, p.Rewind())
	require.Zero(t, p.Refusals())
	require.EqualValues(t, 2, first.Stats().Allocated)
	require.EqualValues(t, 6, second.Stats().Allocated)
}

// refusing refuses all requests.
type refusing struct{}

func (refusing) Allocate(uintptr) unsafe.Pointer    { return nil }
func (refusing) Deallocate(unsafe.Pointer, uintptr) { panic("of what?") }

func TestRefusalsAreCounted(t *testing.T) {
	r, err := Read(bytes.NewReader(recordEverySort(t)), wide)
	require.NoError(t, err)
	p := NewPlayer(r, true, refusing{})
	require.NoError(t, p.Play(t.Context(), r.Operations()))
	require.NoError(t, p.Rewind())
	require.Equal(t, 4, p.Refusals())
}

func TestPlayEndsWithTheContext(t *testing.T) {
	r, err := Read(bytes.NewReader(recordEverySort(t)), wide)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, NewPlayer(r, false, new(arena.Heap)).Play(ctx, r.Operations()), context.Canceled)
}

// overlapping hands out frames of the same memory, each step bytes after the last one.
type overlapping struct {
	memory []byte
	step   int
	n      int
}

func (o *overlapping) Allocate(uintptr) unsafe.Pointer {
	o.n++
	return unsafe.Pointer(&o.memory[(o.n-1)*o.step])
}

func (o *overlapping) Deallocate(unsafe.Pointer, uintptr) {}

func TestContentsAreLookedAt(t *testing.T) {
	for _, size := range []uintptr{1, 7, 8, 15, 16, 200} {
		twice := record(t, func(trace *arena.Trace) {
			a, b := trace.Allocate(size), trace.Allocate(size)
			trace.Deallocate(a, size)
			trace.Deallocate(b, size)
		})
		r, err := Read(bytes.NewReader(twice), wide)
		require.NoError(t, err)
		p := NewPlayer(r, false, &overlapping{memory: make([]byte, 1000)})
		require.ErrorIs(t, p.Play(t.Context(), r.Operations()), ErrContents, "size %d", size)
		require.ErrorIs(t, p.Rewind(), ErrContents, "size %d", size)
		if size >= 16 { // the second begins in the first's last bytes
			p := NewPlayer(r, true, &overlapping{memory: make([]byte, 1000), step: int(size) - 4})
			require.ErrorIs(t, p.Play(t.Context(), r.Operations()), ErrContents, "size %d", size)
		}
	}
}

func TestBadTracesNameTheByte(t *testing.T) {
	good := recordEverySort(t)
	for n := range good {
		_, err := Read(bytes.NewReader(good[:n]), wide)
		require.ErrorIs(t, err, arena.ErrTrace)
		require.ErrorContains(t, err, "replay: at byte ")
	}
	damaged := bytes.Clone(good)
	damaged[17] = 0xf0
	_, err := Read(bytes.NewReader(damaged), wide)
	require.EqualError(t, err, "replay: at byte 18: arena: bad trace: unknown tag 0xf0 (in operation 0)")

	lost := errors.New("lost")
	_, err = Read(iotest.ErrReader(lost), wide)
	require.ErrorIs(t, err, lost)

	_, err = Read(bytes.NewReader(record(t, func(*arena.Trace) {})), wide)
	require.ErrorIs(t, err, ErrEmpty)
}

func TestLimits(t *testing.T) {
	trace := recordEverySort(t)
	r, err := Read(bytes.NewReader(trace), wide)
	require.NoError(t, err)
	_, err = Read(bytes.NewReader(trace), Limits{Operations: 9, Bytes: r.Footprint})
	require.NoError(t, err)
	_, err = Read(bytes.NewReader(trace), Limits{Operations: 8, Bytes: r.Footprint})
	require.ErrorIs(t, err, ErrLimits)
	_, err = Read(bytes.NewReader(trace), Limits{Operations: 9, Bytes: r.Footprint - 1})
	require.ErrorIs(t, err, ErrLimits)
}

// FuzzRead reads arbitrary bytes: Read returns an error, or a recording that can be
// played.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add(recordEverySort(f))
	f.Add(record(f, func(trace *arena.Trace) {
		for range 10 {
			trace.Deallocate(trace.Allocate(48), 48)
		}
	}))
	f.Fuzz(func(t *testing.T, trace []byte) {
		r, err := Read(bytes.NewReader(trace), wide)
		if err != nil {
			return
		}
		heap := new(arena.Heap)
		p := NewPlayer(r, true, heap)
		require.NoError(t, p.Play(t.Context(), r.Operations()))
		require.Equal(t, r.Allocations-r.Deallocations, heap.Live())
		require.NoError(t, p.Rewind())
		require.Zero(t, heap.Live())
	})
}

func TestThreadsHaveALimit(t *testing.T) {
	var recorded bytes.Buffer
	trace := arena.NewTrace(new(arena.Heap), &recorded)
	for range maxThreads {
		trace.Thread().Allocate(0)
	}
	require.NoError(t, trace.Flush())
	limits := Limits{Operations: 2 * maxThreads, Bytes: 1 << 30}
	_, err := Read(bytes.NewReader(recorded.Bytes()), limits)
	require.ErrorIs(t, err, arena.ErrTrace, "only its end is missing")

	trace.Thread().Allocate(0)
	require.NoError(t, trace.Close())
	_, err = Read(bytes.NewReader(recorded.Bytes()), limits)
	require.ErrorIs(t, err, ErrLimits)
	require.ErrorContains(t, err, "more than 65536 threads")
}

// endsAfter is an allocator that ends a context after some frames.
type endsAfter struct {
	arena.Heap
	left int
	end  context.CancelFunc
}

func (e *endsAfter) Allocate(size uintptr) unsafe.Pointer {
	if e.left--; e.left == 0 {
		e.end()
	}
	return e.Heap.Allocate(size)
}

// A stretch of large frames is short.
func TestPlayEndsSoonWithLargeFrames(t *testing.T) {
	const size = 4 << 20
	large := record(t, func(trace *arena.Trace) {
		for range 200 {
			trace.Deallocate(trace.Allocate(size), size)
		}
	})
	r, err := Read(bytes.NewReader(large), Limits{Operations: 1000, Bytes: 1 << 30})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	e := &endsAfter{left: 1, end: cancel}
	require.ErrorIs(t, NewPlayer(r, false, e).Play(ctx, r.Operations()), context.Canceled)
	require.LessOrEqual(t, -e.left, stretchBytes/size)
}

// A recording knows which threads allocate and free, and how many frames go from one to another.
func TestFramesThatAnotherThreadFreed(t *testing.T) {
	r, err := Read(bytes.NewReader(record(t, func(trace *arena.Trace) {
		number := uint64(0)
		workers := trace.Workers(func() uint64 { return number })
		number = 1
		a, b := workers.Allocate(100), workers.Allocate(100)
		workers.Deallocate(a, 100)
		number = 2
		workers.Deallocate(b, 100)
	})), wide)
	require.NoError(t, err)
	require.Equal(t, 2, r.Threads)
	require.Equal(t, 1, r.Moved)
}
