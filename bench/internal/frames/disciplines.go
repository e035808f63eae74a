package frames

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/bench/internal/contest"
)

const group = "Allocators"

// Disciplines returns the disciplines of allocators.
func Disciplines() []contest.Discipline {
	return []contest.Discipline{
		{
			ID: "alloc-pair", Group: group, Title: "Allocate and free, 128 bytes",
			About:   "One piece of memory at a time is allocated, written, read and freed. The time is of one such round.",
			Metrics: []contest.Metric{contest.Time},
			Contestants: append([]contest.Contestant{
				contestant("framearena, owner's cache", contest.Ours, openCaches, pairs, ""),
				contestant("framearena, owner's cache, class known", contest.Ours, openPlaced, pairs, "what package coro does: the class is found once, and the fast path is inlined"),
				contestant("framearena, any goroutine", contest.Ours, openArena, pairs, ""),
			}, append(goAllocators(pairs), native("pair")...)...),
		},
		{
			ID: "alloc-batch", Group: group, Title: "1000 allocated, then 1000 freed",
			About:   "1000 pieces of 128 bytes are allocated and written, then read and freed in the same order. The time is of one piece.",
			Metrics: []contest.Metric{contest.Time},
			Contestants: append([]contest.Contestant{
				contestant("framearena, owner's cache", contest.Ours, openCaches, batches, ""),
				contestant("framearena, owner's cache, class known", contest.Ours, openPlaced, batches, "as package coro does"),
				contestant("framearena, any goroutine", contest.Ours, openArena, batches, ""),
			}, append(goAllocators(batches), native("batch")...)...),
		},
		mixedSizes(),
		{
			ID: "alloc-release", Group: group, Title: "1000 allocated, then released at once",
			About:   "For allocators that free everything together: 1000 pieces of 128 bytes are allocated and written, then read and released by one call. The time is of one piece.",
			Metrics: []contest.Metric{contest.Time},
			Contestants: []contest.Contestant{
				contestant("framearena, Monotonic", contest.Ours, openMonotonic, batches, ""),
				contestant("framearena, owner's cache, each freed", contest.Ours, openCaches, batches, "as in the discipline of 1000 freed"),
				contestant("ristretto z.Allocator, Reset", contest.Peer, openRistretto, batches, "on the Go heap, unless it is built with jemalloc"),
				{Name: "Go's arena experiment", Lang: "Go", Role: contest.Peer, Program: "arenas", Mode: "batch", Note: "GOEXPERIMENT=arenas: a new arena for each 1000, since there is no reset"},
				contestant("new, dropped", contest.Peer, openNew, batches, ""),
			},
		},
		{
			ID: "alloc-handover", Group: group, Title: "Freed by another thread",
			About:   "One thread allocates and writes, another reads and frees. They are joined by a ring of 1024 slots, and each says after 32 pieces how far it is. The time is of one piece, with the ring's own part in it.",
			Metrics: []contest.Metric{contest.Time},
			Contestants: append([]contest.Contestant{
				contestant("framearena, a cache for each", contest.Ours, openCaches, handovers, ""),
				contestant("framearena, a cache for each, class known", contest.Ours, openPlaced, handovers, "as package coro does"),
				contestant("framearena, any goroutine", contest.Ours, openArena, handovers, ""),
				contestant("sync.Pool", contest.Peer, openSyncPool, handovers, ""),
				contestant("new", contest.Peer, openNew, handovers, ""),
				contestant("make", contest.Peer, openMake, handovers, "the size is not known to the compiler"),
				contestant("buffered channel", contest.Peer, openChannel, handovers, ""),
				contestant("slice and mutex", contest.Peer, openMutex, handovers, ""),
				contestant("modernc.org/memory, mutex", contest.Peer, openModerncLocked, handovers, "it is for one goroutine, so there is a mutex, taken once for 32"),
				contestant("bytedance/gopkg mcache", contest.Peer, openMcache, handovers, ""),
				contestant("libp2p/go-buffer-pool", contest.Peer, openBufferPool, handovers, ""),
				contestant("malloc through cgo", contest.Peer, openCgo, handovers, ""),
				contestant("the ring alone, Go", contest.Floor, openNothing, handovers, "the same memory goes round"),
			}, append(native("handover"), contest.Contestant{
				Name: "the ring alone, C", Lang: "C", Role: contest.Floor, Program: "alloc-none", Mode: "handover", Note: "the same memory goes round",
			})...),
		},
		{
			ID: "alloc-parallel", Group: group, Title: "Allocate and free, on all processors",
			About:   "The first discipline on as many threads as there are processors, or goroutines as GOMAXPROCS says. The time is of one round on one of them.",
			Metrics: []contest.Metric{contest.Time},
			Contestants: append([]contest.Contestant{
				contestant("framearena, a cache for each", contest.Ours, openCaches, parallel, ""),
				contestant("framearena, a cache for each, class known", contest.Ours, openPlaced, parallel, "as package coro does"),
				contestant("framearena, any goroutine", contest.Ours, openArena, parallel, ""),
			}, append(goAllocators(parallel), native("parallel")...)...),
		},
	}
}

