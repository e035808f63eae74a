package arena

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// strictFrames is an allocator for tests: frames from the Go heap, a table of what
// is live, refusals on demand. Any goroutine may use it.
type strictFrames struct {
	// refuse, if not nil, is asked before each allocation. It is called with mu
	// held.
	refuse func(size uintptr) bool

	heap Heap

	mu     sync.Mutex
	live   map[unsafe.Pointer]uintptr
	asked  int     // allocations asked for, refused ones included
	used   uintptr // footprints of the live frames
	most   uintptr // the most that used ever was
	broken []string
}

func newStrictFrames() *strictFrames {
	return &strictFrames{live: make(map[unsafe.Pointer]uintptr)}
}

func (s *strictFrames) Allocate(size uintptr) unsafe.Pointer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.refuse != nil && s.refuse(size) {
		return nil
	}
	p := s.heap.Allocate(size)
	if p == nil {
		return nil
	}
	s.live[p] = size
	n, _ := footprint(size)
	s.used += n
	s.most = max(s.most, s.used)
	return p
}

func (s *strictFrames) Deallocate(p unsafe.Pointer, size uintptr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if was, ok := s.live[p]; !ok || was != size {
		s.broken = append(s.broken, fmt.Sprintf("frame %p freed with size %d: live %v, of size %d", p, size, ok, was))
		return
	}
	delete(s.live, p)
	n, _ := footprint(size)
	s.used -= n
	s.heap.Deallocate(p, size)
}

// requireClean fails the test unless every frame came back as it was given out.
func (s *strictFrames) requireClean(t *testing.T) {
	t.Helper()
	require.Empty(t, s.broken)
	require.Empty(t, s.live)
}

// refuseAll refuses from now on, refuseNone no more.
func refuseAll(uintptr) bool  { return true }
func refuseNone(uintptr) bool { return false }

// heldFrame is a live frame of a test that fills all of it.
type heldFrame struct {
	p    unsafe.Pointer
	size uintptr
	fill byte
}

func holdFrame(p unsafe.Pointer, size uintptr, fill byte) heldFrame {
	b := unsafe.Slice((*byte)(p), size)
	for i := range b {
		b[i] = fill
	}
	return heldFrame{p, size, fill}
}

// intact reports whether the frame still has its contents.
func (f heldFrame) intact() bool {
	return bytes.Count(unsafe.Slice((*byte)(f.p), f.size), []byte{f.fill}) == int(f.size)
}

// composition is one allocator on top of another, five high.
type composition struct {
	arena     *Arena
	monotonic *Monotonic
	counting  *Counting
	record    bytes.Buffer
	trace     *Trace
	bounded   *Bounded
}

func newComposition(t *testing.T, limit uintptr, below func(*Arena) FrameAllocator) *composition {
	t.Helper()
	a, err := New()
	require.NoError(t, err)
	c := &composition{arena: a}
	c.monotonic = NewMonotonic(below(a), 4096)
	c.counting = NewCounting(c.monotonic)
	c.trace = NewTrace(c.counting, &c.record)
	c.bounded = NewBounded(c.trace, limit)
	return c
}

func TestFiveAllocatorsOnTopOfEachOther(t *testing.T) {
	below := map[string]func(*Arena) FrameAllocator{
		"cache": func(a *Arena) FrameAllocator { return a.NewCache() },
		"arena": func(a *Arena) FrameAllocator { return a },
	}
	for name, below := range below {
		t.Run(name, func(t *testing.T) {
			const limit = 100 << 10
			c := newComposition(t, limit, below)
			random := rand.New(rand.NewPCG(3, 7))
			var held []heldFrame
			var allocated, freed, refused int
			var used uintptr
			for i := range 20_000 {
				if len(held) > 0 && random.IntN(2) == 0 {
					j := random.IntN(len(held))
					f := held[j]
					require.True(t, f.intact(), "operation %d", i)
					c.bounded.Deallocate(f.p, f.size)
					held[j] = held[len(held)-1]
					held = held[:len(held)-1]
					n, _ := footprint(f.size)
					used -= n
					freed++
					continue
				}
				size := random.Uint64N(6000)
				n, _ := footprint(uintptr(size))
				p := c.bounded.Allocate(uintptr(size))
				if used+n > limit {
					require.Nil(t, p)
					refused++
					continue
				}
				require.NotNil(t, p)
				held = append(held, holdFrame(p, uintptr(size), byte(i)))
				used += n
				allocated++
			}
			require.Positive(t, refused)
			b, s := c.bounded.Stats(), c.counting.Stats()
			require.Equal(t, used, b.Bytes)
			require.LessOrEqual(t, b.PeakBytes, uintptr(limit))
			require.EqualValues(t, len(held), b.Live)
			require.EqualValues(t, refused, b.Refused)
			require.Zero(t, b.NextRefused)
			require.EqualValues(t, allocated, s.Allocated)
			require.EqualValues(t, freed, s.Deallocated)
			require.Zero(t, s.Refused)
			require.Equal(t, len(held), c.monotonic.Live())
			require.Equal(t, freed+len(held), allocated)

			require.NoError(t, c.trace.Close())
			ops := make(map[TraceOp]int)
			for _, e := range readTrace(t, c.record.Bytes()) {
				ops[e.Op]++
			}
			require.Equal(t, map[TraceOp]int{TraceAllocate: allocated, TraceDeallocate: freed}, ops)

			for _, f := range held {
				c.bounded.Deallocate(f.p, f.size)
			}
			require.Zero(t, c.bounded.Stats().Bytes)
			require.Zero(t, c.monotonic.Live())
			require.ErrorIs(t, c.arena.Close(), ErrLeak, "the blocks are still taken")
			c.monotonic.Release()
			require.Zero(t, c.monotonic.Stats().Bytes)
			require.NoError(t, c.arena.Close())
		})
	}
}

