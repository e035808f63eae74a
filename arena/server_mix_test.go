package arena_test

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// mix is the load of a server: frames of 64 B to 4 KiB with random life times, a
// fifth of which are freed on another goroutine than they were allocated on. The
// driver is the same for all allocators.
type mix [mixWorkers]mixWorker

const (
	mixWorkers = 2
	mixBatch   = 64 // frames are handed over so many at a time
	mixBatches = 8  // batches that may be under way to a worker
)

// mixWorker is a goroutine of the mix. Only that goroutine uses it while the mix runs, except
// for the channel in.
type mixWorker struct {
	frames  arena.FrameAllocator
	random  uint64
	live    []mixFrame
	handing *mixHandover      // frames that the other worker is to free
	other   *mixWorker        // reads handed from its in
	in      chan *mixHandover // frames that the other allocated, to be freed here
	empty   chan *mixHandover // for reuse
}

type mixFrame struct {
	p    unsafe.Pointer
	size uintptr
}

type mixHandover struct {
	n      int
	frames [mixBatch]mixFrame
}

// newMix returns a mix with so many live frames. allocator is called for each
// worker.
func newMix(live int, allocator func() arena.FrameAllocator) *mix {
	m := new(mix)
	for i := range m {
		w := &m[i]
		w.frames = allocator()
		w.random = uint64(i)*0x9e3779b97f4a7c15 + 1
		w.live = make([]mixFrame, live/mixWorkers)
		w.other = &m[(i+1)%mixWorkers]
		w.handing = new(mixHandover)
		w.in = make(chan *mixHandover, mixBatches)
		w.empty = make(chan *mixHandover, 2*mixBatches)
		for range cap(w.empty) {
			w.empty <- new(mixHandover)
		}
		for j := range w.live {
			w.live[j] = w.allocate()
		}
	}
	return m
}

// run replaces n frames, half of them in each worker.
func (m *mix) run(n int) {
	var all sync.WaitGroup
	for i := range m {
		all.Go(func() { m[i].run(n / mixWorkers) })
	}
	all.Wait()
}

// end frees all frames.
func (m *mix) end() {
	for i := range m {
		w := &m[i]
		w.freeHandedOver()
		w.free(w.handing)
		for _, f := range w.live {
			w.frames.Deallocate(f.p, f.size)
		}
		w.live = nil
	}
}

func (w *mixWorker) run(n int) {
	for i := range n {
		r := w.next()
		f := &w.live[r%uint64(len(w.live))]
		if r>>32%5 == 0 {
			w.handOver(*f)
		} else {
			w.frames.Deallocate(f.p, f.size)
		}
		*f = w.allocate()
		if i%mixBatch == 0 {
			w.freeHandedOver()
		}
	}
}

func (w *mixWorker) allocate() mixFrame {
	size := uintptr(64 + w.next()>>20%(4<<10-64+1))
	p := w.frames.Allocate(size)
	*(*uint64)(p) = uint64(size) // whoever asks for memory writes to it
	return mixFrame{p, size}
}

// handOver leaves f to the other worker, if that is not too busy.
func (w *mixWorker) handOver(f mixFrame) {
	h := w.handing
	h.frames[h.n] = f
	if h.n++; h.n < mixBatch {
		return
	}
	select {
	case w.other.in <- h:
		w.handing = <-w.empty
	default:
		w.free(h)
	}
}

func (w *mixWorker) freeHandedOver() {
	for {
		select {
		case h := <-w.in:
			w.free(h)
			w.other.empty <- h
		default:
			return
		}
	}
}

func (w *mixWorker) free(h *mixHandover) {
	for _, f := range h.frames[:h.n] {
		w.frames.Deallocate(f.p, f.size)
	}
	h.n = 0
}

// next is splitmix64: cheap beside what is measured.
func (w *mixWorker) next() uint64 {
	w.random += 0x9e3779b97f4a7c15
	z := w.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// madeFrames makes every frame anew on the Go heap and leaves it to the collector.
type madeFrames struct{}

func (madeFrames) Allocate(size uintptr) unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(make([]byte, size)))
}

func (madeFrames) Deallocate(unsafe.Pointer, uintptr) {}

// pooledFrames recycles frames of the Go heap through a sync.Pool for each class.
// A pointer is what the pools hold, so that putting it there allocates nothing.
type pooledFrames [bins.Classes]sync.Pool

func newPooledFrames() *pooledFrames {
	p := new(pooledFrames)
	for k := range p {
		size := bins.Class(k).Size()
		p[k].New = func() any { return unsafe.Pointer(unsafe.SliceData(make([]byte, size))) }
	}
	return p
}

func (p *pooledFrames) Allocate(size uintptr) unsafe.Pointer {
	return p[bins.ClassOf(size)].Get().(unsafe.Pointer)
}

func (p *pooledFrames) Deallocate(frame unsafe.Pointer, size uintptr) {
	p[bins.ClassOf(size)].Put(frame)
}

// An operation frees a frame and allocates another.
func BenchmarkServerMix(b *testing.B) {
	run := func(b *testing.B, allocator func() arena.FrameAllocator) {
		m := newMix(100_000, allocator)
		m.run(400_000) // until lists and pools are as full as they get
		b.ResetTimer()
		m.run(b.N)
		b.StopTimer()
		m.end()
	}
	b.Run("caches", func(b *testing.B) {
		a := open(b)
		run(b, func() arena.FrameAllocator { return a.NewCache() })
	})
	b.Run("arena", func(b *testing.B) {
		a := open(b)
		run(b, func() arena.FrameAllocator { return a })
	})
	b.Run("peer make", func(b *testing.B) {
		run(b, func() arena.FrameAllocator { return madeFrames{} })
	})
	b.Run("peer sync.Pool", func(b *testing.B) {
		p := newPooledFrames()
		run(b, func() arena.FrameAllocator { return p })
	})
}

// The benchmark's load frees what it allocates, and about a fifth of it elsewhere.
func TestServerMix(t *testing.T) {
	live, n := 20_000, 400_000
	if testing.Short() || race.Enabled {
		live, n = 2_000, 40_000
	}
	a := open(t)
	var caches []*arena.Cache
	var counts []*arena.Counting
	m := newMix(live, func() arena.FrameAllocator {
		caches = append(caches, a.NewCache())
		counts = append(counts, arena.NewCounting(caches[len(caches)-1]))
		return counts[len(counts)-1]
	})
	m.run(n)
	m.end()
	for _, c := range caches {
		c.Close()
	}
	requireAccounts(t, a, [bins.Classes]int{})
	require.EqualValues(t, live+n, counts[0].Stats().Allocated+counts[1].Stats().Allocated)
	require.Equal(t, counts[0].Stats().Allocated+counts[1].Stats().Allocated, counts[0].Stats().Deallocated+counts[1].Stats().Deallocated)
	require.Zero(t, a.Stats().Refusals)
	// The live frames, and at most as many again: sizes are random, and a class does not
	// always have as many live frames as at its peak.
	require.Less(t, a.Stats().Total.Carved, uint64(2*live+4096))
}
