package chain

import (
	"sync"

	"github.com/framearena/framearena/internal/workloads"
)

// The chain written by hand: a frame is a struct with the function that runs next, and a loop
// calls these functions. It is what one would write without package coro, so it has no errors,
// no context and no choice of allocator.

type written struct {
	step   func(*written) *written // returns the frame that runs next; nil at the end
	parent *written
	left   int
	_      [128 - 3*8]byte // as large as the frames of the others
}

// writtenChain makes step functions whose frames are from free or, if that is nil, from new.
type writtenChain struct{ free *sync.Pool }

func (c writtenChain) await(f *written, step func(*written) *written, left int) *written {
	var child *written
	if c.free == nil {
		child = new(written)
	} else {
		child = c.free.Get().(*written)
	}
	child.step, child.parent, child.left = step, f, left
	return child
}

// end ends f, and returns its parent.
func (c writtenChain) end(f *written) *written {
	parent := f.parent
	if c.free != nil {
		f.parent = nil
		c.free.Put(f)
	}
	return parent
}

// run runs the chain to its end.
func (c writtenChain) run(iterations int) error {
	depth4 := func(f *written) *written {
		workloads.ChainLeaves.Add(1)
		return c.end(f)
	}
	depth3 := c.awaiting(depth4, 0)
	depth2 := c.awaiting(depth3, 3)
	depth1 := c.awaiting(depth2, 3)
	loop := c.awaiting(depth1, 5)
	for f := c.await(nil, loop, iterations); f != nil; {
		f = f.step(f)
	}
	return nil
}

// awaiting returns a step that awaits child as often as its frame's left says. The child's
// frame begins with left.
func (c writtenChain) awaiting(child func(*written) *written, left int) func(*written) *written {
	return func(f *written) *written {
		if f.left == 0 {
			return c.end(f)
		}
		f.left--
		return c.await(f, child, left)
	}
}
