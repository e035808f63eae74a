package arena

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

func TestBoundedCountsWhatFramesTake(t *testing.T) {
	page := slab.PageSize()
	for _, c := range []struct{ size, takes uintptr }{
		{0, 128}, {1, 128}, {127, 128}, {128, 128},
		{129, 256}, {256, 256}, {257, 512},
		{4096, 4096}, {4097, 8192},
		{bins.MaxSize - 1, bins.MaxSize}, {bins.MaxSize, bins.MaxSize},
		{bins.MaxSize + 1, bins.MaxSize + page},
		{bins.MaxSize + page, bins.MaxSize + page},
		{bins.MaxSize + page + 1, bins.MaxSize + 2*page},
		{1 << 20, 1 << 20},
	} {
		b := NewBounded(new(Heap), c.takes)
		p := b.Allocate(c.size)
		require.NotNil(t, p, "size %d fits exactly", c.size)
		require.Equal(t, BoundedStats{MaxBytes: c.takes, Bytes: c.takes, PeakBytes: c.takes, Live: 1}, b.Stats(), "size %d", c.size)
		require.Nil(t, b.Allocate(1))
		b.Deallocate(p, c.size)
		require.Equal(t, BoundedStats{MaxBytes: c.takes, PeakBytes: c.takes, Refused: 1}, b.Stats(), "size %d", c.size)

		b = NewBounded(new(Heap), c.takes-1)
		require.Nil(t, b.Allocate(c.size), "size %d is one byte too much", c.size)
		require.Equal(t, BoundedStats{MaxBytes: c.takes - 1, Refused: 1}, b.Stats())
	}
}

// What Bounded takes for a frame is what the arena says it is.
func TestBoundedAgreesWithTheArena(t *testing.T) {
	a, err := New()
	require.NoError(t, err)
	b := NewBounded(a, 1<<30)
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		size := uintptr(random.Uint64N(1 << (1 + random.IntN(20))))
		p := b.Allocate(size)
		require.NotNil(t, p)
		s := a.Stats()
		takes := s.LargeBytes
		for _, c := range s.Classes {
			takes += uintptr(c.Live) * c.Size
		}
		if framecheck.Enabled { // where the arena takes more than Bounded knows of
			guarded, _ := footprint(size + guardSize)
			require.Equal(t, guarded, takes, "size %d", size)
			takes, _ = footprint(size)
		}
		require.Equal(t, takes, b.Stats().Bytes, "size %d", size)
		b.Deallocate(p, size)
	}
	require.NoError(t, a.Close())
}

func TestBoundedRefusesBeforeItAsks(t *testing.T) {
	strict := newStrictFrames()
	b := NewBounded(strict, 8*128)
	var frames []unsafe.Pointer
	for range 8 {
		p := b.Allocate(100)
		require.NotNil(t, p)
		frames = append(frames, p)
	}
	require.Nil(t, b.Allocate(100))
	require.Equal(t, 8, strict.asked)
	b.Deallocate(frames[7], 100)
	require.Nil(t, b.Allocate(129), "two frames' worth")
	frames[7] = b.Allocate(128)
	require.NotNil(t, frames[7])
	b.Deallocate(frames[7], 128)
	for _, p := range frames[:7] {
		b.Deallocate(p, 100)
	}
	require.Equal(t, BoundedStats{MaxBytes: 1024, PeakBytes: 1024, Refused: 2}, b.Stats())
	strict.requireClean(t)
}

func TestBoundedSizesBeyondAllBounds(t *testing.T) {
	const most = ^uintptr(0)
	page := slab.PageSize()
	for _, limit := range []uintptr{0, 127, 1 << 20, most - 1, most} {
		strict := newStrictFrames()
		strict.refuse = func(size uintptr) bool { return size > 1<<20 }
		b := NewBounded(strict, limit)
		small := b.Allocate(1)
		require.Equal(t, limit >= 128, small != nil)
		before := b.Stats().Bytes
		for _, size := range []uintptr{most, most - 1, most - page + 1, most - page, most - page - 128, most/2 + 1, most / 2} {
			require.Nil(t, b.Allocate(size), "size %#x, limit %#x", size, limit)
			require.Equal(t, before, b.Stats().Bytes)
		}
		s := b.Stats()
		refused := uint64(7)
		if small == nil {
			refused++
		} else {
			b.Deallocate(small, 1)
		}
		require.Equal(t, refused, s.Refused+s.NextRefused)
		require.Zero(t, b.Stats().Bytes)
		strict.requireClean(t)
	}
}

