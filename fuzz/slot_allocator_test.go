package fuzz

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// slots is a small allocator of frames of up to 256 bytes, which are slots of chunks. It has at
// most one fault, of a kind that allocators in the wild have had.
type slots struct {
	fault  slotFault
	chunks [][]byte
	carved int // slots of the newest chunk
	free   []unsafe.Pointer
	frees  int
	live   int

	ring       [ringSize]unsafe.Pointer // free slots, with the fault ringWraps
	head, tail uint16

	quarantine []unsafe.Pointer // with the fault quarantineForgets
	table      []uintptr        // addresses of the live slots, with the fault tableHasGaps
	bitmaps    [][]uint64       // of the chunks, a bit for each slot, with the fault lastWord
	last       unsafe.Pointer   // freed last
	generation uint16           // with the fault generationWraps
	at         map[uint16]unsafe.Pointer
}

type slotFault int

const (
	noSlotFault slotFault = iota
	tableIsFull
	ringWraps
	linksLate
	quarantineForgets
	tableHasGaps
	lastWord
	spillKeepsOne
	generationWraps
)

const (
	slotSize   = 256
	chunkSlots = 4000
	ringSize   = 48
	slotTable  = 1 << 15
)

func newSlots(f slotFault) func(testing.TB) arena.FrameAllocator {
	return func(testing.TB) arena.FrameAllocator {
		s := &slots{fault: f, carved: chunkSlots, at: make(map[uint16]unsafe.Pointer)}
		if f == tableHasGaps {
			s.table = make([]uintptr, slotTable)
		}
		return s
	}
}

var slotPromises = Promises{
	MaxSize(slotSize), Recycles(slotSize, 4000),
	LiveFrames(func(s *slots) int { return s.live }),
}

func (s *slots) Allocate(size uintptr) unsafe.Pointer {
	if size > slotSize {
		return nil
	}
	p := s.take()
	s.live++
	if s.fault == tableHasGaps {
		i := s.home(p)
		for s.table[i] != 0 {
			i = (i + 1) % slotTable
		}
		s.table[i] = uintptr(p)
	}
	return p
}

func (s *slots) home(p unsafe.Pointer) int {
	x := uint64(uintptr(p)) / slotSize
	return int(x * x >> 5 % slotTable)
}

func (s *slots) take() unsafe.Pointer {
	if s.fault == ringWraps && s.head != s.tail {
		p := s.ring[s.head%ringSize]
		s.head++
		return p
	}
	if s.fault == lastWord {
		return s.takeBit()
	}
	if n := len(s.free); n > 0 {
		p := s.free[n-1]
		s.free = s.free[:n-1]
		return p
	}
	if s.carved == chunkSlots {
		s.addChunk()
	}
	s.carved++
	return s.slot(len(s.chunks)-1, s.carved-1)
}

func (s *slots) addChunk() {
	s.chunks = append(s.chunks, make([]byte, (chunkSlots+64)*slotSize))
	s.bitmaps = append(s.bitmaps, make([]uint64, (chunkSlots+63)/64))
	s.carved = 0
}

func (s *slots) slot(chunk, i int) unsafe.Pointer {
	if i >= chunkSlots { // what the fault lastWord hands out: the next thing in memory
		i -= chunkSlots
	}
	return unsafe.Pointer(&s.chunks[chunk][i*slotSize])
}

// takeBit returns the slot of the first bit that is not set. It does not mask the bits of the
// last word that have no slot.
func (s *slots) takeBit() unsafe.Pointer {
	for c, words := range s.bitmaps {
		for w, word := range words {
			for b := 0; b < 64 && ^word != 0; b++ {
				if word>>b&1 == 0 {
					words[w] |= 1 << b
					return s.slot(c, w*64+b)
				}
			}
		}
	}
	s.addChunk()
	return s.takeBit()
}

func (s *slots) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	s.frees++
	if s.fault != tableHasGaps || s.forget(p) {
		s.live--
	}
	switch s.fault {
	case tableIsFull: // a table of fixed size drops what does not fit
		if len(s.free) == 5000 {
			return
		}
	case ringWraps: // the capacity does not divide the range of the indices
		if s.tail-s.head < ringSize-1 {
			s.ring[s.tail%ringSize] = p
			s.tail++
			return
		}
	case linksLate: // a link is written into a slot that is in use again
		if s.last != nil && s.frees > 12_000 {
			*(*uintptr)(s.last) = uintptr(p)
		}
		s.last = p
	case quarantineForgets: // the second time around, what is displaced is not freed
		s.quarantine = append(s.quarantine, p)
		if len(s.quarantine) <= 3000 {
			return
		}
		p = s.quarantine[0]
		s.quarantine = s.quarantine[1:]
		if s.frees > 6000 {
			return
		}
	case lastWord:
		for c := range s.chunks {
			if at := uintptr(p) - uintptr(unsafe.Pointer(unsafe.SliceData(s.chunks[c]))); at < chunkSlots*slotSize {
				i := at / slotSize
				s.bitmaps[c][i/64] &^= 1 << (i % 64)
			}
		}
		return
	case spillKeepsOne: // half of a list that is full becomes a batch, and one slot stays in both
		if len(s.free) == 3000 {
			s.free = append(s.free, s.free[1500])
		}
	case generationWraps: // each free has a number, and a second one with the same number comes first
		s.generation++
		if old := s.at[s.generation]; old != nil {
			s.free = append(s.free, old)
		}
		s.at[s.generation] = p
		if s.generation%1024 != 0 {
			s.at[s.generation] = nil
		}
	}
	s.free = append(s.free, p)
}

// forget removes p from the table, and leaves a gap behind which the search ends. It reports
// whether it has found p.
func (s *slots) forget(p unsafe.Pointer) bool {
	for i := s.home(p); s.table[i] != 0; i = (i + 1) % slotTable {
		if s.table[i] == uintptr(p) {
			s.table[i] = 0
			return true
		}
	}
	return false
}
