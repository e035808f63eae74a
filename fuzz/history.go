package fuzz

import "math/rand/v2"

// Histories are long programs with many live frames. They find faults that show only when a
// table is full, a counter wraps, memory is fragmented, or a size is none that the programs
// of bytes have: those are bounded by maxOperations and maxLive, and their sizes are around
// powers of two. [Operations] says how long histories are.

const (
	// shortOperations is how many operations Check does at least with programs of bytes before
	// it begins with histories.
	shortOperations = 20_000

	// maxHistoryLive bounds the live frames of a history.
	maxHistoryLive = 1 << 16

	// maxHistoryBytes bounds what a history allocates: an allocator may reuse nothing.
	maxHistoryBytes = 48 << 20
)

// histories are the plans for histories, each with its share of the operations in hundredths.
// A counter of 16 bits wraps in the last one, if there are as many operations as by default.
var histories = []struct {
	share int
	plan  func(h *history)
}{
	{10, func(h *history) { h.mixed(4 << 10) }},
	{5, func(h *history) { h.mixed(defaultMaxSize) }},
	{10, func(h *history) { h.mixed(64) }},
	{20, (*history).many},
	{55, (*history).churn},
}

// history generates one program. It belongs to one goroutine.
type history struct {
	c       *config
	random  *rand.Rand
	most    int // operations that the program has room for
	program Program

	// live[first:] are the allocations of the live frames. The oldest is at first, unless
	// frames were freed in random order.
	live  []Op
	first int

	bytes  uintptr // of the live frames
	cost   uintptr // of the live frames, if there is a budget
	total  uintptr // bytes of all frames so far
	frames int     // number of the newest frame
	caches int     // that are open, with numbers from 1
}

// history returns the n-th history, of at most the given number of operations.
func (c *config) history(random *rand.Rand, n, operations int) Program {
	h := &history{c: c, random: random, most: operations}
	if c.openCache != nil && n%2 == 1 {
		for h.caches < 2 {
			h.caches++
			h.emit(Op{Do: OpenCache, Cache: h.caches})
		}
	}
	histories[n%len(histories)].plan(h)
	return h.program
}

// order is the order in which frames are freed.
type order int

const (
	oldestFirst order = iota
	newestFirst
	anyOrder
	orders
)

func (h *history) emit(op Op) { h.program = append(h.program, op) }

// full reports whether the program has all operations that it has room for.
func (h *history) full() bool { return len(h.program) >= h.most }

func (h *history) nlive() int { return len(h.live) - h.first }

// cache returns the number of a cache to go through, or 0 for the allocator.
func (h *history) cache() int { return h.random.IntN(h.caches + 1) }

// allocate emits an allocation. It reports false, and emits nothing, if that would exceed a
// bound, or the budget.
func (h *history) allocate(size uintptr) bool {
	cost := h.c.cost(size)
	if h.full() || h.nlive() >= maxHistoryLive || h.bytes+size > maxLiveBytes || h.total+size > maxHistoryBytes ||
		h.c.budgeted && h.cost+cost > h.c.budget {
		return false
	}
	h.frames++
	op := Op{Do: Allocate, Frame: h.frames, Size: size, Cache: h.cache()}
	h.emit(op)
	h.live = append(h.live, op)
	h.bytes += size
	h.total += size
	h.cost += cost
	return true
}

// free emits the end of a live frame, if there is one.
func (h *history) free(o order) {
	n := h.nlive()
	if n == 0 || h.full() {
		return
	}
	last := len(h.live) - 1
	var op Op
	switch o {
	case oldestFirst:
		op = h.live[h.first]
		h.first++
	case newestFirst:
		op = h.live[last]
		h.live = h.live[:last]
	default:
		i := h.first + h.random.IntN(n)
		op = h.live[i]
		h.live[i] = h.live[last]
		h.live = h.live[:last]
	}
	code := Free
	if h.random.IntN(64) == 0 {
		code = FreeElsewhere
	}
	h.emit(Op{Do: code, Frame: op.Frame, Cache: h.cache()})
	h.bytes -= op.Size
	h.cost -= h.c.cost(op.Size)
}

// freeDown frees frames until n are live.
func (h *history) freeDown(n int, o order) {
	for h.nlive() > n && !h.full() {
		h.free(o)
	}
}

// fillUp allocates frames of one size until n are live, or there is no room for more.
func (h *history) fillUp(n int, size uintptr) {
	for h.nlive() < n && h.allocate(size) {
	}
}

// churn has few live frames of one size, and frees and allocates them again as often as it
// can, a few at a time. At the end it has more live frames than ever before, so that a free
// list is used down to its last entry.
func (h *history) churn() {
	const (
		few      = 40
		atTheEnd = 250
	)
	size := min(1+uintptr(h.random.Uint64N(64)), h.c.maxSize)
	for h.fillUp(few, size); h.nlive() > 0 && len(h.program) < h.most-2*atTheEnd; h.fillUp(few, size) {
		h.total = 0 // few are live: what the allocator does not use again is small
		o := oldestFirst
		if len(h.program)%1024 < 512 {
			o = anyOrder
		}
		h.freeDown(h.nlive()-1-h.random.IntN(min(24, h.nlive())), o)
	}
	h.fillUp(atTheEnd, size)
	h.freeDown(0, newestFirst)
}

// many has as many live frames of one size as it can, and frees them in every order. The
// same number must find room afterwards.
func (h *history) many() {
	size := min(1+uintptr(h.random.Uint64N(256)), h.c.maxSize)
	n := h.most / 5
	h.fillUp(n, size)
	n = h.nlive()
	h.emit(Op{Do: Collect})
	h.freeDown(n/2, anyOrder)
	h.fillUp(n, size)
	h.freeDown(0, oldestFirst)
	h.fillUp(n, size)
	h.emit(Op{Do: Collect})
	h.freeDown(n/2, newestFirst)
	h.fillUp(n, size)
	h.freeDown(0, anyOrder)
}

// mixed has frames of many sizes up to largest. Bursts of allocations and of frees, each in
// an order of its own, follow one another; the memory becomes fragmented.
func (h *history) mixed(largest uintptr) {
	largest = min(largest, h.c.maxSize)
	for bursts := 1; bursts < h.most && !h.full() && h.total+largest <= maxHistoryBytes; bursts++ {
		n := 1 + h.random.IntN(200)
		if h.random.IntN(9) == 0 {
			h.freeDown(h.nlive()/8, order(h.random.IntN(int(orders))))
		}
		for range n {
			if !h.allocate(h.size(largest)) {
				break
			}
		}
		before := h.nlive()
		h.freeDown(before-h.random.IntN(min(n+n/4, before)+1), order(h.random.IntN(int(orders))))
		if before > 0 && h.nlive() == before && !h.full() { // no room, and nothing was freed
			h.free(anyOrder)
		}
		switch {
		case bursts%40 == 20:
			h.emit(Op{Do: Collect})
		case bursts%40 == 30 && h.c.trim != nil:
			h.emit(Op{Do: Trim})
		}
	}
}

// size returns a size up to largest: any, or one that is about a multiple of a power of two.
func (h *history) size(largest uintptr) uintptr {
	size := 1 + uintptr(h.random.Uint64N(uint64(largest)))
	if h.random.IntN(2) == 0 {
		unit := uintptr(1) << h.random.IntN(14)
		size = size&^(unit-1) + uintptr(h.random.IntN(3)) - 1
	}
	if size == 0 || size > largest {
		return largest
	}
	return size
}
