package replay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// ErrContents is wrapped by a [Player]'s errors about frames whose contents did
// not survive.
var ErrContents = errors.New("replay: the contents of a frame changed while it was live")

// Player plays a recording: one goroutine's work, in the order of the record and
// without its pauses. It belongs to one goroutine at a time.
//
// Into each frame it writes a stamp, and looks for it before it frees the frame.
type Player struct {
	recording  *Recording
	allocators []arena.FrameAllocator // by thread
	thorough   bool
	frames     []unsafe.Pointer // by slot; nil for those that are free, or were refused
	sizes      []uint32
	at         int // how many operations were played
	refusals   int
}

// NewPlayer returns a Player that has played nothing yet. What the recorded thread
// with number i did, by order of appearance, it does with allocators[i], and the
// threads that are left with the last. All must take back each other's frames, as
// the caches of one arena do. A thorough player writes to both ends of a frame,
// others to its beginning only.
func NewPlayer(r *Recording, thorough bool, allocators ...arena.FrameAllocator) *Player {
	byThread := make([]arena.FrameAllocator, r.Threads)
	for i := range byThread {
		byThread[i] = allocators[min(i, len(allocators)-1)]
	}
	return &Player{
		recording:  r,
		allocators: byThread,
		thorough:   thorough,
		frames:     make([]unsafe.Pointer, r.slots),
		sizes:      make([]uint32, r.slots),
	}
}

// Refusals returns how many frames the allocators refused so far, in all runs.
func (p *Player) Refusals() int { return p.refusals }

// stretch is the number of operations between two looks at the context.
const stretch = 1 << 14

// Play plays on until so many operations have been played. The error is the
// context's, or wraps [ErrContents].
func (p *Player) Play(ctx context.Context, until int) error {
	for p.at < until {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.play(min(until, p.at+stretch)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Player) play(until int) error {
	operations := p.recording.operations
	for ; p.at < until; p.at++ {
		op := &operations[p.at]
		switch op.kind {
		case arena.TraceAllocate:
			f := p.allocators[op.thread].Allocate(uintptr(op.size))
			p.frames[op.slot], p.sizes[op.slot] = f, op.size
			if f == nil {
				p.refusals++
				continue
			}
			p.stamp(op.slot)
		case arena.TraceDeallocate:
			f := p.frames[op.slot]
			if f == nil {
				continue
			}
			if !p.stamped(op.slot) {
				return fmt.Errorf("%w (seen in operation %d)", ErrContents, p.at)
			}
			p.frames[op.slot] = nil
			p.allocators[op.thread].Deallocate(f, uintptr(op.size))
		}
	}
	return nil
}

// Rewind frees what is live and goes back to the beginning. The error wraps
// [ErrContents].
func (p *Player) Rewind() error {
	for slot, f := range p.frames {
		if f == nil {
			continue
		}
		if !p.stamped(uint32(slot)) {
			return fmt.Errorf("%w (seen after operation %d)", ErrContents, p.at)
		}
		p.allocators[0].Deallocate(f, uintptr(p.sizes[slot]))
		p.frames[slot] = nil
	}
	p.at = 0
	return nil
}

const stampSize = 8

// stampOf is different for all frames that are live at a time.
func stampOf(slot uint32) uint64 { return (uint64(slot) + 1) * 0x9e3779b97f4a7c15 }

func (p *Player) stamp(slot uint32) {
	memory := unsafe.Slice((*byte)(p.frames[slot]), p.sizes[slot])
	word := stampOf(slot)
	if len(memory) < stampSize {
		for i := range memory {
			memory[i] = byte(word >> (8 * i))
		}
		return
	}
	binary.LittleEndian.PutUint64(memory, word)
	if p.thorough && len(memory) >= 2*stampSize {
		binary.LittleEndian.PutUint64(memory[len(memory)-stampSize:], ^word)
	}
}

func (p *Player) stamped(slot uint32) bool {
	memory := unsafe.Slice((*byte)(p.frames[slot]), p.sizes[slot])
	word := stampOf(slot)
	if len(memory) < stampSize {
		for i := range memory {
			if memory[i] != byte(word>>(8*i)) {
				return false
			}
		}
		return true
	}
	if binary.LittleEndian.Uint64(memory) != word {
		return false
	}
	return !p.thorough || len(memory) < 2*stampSize ||
		binary.LittleEndian.Uint64(memory[len(memory)-stampSize:]) == ^word
}