// measure is an operation on the allocators of a source.
type measure struct {
	unit int // the parts of an operation: n is a multiple of it
	do   func(s source, n int) error
}

// goAllocators returns the peers in Go that free each piece.
func goAllocators(m measure) []contest.Contestant {
	return []contest.Contestant{
		contestant("sync.Pool", contest.Peer, openSyncPool, m, ""),
		contestant("new", contest.Peer, openNew, m, "memory is dropped, and the collector's part is in the time"),
		contestant("make", contest.Peer, openMake, m, "the size is not known to the compiler"),
		contestant("buffered channel", contest.Peer, openChannel, m, "with room for 2048 free frames; new when it is empty"),
		contestant("slice and mutex", contest.Peer, openMutex, m, ""),
		contestant("modernc.org/memory", contest.Peer, openModernc, m, "for one goroutine; off the heap"),
		contestant("bytedance/gopkg mcache", contest.Peer, openMcache, m, ""),
		contestant("libp2p/go-buffer-pool", contest.Peer, openBufferPool, m, ""),
		contestant("malloc through cgo", contest.Peer, openCgo, m, "off the heap; what packages do that get memory from C"),
	}
}

// native returns the peers in C.
func native(mode string) (all []contest.Contestant) {
	for _, name := range []string{"glibc", "jemalloc", "tcmalloc", "mimalloc"} {
		all = append(all, contest.Contestant{Name: "C, " + name, Lang: "C", Role: contest.Peer, Program: "alloc-" + name, Mode: mode})
	}
	return all
}

func contestant(name string, role contest.Role, open func() (source, error), m measure, note string) contest.Contestant {
	return contest.Contestant{
		Name: name, Lang: "Go", Role: role, Note: note,
		Sample: contest.Timed(m.unit, func() (contest.Runner, error) {
			s, err := open()
			if err != nil {
				return contest.Runner{}, err
			}
			return contest.Runner{
				Do:    func(n int) error { return m.do(s, n*m.unit) },
				Close: s.close,
			}, nil
		}),
	}
}

var (
	pairs     = measure{1, pairsOf}
	batches   = measure{1000, batchesOf}
	handovers = measure{len(new(ring).slots), handoversOf}
	parallel  = measure{1, parallelOf}
)

func pairsOf(s source, n int) error {
	return with(s, func(a allocator) error {
		return contest.Check("the sum", a.pair(n), below(n))
	})
}

func batchesOf(s source, n int) error {
	return with(s, func(a allocator) error {
		frames := make([]unsafe.Pointer, 1000)
		var sum uint64
		for at := 0; at < n; at += len(frames) {
			a.get(frames, uint64(at))
			sum += a.put(frames)
		}
		return contest.Check("the sum", sum, below(n))
	})
}

func handoversOf(s source, n int) error {
	r := new(ring)
	var sum uint64
	var sent error
	var sending sync.WaitGroup
	sending.Go(func() {
		sent = with(s, func(a allocator) error { r.send(n, a.get); return nil })
	})
	received := with(s, func(a allocator) error { sum = r.receive(n, a.put); return nil })
	sending.Wait()
	return errors.Join(sent, received, contest.Check("the sum", sum, below(n)))
}

func parallelOf(s source, n int) error {
	errs := make([]error, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = pairsOf(s, n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// with calls f with an allocator of s, and closes the allocator.
func with(s source, f func(allocator) error) error {
	a := s.open()
	if err := f(a); err != nil {
		return err
	}
	if a.close != nil {
		return a.close()
	}
	return nil
}

// openNothing opens an allocator that allocates nothing: the same frames go round.
func openNothing() (source, error) {
	// There are more frames than slots in the ring, so no frame is written while it is in
	// the ring.
	rounds := new([2048]frame)
	return shared{allocator{
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				at := from + uint64(i)
				p := unsafe.Pointer(&rounds[at%uint64(len(rounds))])
				*number(p) = at
				frames[i] = p
			}
		},
		put: sumOf,
	}}, nil
}
