package fuzz

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
)

// Option says what an allocator promises, or how it is tested. What is not promised is
// not tested, except for what every [arena.FrameAllocator] must do.
type Option func(*config)

type config struct {
	align      func(size uintptr) uintptr
	zeroed     bool
	maxSize    uintptr
	limited    bool // maxSize is the allocator's, and more is refused
	budget     uintptr
	budgeted   bool
	cost       func(size uintptr) uintptr // of the budget and of liveBytes
	mayRefuse  bool
	recycles   bool
	recycled   uintptr // sizes up to this
	slack      int
	concurrent bool

	// What the allocator has beside the two methods; nil if it has not.
	liveFrames func(arena.FrameAllocator) int
	liveBytes  func(arena.FrameAllocator) uintptr
	refuse     func(arena.FrameAllocator, bool)
	trim       func(arena.FrameAllocator)
	openCache  func(arena.FrameAllocator) (arena.FrameAllocator, func())
	validate   func(arena.FrameAllocator) error

	operations int
	goroutines int
	seed       uint64

	patience time.Duration // for reducing a failure
	stuck    time.Duration // within which each program ends
	watched  bool          // Stress keeps its ledger in all rounds, also for the race detector
}

const (
	defaultMaxSize    = 256 << 10
	defaultOperations = 20_000
	defaultGoroutines = 8

	// maxProgramTime is far more than a program takes under the race detector on a
	// machine that has other things to do.
	maxProgramTime = time.Minute
)

func newConfig(opts []Option) *config {
	c := &config{
		align:      func(uintptr) uintptr { return 16 },
		cost:       func(size uintptr) uintptr { return size },
		maxSize:    defaultMaxSize,
		operations: defaultOperations,
		goroutines: defaultGoroutines,
		seed:       1,
		patience:   maxReduceTime,
		stuck:      maxProgramTime,
	}
	for _, o := range opts {
		o(c)
	}
	return c
}

// shorten makes Check and Stress do less with -short, which only tests have. Programs may call
// them too, with a testing.TB of their own.
func (c *config) shorten() {
	if testing.Testing() && flag.Parsed() && testing.Short() {
		c.operations /= 4
	}
}

// as returns the allocator as what an option's function takes.
func as[A arena.FrameAllocator](m arena.FrameAllocator) A {
	a, ok := m.(A)
	if !ok {
		var want A
		panic(fmt.Sprintf("fuzz: an option is for an allocator of type %T, and the constructor returned a %T: write the option for that", want, m))
	}
	return a
}

// Align promises that each frame is aligned to n bytes, a power of two. Without it
// 16 is expected, as of every FrameAllocator.
func Align(n uintptr) Option { return AlignFor(func(uintptr) uintptr { return n }) }

// AlignFor promises an alignment that depends on the size, as that of an Arena does.
func AlignFor(align func(size uintptr) uintptr) Option {
	return func(c *config) { c.align = align }
}

// Zeroed promises that all bytes of a new frame are zero.
func Zeroed() Option { return func(c *config) { c.zeroed = true } }

// MaxSize promises that sizes up to n are served, and larger ones refused. Without it
// sizes up to 256 KiB are asked for, and some that no machine has.
func MaxSize(n uintptr) Option {
	return func(c *config) { c.maxSize, c.limited = n, true }
}

// Sizes makes programs ask for up to n bytes a frame, and says nothing about more.
func Sizes(n uintptr) Option { return func(c *config) { c.maxSize = n } }

// Budget promises that a request is refused if and only if the live frames would then
// take more than n bytes. cost is what a frame takes; nil is its size as asked for.
func Budget(n uintptr, cost func(size uintptr) uintptr) Option {
	return func(c *config) {
		c.budget, c.budgeted = n, true
		if cost != nil {
			c.cost = cost
		}
	}
}

// MayRefuse says that any request may be refused as long as a frame is live: for an
// allocator that has a limit of its own, but not one that can be foreseen exactly.
func MayRefuse() Option { return func(c *config) { c.mayRefuse = true } }

// Recycles promises that freed frames of up to maxSize bytes are used again: as long as
// all frames are of one size, no more of them than the most that were ever live, plus
// slack, have different addresses. Frames that another processor's list or a quarantine
// may hold are slack.
func Recycles(maxSize uintptr, slack int) Option {
	return func(c *config) { c.recycles, c.recycled, c.slack = true, maxSize, slack }
}

// Concurrent says that any number of goroutines may use the allocator at once, and call
// the functions of [Trims] and [Caches].
func Concurrent() Option { return func(c *config) { c.concurrent = true } }

// LiveFrames promises that live returns the exact number of live frames, when nobody is
// inside one of the allocator's methods. Frames of size 0 are counted like others.
func LiveFrames[A arena.FrameAllocator](live func(A) int) Option {
	return func(c *config) {
		c.liveFrames = func(m arena.FrameAllocator) int { return live(as[A](m)) }
	}
}

// LiveBytes promises that live returns exactly what the live frames take. cost is what
// one takes; nil is its size as asked for.
func LiveBytes[A arena.FrameAllocator](live func(A) uintptr, cost func(size uintptr) uintptr) Option {
	return func(c *config) {
		c.liveBytes = func(m arena.FrameAllocator) uintptr { return live(as[A](m)) }
		if cost != nil {
			c.cost = cost
		}
	}
}

// Refusals gives the kit a switch: after refuse(a, true) the allocator gets no memory
// from where it gets it, until refuse(a, false). Meanwhile requests may be refused; live
// frames must not suffer, and afterwards all must be as before. An allocator that takes
// its memory from a [Memory] needs no switch.
func Refusals[A arena.FrameAllocator](refuse func(a A, on bool)) Option {
	return func(c *config) {
		c.refuse = func(m arena.FrameAllocator, on bool) { refuse(as[A](m), on) }
	}
}

// Trims has trim called between operations: it gives memory of free frames back.
func Trims[A arena.FrameAllocator](trim func(A)) Option {
	return func(c *config) {
		c.trim = func(m arena.FrameAllocator) { trim(as[A](m)) }
	}
}

// Caches says that open returns another way to the allocator's frames, for one
// goroutine at a time, and a function that ends it. A frame may be freed through the
// allocator or any of its caches, wherever it came from.
func Caches[A arena.FrameAllocator](open func(A) (cache arena.FrameAllocator, closeCache func())) Option {
	return func(c *config) {
		c.openCache = func(m arena.FrameAllocator) (arena.FrameAllocator, func()) { return open(as[A](m)) }
	}
}

// Validates has validate called when the allocator is at rest: now and then, and at the
// end. An error is a failure.
func Validates[A arena.FrameAllocator](validate func(A) error) Option {
	return func(c *config) {
		c.validate = func(m arena.FrameAllocator) error { return validate(as[A](m)) }
	}
}

// Operations sets how many operations Check and Stress do at least: 20,000 if it is not
// given, and a quarter of them with -short.
func Operations(n int) Option { return func(c *config) { c.operations = n } }

// Goroutines sets how many goroutines Stress starts: 8 if it is not given.
func Goroutines(n int) Option { return func(c *config) { c.goroutines = n } }

// Seed makes Check and Stress do other operations; it is 1 if it is not given.
func Seed(n uint64) Option { return func(c *config) { c.seed = n } }
