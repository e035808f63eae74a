package arena

import (
	"fmt"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
)

// record describes a frame in checked mode. Guarded by the checker's mu.
type record struct {
	state     frameState
	size      uintptr // as asked for
	allocated site    // where it was allocated last
	freed     site    // where it was freed last
	sum       uint64  // hash of the frame's contents when it was freed
}

// frameState is the state of a frame in checked mode.
type frameState uint8

const (
	frameNew   frameState = iota // never handed out
	frameLive                    // in use
	frameFreed                   // in quarantine or in a list, and filled with freedByte
)

// Bytes that memory is filled with. A word of any of them is no address of the Go heap, so
// the collector cannot take it for one.
const (
	freshByte = 0xD1 // of a live frame, until its user writes to it
	guardByte = 0xDE // behind the size that was asked for, until the frame is freed
	freedByte = 0xDB // of a freed frame
)

// record returns the record of the frame of a slab that begins at p, or nil if none begins
// there.
func (ch *checker) record(p unsafe.Pointer) *record {
	s := ch.arena.store.Find(p)
	if s == nil || s.Desc.records == nil {
		return nil
	}
	size := s.Desc.class.Size()
	offset := uintptr(p) - uintptr(s.Base())
	if offset%size != 0 {
		return nil
	}
	return &s.Desc.records[offset/size]
}

// mustBeIntact panics unless the frame at p, of capacity bytes, is live, has the given
// size, and its guard bytes are intact.
func (ch *checker) mustBeIntact(p unsafe.Pointer, capacity, size uintptr, r *record) {
	switch {
	case r.state == frameNew:
		ch.reportForeign(p, size)
	case r.state == frameFreed:
		ch.report("double free", "free each frame once", p, r)
	case r.size != size:
		ch.report(fmt.Sprintf("wrong size: freed with size %d", size), "free a frame with the size that it was asked for", p, r)
	}
	memory := unsafe.Slice((*byte)(p), capacity)
	if at := firstOther(memory[size:], guardByte); at >= 0 {
		ch.report(fmt.Sprintf("overrun: byte %d is %#02x", int(size)+at, memory[int(size)+at]),
			"write no further than the size that was asked for", p, r)
	}
}

// mustBeUntouchedFrame panics if the free frame at p was written to after it was freed.
func (ch *checker) mustBeUntouchedFrame(p unsafe.Pointer, k bins.Class, r *record) {
	if r.state != frameFreed {
		return
	}
	memory := unsafe.Slice((*byte)(p), k.Size())
	if xxhash.Sum64(memory) == r.sum {
		return
	}
	what := "write after free"
	if at := firstOther(memory, freedByte); at >= 0 {
		what = fmt.Sprintf("write after free: byte %d is %#02x", at, memory[at])
	}
	ch.report(what, "do not use a frame once it is freed", p, r)
}

// mustBeUntouched panics if a free frame of the slab was written to.
func (ch *checker) mustBeUntouched(s *slab.Slab[slabDesc]) {
	k := s.Desc.class
	for i := range s.Desc.records {
		ch.mustBeUntouchedFrame(unsafe.Add(s.Base(), uintptr(i)*k.Size()), k, &s.Desc.records[i])
	}
}

// mustAllBeUntouched panics if any free frame was written to. The caller holds mu.
func (ch *checker) mustAllBeUntouched() {
	for s := range ch.arena.store.Slabs {
		ch.mustBeUntouched(s)
	}
}

func fill(memory []byte, with byte) {
	for i := range memory {
		memory[i] = with
	}
}

// firstOther returns the index of the first byte that is not the given one, or -1.
func firstOther(memory []byte, than byte) int {
	for i, b := range memory {
		if b != than {
			return i
		}
	}
	return -1
}