func TestBoundedGivesBackWhatNextRefuses(t *testing.T) {
	strict := newStrictFrames()
	b := NewBounded(strict, 1024)
	strict.refuse = refuseAll
	for range 100 {
		require.Nil(t, b.Allocate(1024))
	}
	require.Equal(t, BoundedStats{MaxBytes: 1024, NextRefused: 100}, b.Stats())
	strict.refuse = refuseNone
	p := b.Allocate(1024)
	require.NotNil(t, p)
	b.Deallocate(p, 1024)
	strict.requireClean(t)
}

func TestBoundedSetMaxBytes(t *testing.T) {
	strict := newStrictFrames()
	b := NewBounded(strict, 0)
	require.Nil(t, b.Allocate(0))
	b.SetMaxBytes(512)
	first, second := b.Allocate(256), b.Allocate(256)
	require.NotNil(t, first)
	require.NotNil(t, second)
	require.Nil(t, b.Allocate(1))

	b.SetMaxBytes(256)
	require.EqualValues(t, 512, b.Stats().Bytes, "lowering takes nothing away")
	require.Nil(t, b.Allocate(1))
	b.Deallocate(first, 256)
	require.Nil(t, b.Allocate(1), "still all in use")
	b.Deallocate(second, 256)
	first = b.Allocate(256)
	require.NotNil(t, first)
	require.Nil(t, b.Allocate(1))
	b.SetMaxBytes(384)
	second = b.Allocate(1)
	require.NotNil(t, second)
	b.Deallocate(first, 256)
	b.Deallocate(second, 1)
	require.Equal(t, BoundedStats{MaxBytes: 384, PeakBytes: 512, Refused: 5}, b.Stats())
	strict.requireClean(t)
}

func TestBoundedAgainstModel(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 0))
		strict := newStrictFrames()
		strict.refuse = func(uintptr) bool { return random.IntN(10) == 0 }
		limit := uintptr(16 << 10)
		b := NewBounded(strict, limit)
		var held []heldFrame
		var model BoundedStats
		for range 5000 {
			switch r := random.IntN(100); {
			case r == 0:
				limit = uintptr(random.Uint64N(32 << 10))
				b.SetMaxBytes(limit)
			case r < 50 && len(held) > 0:
				j := random.IntN(len(held))
				f := held[j]
				held[j] = held[len(held)-1]
				held = held[:len(held)-1]
				require.True(t, f.intact())
				b.Deallocate(f.p, f.size)
				n, _ := footprint(f.size)
				model.Bytes -= n
				model.Live--
			default:
				size := uintptr(random.Uint64N(1 << (1 + random.IntN(12))))
				asked := strict.asked
				p := b.Allocate(size)
				n, _ := footprint(size)
				switch {
				case model.Bytes+n > limit:
					require.Nil(t, p)
					require.Equal(t, asked, strict.asked)
					model.Refused++
				case p == nil:
					model.NextRefused++
				default:
					model.Bytes += n
					model.PeakBytes = max(model.PeakBytes, model.Bytes)
					model.Live++
					held = append(held, holdFrame(p, size, byte(random.Uint32())))
				}
			}
			model.MaxBytes = limit
			require.Equal(t, model, b.Stats())
		}
		for _, f := range held {
			b.Deallocate(f.p, f.size)
		}
		require.Zero(t, b.Stats().Bytes)
		strict.requireClean(t)
	}
}

// The live frames of the allocator behind the budget never exceed the budget, however many
// goroutines allocate, and nothing of the budget is lost.
func TestBoundedUnderConcurrency(t *testing.T) {
	strict := newStrictFrames()
	asked := 0
	strict.refuse = func(uintptr) bool { asked++; return asked%7 == 0 }
	const limit = 4 << 10
	b := NewBounded(strict, limit)
	operations := 3000
	if testing.Short() {
		operations = 500
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			if err := churn(b, uint64(g), operations, 8, 600); err != nil {
				t.Error(err)
			}
		})
	}
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if s := b.Stats(); s.Bytes > limit || s.PeakBytes > limit {
					t.Errorf("over the budget: %+v", s)
				}
			}
		}
	})
	wg.Wait()
	close(stop)
	watcher.Wait()
	strict.requireClean(t)
	require.LessOrEqual(t, strict.most, uintptr(limit))
	s := b.Stats()
	require.Zero(t, s.Bytes)
	require.Zero(t, s.Live)
	require.GreaterOrEqual(t, s.PeakBytes, strict.most)
	require.LessOrEqual(t, s.PeakBytes, uintptr(limit))
	require.Positive(t, s.Refused)
	require.Positive(t, s.NextRefused)
	require.EqualValues(t, 16*operations, uint64(strict.asked)+s.Refused)
	p := b.Allocate(limit)
	if p == nil { // the seventh
		p = b.Allocate(limit)
	}
	require.NotNil(t, p, "all of the budget is there")
	b.Deallocate(p, limit)
}