func TestRefusalPassesThroughEveryLevel(t *testing.T) {
	strict := newStrictFrames()
	c := newComposition(t, 1<<20, func(*Arena) FrameAllocator { return strict })
	first := c.bounded.Allocate(4000)
	require.NotNil(t, first)
	strict.refuse = refuseAll
	for range 3 {
		require.Nil(t, c.bounded.Allocate(200), "the block is full")
	}
	require.Nil(t, c.bounded.Allocate(1<<20+1), "over the budget")
	b := c.bounded.Stats()
	require.EqualValues(t, 4096, b.Bytes, "the budget of refused requests is given back")
	require.EqualValues(t, 4096+256, b.PeakBytes+256)
	require.EqualValues(t, 1, b.Live)
	require.EqualValues(t, 3, b.NextRefused)
	require.EqualValues(t, 1, b.Refused)
	require.EqualValues(t, 3, c.counting.Stats().Refused)
	require.EqualValues(t, 3, c.monotonic.Stats().Refused)
	require.Equal(t, 1, c.monotonic.Live())

	strict.refuse = refuseNone
	second := c.bounded.Allocate(200)
	require.NotNil(t, second)
	c.bounded.Deallocate(second, 200)
	c.bounded.Deallocate(first, 4000)
	require.Zero(t, c.bounded.Stats().Bytes)
	require.NoError(t, c.trace.Close())
	var ops []TraceOp
	for _, e := range readTrace(t, c.record.Bytes()) {
		ops = append(ops, e.Op)
	}
	require.Equal(t, []TraceOp{
		TraceAllocate, TraceRefused, TraceRefused, TraceRefused, TraceAllocate, TraceDeallocate, TraceDeallocate,
	}, ops)
	c.monotonic.Release()
	strict.requireClean(t)
}

// churn allocates and frees at random, with up to held live frames, and checks that these
// keep their contents. It frees all frames at the end. It returns an error if a frame was
// not intact.
func churn(m FrameAllocator, seed uint64, operations, held int, maxSize uint64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	frames := make([]heldFrame, held)
	var err error
	free := func(f heldFrame) {
		if f.p == nil {
			return
		}
		if !f.intact() {
			err = fmt.Errorf("a frame of %d bytes was overwritten", f.size)
		}
		m.Deallocate(f.p, f.size)
	}
	for i := range operations {
		f := &frames[random.IntN(held)]
		free(*f)
		*f = heldFrame{}
		size := uintptr(random.Uint64N(maxSize))
		if p := m.Allocate(size); p != nil {
			*f = holdFrame(p, size, byte(seed)+byte(i))
		}
	}
	for _, f := range frames {
		free(f)
	}
	return err
}

// Budgets for tenants, in front of one recorded arena.
func TestManyGoroutinesThroughBoundedTraceAndCounting(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	counting := NewCounting(a)
	var record bytes.Buffer
	trace := NewTrace(counting, &record)
	operations := 3000
	if testing.Short() {
		operations = 500
	}
	const limit = 20 << 10
	var tenants []*Bounded
	var wg sync.WaitGroup
	for tenant := range 3 {
		b := NewBounded(trace.Thread(), limit)
		tenants = append(tenants, b)
		for g := range 4 {
			wg.Go(func() {
				if err := churn(b, uint64(10*tenant+g), operations, 16, 2000); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	require.NoError(t, trace.Close())

	var refused uint64
	for _, b := range tenants {
		s := b.Stats()
		require.Zero(t, s.Bytes)
		require.Zero(t, s.Live)
		require.LessOrEqual(t, s.PeakBytes, uintptr(limit))
		refused += s.Refused
	}
	require.Positive(t, refused)
	s := counting.Stats()
	require.EqualValues(t, 12*operations, s.Allocated+refused)
	require.Equal(t, s.Allocated, s.Deallocated)

	// Replayed by tenant, the record shows that the budgets held.
	used := make(map[uint64]uintptr)
	var allocated uint64
	for _, e := range readTrace(t, record.Bytes()) {
		n, _ := footprint(uintptr(e.Size))
		switch e.Op {
		case TraceAllocate:
			allocated++
			used[e.Thread] += n
		case TraceDeallocate:
			require.NotZero(t, e.Frame)
			used[e.Thread] -= n
		}
	}
	require.Equal(t, map[uint64]uintptr{1: 0, 2: 0, 3: 0}, used)
	require.Equal(t, s.Allocated, allocated)
	require.NoError(t, a.Close())
}
