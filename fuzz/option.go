package fuzz

import (
	"fmt"

	"github.com/framearena/framearena/arena"
)

// The options form three groups, one inside the other: each call takes those that it can
// use, and no others compile.
type (
	// StressOption is an option that [Stress] takes.
	StressOption interface{ apply(*config) }

	// CheckOption is an option that [Check] and [Stress] take.
	CheckOption interface {
		StressOption
		forCheck()
	}

	// Option is an option that every call takes: [Check], [Fuzz], [Replay] and [Stress].
	// Most are promises of the allocator. The kit tests what an allocator promises, and
	// what every [arena.FrameAllocator] must do; nothing else.
	Option interface {
		CheckOption
		forAll()
	}
)

// Promises is a list of options, and is itself an option. With it a test file states once
// what an allocator promises, and passes it to each call:
//
//	var promises = fuzz.Promises{fuzz.Zeroed(), fuzz.Concurrent()}
//
//	func TestMine(t *testing.T)     { fuzz.Check(t, newMine, promises) }
//	func TestMineBusy(t *testing.T) { fuzz.Stress(t, newMine, promises, fuzz.Goroutines(16)) }
type Promises []Option

func (p Promises) apply(c *config) {
	for _, o := range p {
		if o == nil {
			panic("fuzz: an option is nil: leave it out")
		}
		o.apply(c)
	}
}

func (Promises) forCheck() {}
func (Promises) forAll()   {}

// These are options that are functions, one type for each of the three interfaces.
type (
	stressOptionFunc func(*config)
	checkOptionFunc  func(*config)
	optionFunc       func(*config)
)

func (o stressOptionFunc) apply(c *config) { o(c) }
func (o checkOptionFunc) apply(c *config)  { o(c) }
func (checkOptionFunc) forCheck()          {}

func (o optionFunc) apply(c *config) {
	c.promised = true
	o(c)
}
func (optionFunc) forCheck() {}
func (optionFunc) forAll()   {}

// must panics with the sentence that says what is wrong with an option's argument, unless ok.
func must(ok bool, format string, args ...any) {
	if !ok {
		panic("fuzz: " + fmt.Sprintf(format, args...))
	}
}

// isPowerOfTwo reports whether n is 1, 2, 4 and so on.
func isPowerOfTwo(n uintptr) bool { return n != 0 && n&(n-1) == 0 }

// maxAskedSize is the largest size that options name: no machine has more memory.
const maxAskedSize = ^uintptr(0) >> 1

// maxGoroutines is less than the race detector can follow.
const maxGoroutines = 4096

// Align promises that each frame is aligned to n bytes, a power of two. Without this
// option the kit expects 16, as of every FrameAllocator.
func Align(n uintptr) Option {
	return optionFunc(func(c *config) {
		must(isPowerOfTwo(n), "Align(%d): an alignment is a power of two", n)
		c.align = func(uintptr) uintptr { return n }
	})
}

// AlignFor promises an alignment that depends on the size, as an Arena's does. align
// returns the alignment of a frame of size bytes, a power of two.
func AlignFor(align func(size uintptr) uintptr) Option {
	return optionFunc(func(c *config) {
		must(align != nil, "AlignFor(nil): pass the function that returns the alignment of a size")
		c.align = func(size uintptr) uintptr {
			n := align(size)
			must(isPowerOfTwo(n), "the function of AlignFor returned %d for frames of %d bytes: an alignment is a power of two", n, size)
			return n
		}
	})
}

// Zeroed promises that all bytes of a new frame are zero.
func Zeroed() Option { return optionFunc(func(c *config) { c.zeroed = true }) }

// mustBeSize panics unless programs can ask for frames of up to n bytes.
func mustBeSize(option string, n uintptr) {
	must(n > 0 && n <= maxAskedSize, "%s(%d): the largest size must be at least 1 byte, or no frame has contents to test, and no more than a machine can have", option, n)
}

// MaxSize promises that the allocator serves sizes up to n bytes and refuses larger ones.
// Without this option programs ask for up to 256 KiB, and for some sizes that no machine
// has.
func MaxSize(n uintptr) Option {
	return optionFunc(func(c *config) {
		mustBeSize("MaxSize", n)
		c.maxSize, c.limited = n, true
	})
}

// Sizes limits programs to frames of up to n bytes. It promises nothing about larger ones.
func Sizes(n uintptr) Option {
	return optionFunc(func(c *config) {
		mustBeSize("Sizes", n)
		c.maxSize = n
	})
}

// Budget promises that the allocator refuses a request if and only if the live frames
// would take more than n bytes with it. cost returns how many bytes of the budget a frame
// takes; a nil cost stands for the size that was asked for.
func Budget(n uintptr, cost func(size uintptr) uintptr) Option {
	return optionFunc(func(c *config) {
		must(n > 0, "Budget(0, …): an allocator that refuses everything has nothing to test")
		c.budget, c.budgeted = n, true
		if cost != nil {
			c.cost = cost
		}
	})
}