// singleFrame is an allocator that notices when its one frame is handed out twice.
type singleFrame struct {
	out   atomic.Int64
	twice atomic.Bool
	frame [16]byte
}

func (s *singleFrame) Allocate(uintptr) unsafe.Pointer {
	if s.out.Add(1) != 1 {
		s.twice.Store(true)
	}
	return unsafe.Pointer(&s.frame)
}

func (s *singleFrame) Deallocate(unsafe.Pointer, uintptr) { s.out.Add(-1) }

// Of all that ask for the last bytes at the same time, one gets them. There is no
// lock here that puts the goroutines in a line.
func TestBoundedLastBytesGoToOne(t *testing.T) {
	next := new(singleFrame)
	b := NewBounded(next, 255)
	rounds := 1_000_000
	if testing.Short() || race.Enabled {
		rounds = 50_000
	}
	var got atomic.Uint64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range rounds {
				if p := b.Allocate(128); p != nil {
					got.Add(1)
					b.Deallocate(p, 128)
				}
			}
		})
	}
	wg.Wait()
	require.False(t, next.twice.Load())
	require.Equal(t, uint64(4*rounds), got.Load()+b.Stats().Refused)
	require.Equal(t, BoundedStats{MaxBytes: 255, PeakBytes: 128, Refused: b.Stats().Refused}, b.Stats())
}

func TestBoundedMisuse(t *testing.T) {
	require.PanicsWithValue(t, "arena: NewBounded without an allocator: pass the one that the budget is for",
		func() { NewBounded(nil, 1) })

	strict := newStrictFrames()
	b, other := NewBounded(strict, 1024), NewBounded(strict, 1024)
	p := b.Allocate(100)
	for name, misuse := range map[string]func(){
		"of another":     func() { other.Deallocate(p, 100) },
		"too big":        func() { b.Deallocate(p, 200) },
		"beyond bounds":  func() { b.Deallocate(p, ^uintptr(0)) },
		"of no use size": func() { b.Deallocate(p, 1<<30) },
	} {
		require.Panics(t, misuse, name)
	}
	require.Empty(t, strict.broken, "misuse is noticed before the frame is passed on")
	b.Deallocate(p, 100)
	require.Panics(t, func() { b.Deallocate(p, 100) }, "twice")
	require.Zero(t, b.Stats().Bytes)
	strict.requireClean(t)
}

// What a tenant writes shares no pair of cache lines with anything else.
func TestBoundedCountersHaveTheirOwnCacheLines(t *testing.T) {
	const pair = 128
	var b Bounded
	first := unsafe.Offsetof(b.used)
	end := unsafe.Offsetof(b.nextRefused) + unsafe.Sizeof(b.nextRefused)
	require.GreaterOrEqual(t, first-(unsafe.Offsetof(b.next)+unsafe.Sizeof(b.next)), uintptr(pair-8))
	require.GreaterOrEqual(t, unsafe.Sizeof(b)-end, uintptr(pair-8))
	require.LessOrEqual(t, end-first, uintptr(pair/2), "one line for all that an allocation writes")
}

func TestBoundedAllocatesNothingOnTheGoHeap(t *testing.T) {
	if race.Enabled {
		return // the detector allocates
	}
	a, err := New()
	require.NoError(t, err)
	c := a.NewCache()
	b := NewBounded(c, 1<<20)
	require.Zero(t, testing.AllocsPerRun(1000, func() { b.Deallocate(b.Allocate(300), 300) }))
	c.Close()
	require.NoError(t, a.Close())
}

func BenchmarkBounded(b *testing.B) {
	a, err := New()
	require.NoError(b, err)
	c := a.NewCache()
	bounded := NewBounded(c, 1<<20)
	for b.Loop() {
		bounded.Deallocate(bounded.Allocate(128), 128)
	}
}
