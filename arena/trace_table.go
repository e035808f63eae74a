package arena

import "math/bits"

// traceTable finds the live frames of a [Trace] by their addresses: a hash table
// with linear probing. Unlike a map it never allocates unless more frames are live
// than ever before. It belongs to the holder of the trace's mu.
type traceTable struct {
	// slots are a power of two, or none, and at most 3/4 of them are in use. From
	// the place where a frame's address hashes to up to the frame no slot is free.
	slots []traceFrame
	used  int
}

// traceFrame is a live frame. A free slot has address 0.
type traceFrame struct {
	address uintptr
	size    uintptr // as it was asked for
	id      uint64
}

// home returns the slot that the search for an address begins with.
func (t *traceTable) home(address uintptr) int {
	// Fibonacci hashing: frames differ in the middle bits of their addresses, and
	// the product carries these to the top.
	h := uint64(address) * 0x9e3779b97f4a7c15
	return int(h >> (64 - bits.TrailingZeros(uint(len(t.slots)))))
}

// put adds a frame, in place of one that has the same address.
func (t *traceTable) put(f traceFrame) {
	if 4*t.used >= 3*len(t.slots) {
		t.grow()
	}
	mask := len(t.slots) - 1
	i := t.home(f.address)
	for t.slots[i].address != 0 && t.slots[i].address != f.address {
		i = (i + 1) & mask
	}
	if t.slots[i].address == 0 {
		t.used++
	}
	t.slots[i] = f
}

// take removes the frame with an address and returns it, or false if there is none.
func (t *traceTable) take(address uintptr) (traceFrame, bool) {
	if t.used == 0 || address == 0 {
		return traceFrame{}, false
	}
	mask := len(t.slots) - 1
	i := t.home(address)
	for t.slots[i].address != address {
		if t.slots[i].address == 0 {
			return traceFrame{}, false
		}
		i = (i + 1) & mask
	}
	f := t.slots[i]
	// Frames behind the gap move into it, unless that is in front of their home:
	// then no search meets a free slot too early.
	for j := (i + 1) & mask; t.slots[j].address != 0; j = (j + 1) & mask {
		if (j-t.home(t.slots[j].address))&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = traceFrame{}
	t.used--
	return f, true
}

func (t *traceTable) grow() {
	old := t.slots
	t.slots, t.used = make([]traceFrame, max(64, 2*len(old))), 0
	for _, f := range old {
		if f.address != 0 {
			t.put(f)
		}
	}
}
