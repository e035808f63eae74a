package arena

import (
	"fmt"
	"time"

	"github.com/framearena/framearena/slab"
)

// Option is an option of [New]. The functions of this package whose names begin with With
// return them.
type Option interface{ apply(*options) error }

// optionFunc is an Option that is a function. The error wraps ErrInvalidOption.
type optionFunc func(*options) error

func (f optionFunc) apply(o *options) error { return f(o) }

type options struct {
	maxBytes   uintptr
	slab       slab.Config
	checked    bool
	quarantine uintptr
	trimEvery  time.Duration
	trimKeep   uintptr
}

// applyAll applies opts in order. The error wraps ErrInvalidOption.
func (o *options) applyAll(opts []Option) error {
	for _, opt := range opts {
		if opt == nil {
			return fmt.Errorf("%w: New was called with a nil Option: leave it out", ErrInvalidOption)
		}
		if err := opt.apply(o); err != nil {
			return err
		}
	}
	return nil
}

// WithMaxBytes limits the memory that the arena takes from the system to n bytes: slabs of
// 2 MiB, and mappings of their own for frames over 64 KiB. At the limit, Allocate returns
// nil. n must be at least one slab.
func WithMaxBytes(n uintptr) Option {
	return optionFunc(func(o *options) error {
		if n < slab.Size {
			return fmt.Errorf("%w: WithMaxBytes(%d): less than one slab of %d bytes", ErrInvalidOption, n, slab.Size)
		}
		o.maxBytes = n
		return nil
	})
}

// WithChecks turns on checked mode. It finds misuse of frames and reports it by a panic
// that says where the frame was allocated and freed:
//
//   - a frame is freed twice;
//   - a frame is freed with another size than it was allocated with;
//   - something is freed that is no frame;
//   - a program wrote beyond the size that it asked for, which is found when the frame is
//     freed;
//   - a program wrote to a frame after it was freed, which is found when the frame is
//     allocated again, and in Trim, Validate and Close.
//
// Leaks are found in Close. Freed frames wait in a quarantine of about the given size in
// bytes before they are used again; 0 means 1 MiB.
//
// A checked arena takes a lock and microseconds for each operation, and at least 16 bytes
// more for each frame. It is for tests. The build tag framecheck turns checked mode on for
// all arenas.
func WithChecks(quarantine uintptr) Option {
	return optionFunc(func(o *options) error {
		o.checked, o.quarantine = true, quarantine
		return nil
	})
}

// WithBackgroundTrim makes the arena call [Arena.Trim] with keep at intervals of every, on
// a goroutine that ends in Close. It skips the call if there are no more than keep bytes of
// free frames. every must be positive.
func WithBackgroundTrim(every time.Duration, keep uintptr) Option {
	return optionFunc(func(o *options) error {
		if every <= 0 {
			return fmt.Errorf("%w: WithBackgroundTrim(%v, …): not an interval", ErrInvalidOption, every)
		}
		o.trimEvery, o.trimKeep = every, keep
		return nil
	})
}

// WithHugePages asks the system to back slabs with huge pages of 2 MiB, where it can. The
// address translation cache then misses less often, but memory comes and goes 2 MiB at a
// time: a class that is hardly used costs a whole slab.
func WithHugePages() Option {
	return optionFunc(func(o *options) error {
		o.slab.HugePages = true
		return nil
	})
}

// WithPrefault makes the system back a slab with memory when the slab is taken into use,
// instead of page by page when frames are first written. There are fewer page faults in the
// middle of work, but the memory may never be used.
func WithPrefault() Option {
	return optionFunc(func(o *options) error {
		o.slab.Prefault = true
		return nil
	})
}

// WithRegionBytes sets how much address space is reserved at a time: n bytes, from 1 to 1
// TiB, rounded up to slabs of 2 MiB. The default is 64 MiB, and 16 MiB on 32-bit machines.
// Reserved address space takes no memory, except for a descriptor of some 64 bytes a slab.
func WithRegionBytes(n uintptr) Option {
	return optionFunc(func(o *options) error {
		if n == 0 || uint64(n) > 1<<40 {
			return fmt.Errorf("%w: WithRegionBytes(%d): must be from 1 to 1 TiB", ErrInvalidOption, n)
		}
		o.slab.RegionBytes = n
		return nil
	})
}
