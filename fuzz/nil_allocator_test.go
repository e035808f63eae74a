package fuzz

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// nilTaking is an allocator that does something when nil is freed.
type nilTaking struct {
	fault  nilFault
	next   arena.FrameAllocator
	blocks []unsafe.Pointer // 4 KiB each
	free   []unsafe.Pointer
	live   int
}

type nilFault int

const (
	countsNil nilFault = iota
	listsNil
	passesNil
)

const nilTakingBlock = 4 << 10

func newNilTaking(f nilFault) func(testing.TB) arena.FrameAllocator {
	return func(t testing.TB) arena.FrameAllocator {
		n := &nilTaking{fault: f, next: NewMemory(t)}
		t.Cleanup(func() {
			for _, p := range n.blocks {
				n.next.Deallocate(p, nilTakingBlock)
			}
		})
		return n
	}
}

var nilPromises = Promises{LiveFrames(func(n *nilTaking) int { return n.live })}

func (n *nilTaking) Allocate(size uintptr) unsafe.Pointer {
	if size > nilTakingBlock {
		p := n.next.Allocate(size)
		if p != nil {
			n.live++
		}
		return p
	}
	if i := len(n.free); i > 0 {
		p := n.free[i-1]
		n.free = n.free[:i-1]
		if p != nil {
			n.live++
		}
		return p
	}
	p := n.next.Allocate(nilTakingBlock)
	if p != nil {
		n.live++
		n.blocks = append(n.blocks, p)
	}
	return p
}

func (n *nilTaking) Deallocate(p unsafe.Pointer, size uintptr) {
	switch {
	case p == nil && n.fault == countsNil:
		n.live--
		return
	case p == nil && n.fault == passesNil:
		// The size tells it that this is a large frame, or the first one of a block.
		if size > nilTakingBlock {
			n.next.Deallocate(n.blocks[0], size)
		}
		return
	}
	if p != nil {
		n.live--
	}
	if size > nilTakingBlock {
		n.next.Deallocate(p, size)
		return
	}
	n.free = append(n.free, p)
}
