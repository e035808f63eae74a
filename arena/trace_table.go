package arena

import "math/bits"

// traceTable holds the live frames of a [Trace] by their addresses: a hash table with
// linear probing. Unlike a map it allocates only when more frames are live than ever
// before. It is guarded by the trace's mu.
type traceTable struct {
	// slots has a length that is 0 or a power of two, and at most 3/4 of them are in use.
	// No slot is free between the home of a frame's address and the slot of the frame.
	slots []traceFrame
	used  int // slots in use
}

// traceFrame is a live frame, or a free slot if address is 0.
type traceFrame struct {
	address uintptr
	size    uintptr // as it was asked for
	id      uint64
}

// home returns the slot at which the search for an address begins.
func (t *traceTable) home(address uintptr) int {
	// Fibonacci hashing: addresses of frames differ in their middle bits, and the
	// multiplication carries these to the top.
	h := uint64(address) * 0x9e3779b97f4a7c15
	return int(h >> (64 - bits.TrailingZeros(uint(len(t.slots)))))
}

// put adds a frame. It replaces one with the same address.
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

// take removes the frame with the given address and returns it. It reports false if there
// is none.
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
	// Each frame behind the gap moves into it, unless the gap lies before its home. So no
	// search meets a free slot too early.
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

// grow doubles the number of slots.
func (t *traceTable) grow() {
	old := t.slots
	t.slots, t.used = make([]traceFrame, max(64, 2*len(old))), 0
	for _, f := range old {
		if f.address != 0 {
			t.put(f)
		}
	}
}
