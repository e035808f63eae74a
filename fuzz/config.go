package fuzz

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
)

// config is what the options of one call add up to. It is immutable once newConfig,
// withDefault and shorten have returned, so the goroutines of Stress read it without a lock.
type config struct {
	promised bool // an Option was given, so a printed test has to name it

	align      func(size uintptr) uintptr
	zeroed     bool
	maxSize    uintptr
	limited    bool // the allocator refuses more than maxSize
	budget     uintptr
	budgeted   bool
	cost       func(size uintptr) uintptr // of one frame, in bytes of the budget and of liveBytes
	mayRefuse  bool
	recycles   bool
	recycled   uintptr // the largest size that the allocator recycles
	slack      int
	concurrent bool

	// What the allocator has besides its two methods. A function is nil if the allocator
	// has no such thing.
	liveFrames func(arena.FrameAllocator) int
	liveBytes  func(arena.FrameAllocator) uintptr
	refuse     func(arena.FrameAllocator, bool)
	trim       func(arena.FrameAllocator)
	openCache  func(arena.FrameAllocator) (arena.FrameAllocator, func())
	validate   func(arena.FrameAllocator) error

	operations int // 0 until withDefault, if there is no option
	goroutines int
	seed       uint64

	reduceTime   time.Duration // for making a failing program smaller
	programTime  time.Duration // within which each program ends
	alwaysLedger bool          // Stress keeps its ledger in every round, even under -race
}

const (
	defaultMaxSize    = 256 << 10
	defaultOperations = 350_000 // of Check
	defaultStress     = 20_000
	defaultGoroutines = 8

	// maxProgramTime is far more than a program takes under the race detector on a busy
	// machine.
	maxProgramTime = time.Minute
)

// newConfig returns the defaults with the options applied. It panics if an option is nil or
// its argument makes no sense.
func newConfig[O StressOption](opts ...O) *config {
	c := &config{
		align:       func(uintptr) uintptr { return 16 },
		cost:        func(size uintptr) uintptr { return size },
		maxSize:     defaultMaxSize,
		goroutines:  defaultGoroutines,
		seed:        1,
		reduceTime:  maxReduceTime,
		programTime: maxProgramTime,
	}
	for _, o := range opts {
		if any(o) == nil {
			panic("fuzz: an option is nil: leave it out")
		}
		o.apply(c)
	}
	return c
}

// withDefault sets the number of operations, if no option has.
func (c *config) withDefault(operations int) {
	if c.operations == 0 {
		c.operations = operations
	}
}

// shorten makes Check and Stress do a quarter of the operations if go test runs with
// -short. Programs that are no tests, and pass a testing.TB of their own, have no such
// flag.
func (c *config) shorten() {
	if testing.Testing() && flag.Parsed() && testing.Short() {
		c.operations = max(1, c.operations/4)
	}
}

// as converts an allocator to the type that an option's function takes. It panics if the
// allocator has another type.
func as[A arena.FrameAllocator](m arena.FrameAllocator) A {
	a, ok := m.(A)
	if !ok {
		var want A
		panic(fmt.Sprintf("fuzz: an option is for an allocator of type %T, and the constructor returned a %T: write the option for that", want, m))
	}
	return a
}
