package arena

import (
	"fmt"
	"time"

	"github.com/framearena/framearena/slab"
)

// Option changes what [New] makes.
type Option func(*options) error

type options struct {
	maxBytes   uintptr
	slab       slab.Config
	checked    bool
	quarantine uintptr
	trimEvery  time.Duration
	trimKeep   uintptr
}

// WithMaxBytes limits the memory that the arena takes from the system, in bytes:
// slabs of 2 MiB and, for frames over 64 KiB, mappings of their own. When the
// limit is reached, Allocate returns nil. The least limit is one slab.
func WithMaxBytes(n uintptr) Option {
	return func(o *options) error {
		if n < slab.Size {
			return fmt.Errorf("%w: WithMaxBytes(%d): less than one slab of %d bytes", ErrInvalidOption, n, slab.Size)
		}
		o.maxBytes = n
		return nil
	}
}

// WithChecks turns on checked mode, which finds misuse of frames and reports it by
// a panic that says where the frame was allocated and freed: a frame freed twice,
// freed with another size than it was asked for, or not a frame at all; writing
// beyond the size that was asked for; writing to a frame after it was freed. Freed
// frames wait in a quarantine of about the given size in bytes before they are used
// again; 0 means 1 MiB. Writing after free is found when a frame leaves the free
// list, in Trim, in Validate and in Close; leaks are found in Close.
//
// A checked arena takes microseconds and a lock for each operation, and up to 16
// bytes more for each frame. It is for tests. The build tag framecheck turns it on
// for all arenas.
func WithChecks(quarantine uintptr) Option {
	return func(o *options) error {
		o.checked, o.quarantine = true, quarantine
		return nil
	}
}

// WithBackgroundTrim makes the arena call [Arena.Trim] with keep at intervals of
// every, if there are more than keep bytes of free frames, on a goroutine that ends
// in Close.
func WithBackgroundTrim(every time.Duration, keep uintptr) Option {
	return func(o *options) error {
		if every <= 0 {
			return fmt.Errorf("%w: WithBackgroundTrim(%v, …): not an interval", ErrInvalidOption, every)
		}
		o.trimEvery, o.trimKeep = every, keep
		return nil
	}
}

// WithHugePages asks the system to back slabs with huge pages of 2 MiB, where it
// can. Fewer misses of the address translation cache then, but memory comes and
// goes 2 MiB at a time: a class that is hardly used costs a whole slab.
func WithHugePages() Option {
	return func(o *options) error {
		o.slab.HugePages = true
		return nil
	}
}

// WithPrefault makes the system back a slab with memory when it is taken into use,
// not page by page when frames are first written: fewer page faults in the middle
// of work, for memory that may never be used.
func WithPrefault() Option {
	return func(o *options) error {
		o.slab.Prefault = true
		return nil
	}
}

// WithRegionBytes sets how much address space is reserved at a time, in bytes,
// rounded up to slabs of 2 MiB. The default is 64 MiB, and 16 MiB on 32-bit
// machines. What is reserved takes no memory but a descriptor of some 64 bytes a
// slab. The most is 1 TiB.
func WithRegionBytes(n uintptr) Option {
	return func(o *options) error {
		if n == 0 || uint64(n) > 1<<40 {
			return fmt.Errorf("%w: WithRegionBytes(%d): must be from 1 to 1 TiB", ErrInvalidOption, n)
		}
		o.slab.RegionBytes = n
		return nil
	}
}
