package replay

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// ErrContents is wrapped by the errors of a [Player] about frames whose contents
// changed while they were live.
var ErrContents = errors.New("replay: the contents of a frame changed while it was live")

// Player plays a recording on one goroutine, in the order of the record and
// without its pauses. It belongs to one goroutine at a time.
//
// It writes a stamp into each frame, and checks the stamp before it frees the frame.
type Player struct {
	recording  *Recording
	allocators []arena.FrameAllocator // by thread
	thorough   bool
	frames     []unsafe.Pointer // by slot; nil if the slot is free, or its frame was refused
	sizes      []uint32
	at         int // how many operations were played
	refusals   int
}

// NewPlayer returns a Player that has played nothing yet. It plays the operations of
// thread i, by order of appearance, on allocators[i], and those of all further threads
// on the last allocator. Each allocator must take back frames of the others, as the
// caches of one arena do. A thorough player stamps both ends of a frame, others only
// its beginning.
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

// Refusals returns how many frames the allocators have refused so far, in all runs.
func (p *Player) Refusals() int { return p.refusals }

// The context is checked after a stretch of operations, which ends earlier if it has allocated
// stretchBytes: an allocator may have to clear them, which takes some 10 ms at most.
const (
	stretch      = 1 << 14
	stretchBytes = 64 << 20
)

// Play plays on until the first until operations of the recording have been played.
// The error is the context's, or wraps [ErrContents].
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

// play plays a stretch, up to the first until operations at most.
func (p *Player) play(until int) error {
	operations := p.recording.operations
	allocated := 0
	for ; p.at < until && allocated < stretchBytes; p.at++ {
		op := &operations[p.at]
		switch op.kind {
		case arena.TraceAllocate:
			f := p.allocators[op.thread].Allocate(uintptr(op.size))
			p.frames[op.slot], p.sizes[op.slot] = f, op.size
			if f == nil {
				p.refusals++
				continue
			}
			allocated += int(op.size)
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

// Rewind frees the live frames and goes back to the beginning. Its error wraps
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

// stampOf returns the stamp of a slot. Frames that are live at the same time have
// different stamps.
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
