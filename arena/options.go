package arena

import (
	"fmt"

	"github.com/framearena/framearena/slab"
)

// Option changes what [New] makes.
type Option func(*options) error

type options struct {
	maxBytes uintptr
	slab     slab.Config
}

// WithMaxBytes limits the memory that the arena takes from the system, in bytes:
// slabs of 2 MiB and, for frames over 64 KiB, mappings of their own. When the
// limit is reached, Allocate returns nil. The least limit is one slab.
func WithMaxBytes(n uintptr) Option {
	return func(o *options) error {
		if n < slab.Size {
			return fmt.Errorf("%w: WithMaxBytes(%d): less than one slab of %d bytes", ErrOption, n, slab.Size)
		}
		o.maxBytes = n
		return nil
	}
}