// MayRefuse allows refusals of any request while a frame is live. It is for an allocator
// whose limit cannot be computed exactly from outside.
func MayRefuse() Option { return optionFunc(func(c *config) { c.mayRefuse = true }) }

// Recycles promises that the allocator uses freed frames of up to maxSize bytes again.
// While all frames have one size, the number of different addresses is at most the peak
// number of live frames plus slack. slack allows for free frames that the allocator cannot
// reach at once, such as those in another processor's list or in a quarantine.
func Recycles(maxSize uintptr, slack int) Option {
	return optionFunc(func(c *config) {
		must(maxSize > 0, "Recycles(0, …): frames of no bytes are not recycled: pass the largest size that is")
		must(slack >= 0, "Recycles(…, %d): the number of frames that are out of reach cannot be negative", slack)
		c.recycles, c.recycled, c.slack = true, maxSize, slack
	})
}

// Concurrent promises that any number of goroutines may use the allocator at once, and may
// call the functions of [Trims] and [Caches] meanwhile. [Stress] requires it.
func Concurrent() Option { return optionFunc(func(c *config) { c.concurrent = true }) }

// LiveFrames promises that live returns the exact number of live frames whenever no
// goroutine is inside a method of the allocator. Frames of size 0 count too.
func LiveFrames[A arena.FrameAllocator](live func(A) int) Option {
	return optionFunc(func(c *config) {
		must(live != nil, "LiveFrames without a function: leave the option out")
		c.liveFrames = func(m arena.FrameAllocator) int { return live(as[A](m)) }
	})
}

// LiveBytes promises that live returns exactly how many bytes the live frames take,
// whenever no goroutine is inside a method of the allocator. cost returns what one frame
// takes; a nil cost stands for the size that was asked for.
func LiveBytes[A arena.FrameAllocator](live func(A) uintptr, cost func(size uintptr) uintptr) Option {
	return optionFunc(func(c *config) {
		must(live != nil, "LiveBytes without a function: leave the option out")
		c.liveBytes = func(m arena.FrameAllocator) uintptr { return live(as[A](m)) }
		if cost != nil {
			c.cost = cost
		}
	})
}

// Refusals gives the kit a switch: after refuse(a, true) the allocator gets no memory from
// its source, until refuse(a, false). In between it may refuse requests, but live frames
// must keep their contents, and afterwards the allocator must work as before. An allocator
// that takes its memory from a [Memory] needs no switch.
func Refusals[A arena.FrameAllocator](refuse func(a A, on bool)) Option {
	return optionFunc(func(c *config) {
		must(refuse != nil, "Refusals without a function: leave the option out")
		c.refuse = func(m arena.FrameAllocator, on bool) { refuse(as[A](m), on) }
	})
}

// Trims names a function that gives the memory of free frames back. Programs call it
// between operations; Stress calls it at any time.
func Trims[A arena.FrameAllocator](trim func(A)) Option {
	return optionFunc(func(c *config) {
		must(trim != nil, "Trims without a function: leave the option out")
		c.trim = func(m arena.FrameAllocator) { trim(as[A](m)) }
	})
}

// Caches names a function that opens a cache: a second way to the allocator's frames, for
// one goroutine at a time. open returns the cache and a function that closes it. A frame
// may be freed through the allocator or any of its caches, wherever it was allocated.
func Caches[A arena.FrameAllocator](open func(A) (cache arena.FrameAllocator, closeCache func())) Option {
	return optionFunc(func(c *config) {
		must(open != nil, "Caches without a function: leave the option out")
		c.openCache = func(m arena.FrameAllocator) (arena.FrameAllocator, func()) { return open(as[A](m)) }
	})
}

// Validates names a function that validates the allocator. The kit calls it at the end of
// each program and between the rounds of Stress, when no goroutine uses the allocator. An
// error of validate is a failure.
func Validates[A arena.FrameAllocator](validate func(A) error) Option {
	return optionFunc(func(c *config) {
		must(validate != nil, "Validates without a function: leave the option out")
		c.validate = func(m arena.FrameAllocator) error { return validate(as[A](m)) }
	})
}

// Operations sets the least number of operations that Check and Stress do. The default is
// 350,000 for Check, which takes a second or two, and 20,000 for Stress. With -short they do a
// quarter. The short programs of Check are some 60,000 operations; the rest is for long ones,
// so with more operations there are more live frames and longer histories.
func Operations(n int) CheckOption {
	return checkOptionFunc(func(c *config) {
		must(n > 0, "Operations(%d): at least one operation must be done, or nothing is tested", n)
		c.operations = n
	})
}

// Goroutines sets how many goroutines Stress starts, from 1 to 4,096. The default is 8.
func Goroutines(n int) StressOption {
	return stressOptionFunc(func(c *config) {
		must(n > 0 && n <= maxGoroutines, "Goroutines(%d): must be from 1, or nothing is tested, to %d", n, maxGoroutines)
		c.goroutines = n
	})
}

// Seed selects the random operations of Check and Stress. The default is 1.
func Seed(n uint64) CheckOption { return checkOptionFunc(func(c *config) { c.seed = n }) }
