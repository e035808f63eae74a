package main

import (
	"fmt"
	"math"
	"runtime"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/testkit/replay"
)

// replayContender is a row of the table of replay: an allocator that plays a trace.
type replayContender struct {
	name  string // in JSON
	title string // in the table
	care  string // what it requires of its user, for a recommendation

	// option says how tasks are launched with such frames, for a recommendation.
	option string

	// wraps is set if the allocator stands in front of the arena for a purpose other than
	// allocating: it is never recommended for its speed.
	wraps bool

	// open returns the allocator, or an error if it can't play this recording.
	open func(r *replay.Recording, limits replay.Limits) (played, error)
}

// played is an allocator that plays a recording.
type played struct {
	allocators []arena.FrameAllocator // the arguments of replay.NewPlayer
	held       func() uint64          // bytes of frames, live or free; nil: the Go heap's bytes count
	mapped     func() uintptr         // bytes mapped without the Go runtime
	release    func()                 // called between two runs; may be nil
	close      func() error
}

const (
	replayHeap  = "heap"
	replayArena = "arena"
)

// replayContenders returns the rows of the table. Those that require the least of their
// user come first.
func replayContenders() []replayContender {
	return []replayContender{
		{name: replayHeap, title: "Go heap", open: openReplayHeap,
			care: "It asks for nothing.", option: "Launch tasks with coro.Allocator(new(arena.Heap))."},
		{name: "pool", title: "sync.Pool", open: openReplayPool,
			care:   "It takes a pool for each class, and its live frames must be kept reachable.",
			option: "Launch tasks with coro.Allocator(p), where p is a FrameAllocator of your own over such pools."},
		{name: replayArena, title: "shared arena", open: openReplayArena,
			care:   "Any goroutine may use it; it must be closed at the end.",
			option: "Launch tasks with coro.Allocator(a), where a is the arena."},
		{name: "cache", title: "owner's cache", open: openReplayCache,
			care:   "It needs an owner: one goroutine at a time for each cache, as a worker of an executor is.",
			option: "Launch tasks without coro.Allocator: each worker of an executor has a cache. executor.WithArena selects the arena."},
		{name: "monotonic", title: "monotonic, over a cache", open: openReplayMonotonic,
			care:   "It needs an owner, who releases everything at the end: until then freed frames are not used again.",
			option: "Launch tasks with coro.Allocator(arena.NewMonotonic(cache, 0))."},
		{name: "counting", title: "counting, over the arena", wraps: true, open: openReplayCounting},
		{name: "bounded", title: "bounded, over the arena", wraps: true, open: openReplayBounded},
	}
}

func openReplayHeap(*replay.Recording, replay.Limits) (played, error) {
	return played{
		allocators: []arena.FrameAllocator{new(arena.Heap)},
		mapped:     func() uintptr { return 0 },
		close:      func() error { return nil },
	}, nil
}

func openReplayPool(*replay.Recording, replay.Limits) (played, error) {
	return played{
		allocators: []arena.FrameAllocator{newPooledFrames()},
		mapped:     func() uintptr { return 0 },
		close:      func() error { return nil },
	}, nil
}

// overArena returns the played of allocators in front of a.
func overArena(a *arena.Arena, allocators ...arena.FrameAllocator) played {
	return played{
		allocators: allocators,
		held: func() uint64 {
			s := a.Stats()
			n := uint64(s.LargeBytes)
			for _, c := range s.Classes {
				n += c.Carved * uint64(c.Size)
			}
			return n
		},
		mapped: func() uintptr { return a.Stats().MappedBytes },
		close:  a.Close,
	}
}

func openReplayArena(*replay.Recording, replay.Limits) (played, error) {
	a, err := arena.New()
	if err != nil {
		return played{}, err
	}
	return overArena(a, a), nil
}

func openReplayCounting(*replay.Recording, replay.Limits) (played, error) {
	a, err := arena.New()
	if err != nil {
		return played{}, err
	}
	return overArena(a, arena.NewCounting(a)), nil
}

func openReplayBounded(r *replay.Recording, _ replay.Limits) (played, error) {
	a, err := arena.New()
	if err != nil {
		return played{}, err
	}
	return overArena(a, arena.NewBounded(a, uintptr(min(r.Footprint, math.MaxInt)))), nil
}

// maxReplayCaches is how many threads of a trace can have a cache of their own.
const maxReplayCaches = 256

func openReplayCache(r *replay.Recording, _ replay.Limits) (played, error) {
	if r.Threads > maxReplayCaches {
		return played{}, cantPlay(fmt.Sprintf("the trace has %s threads, and caches are opened for up to %d",
			grouped(r.Threads), maxReplayCaches))
	}
	a, err := arena.New()
	if err != nil {
		return played{}, err
	}
	return overCaches(a, r.Threads), nil
}

// overCaches returns the played of threads that own a cache of a each.
func overCaches(a *arena.Arena, threads int) played {
	caches := make([]*arena.Cache, threads)
	allocators := make([]arena.FrameAllocator, threads)
	for i := range caches {
		caches[i] = a.NewCache()
		allocators[i] = caches[i]
	}
	p := overArena(a, allocators...)
	p.close = func() error {
		for _, c := range caches {
			c.Close()
		}
		return a.Close()
	}
	return p
}

func openReplayMonotonic(r *replay.Recording, limits replay.Limits) (played, error) {
	if r.Threads > 1 {
		return played{}, cantPlay(fmt.Sprintf("it belongs to one goroutine, and the trace has %s threads", grouped(r.Threads)))
	}
	if r.AllocatedSpace > limits.Bytes {
		return played{}, cantPlay(fmt.Sprintf("it uses no frame again, and would grow to %s", humanBytes(float64(r.AllocatedSpace))))
	}
	a, err := arena.New()
	if err != nil {
		return played{}, err
	}
	c := a.NewCache()
	m := arena.NewMonotonic(c, 0)
	p := overArena(a, m)
	p.release = m.Release
	p.close = func() error {
		m.Release()
		c.Close()
		return a.Close()
	}
	return p, nil
}

// cantPlay is the reason why an allocator can't play a recording, which is no failure.
type cantPlay string

func (c cantPlay) Error() string { return string(c) }

// heapBytes returns how many bytes of the Go heap are in use after a collection.
func heapBytes() uint64 {
	runtime.GC()
	runtime.GC() // a sync.Pool releases its elements in two collections
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
