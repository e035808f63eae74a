package fuzz

import (
	"cmp"
	"slices"
)

// ledger records all live frames by address. It belongs to one goroutine at a time: to the
// goroutine of a run, or to the holder of stress.mu.
type ledger struct {
	// byAddress is sorted by address, and no two of its frames overlap. It does not hold
	// frames of size 0.
	byAddress []*frame

	live int     // live frames, including those of size 0
	cost uintptr // bytes that the live frames take of the budget

	// The following tells whether the allocator recycles, as long as all frames have one
	// size: then len(addresses) - peak is how many more addresses there were than frames
	// live at once.
	size      uintptr              // of all frames so far, unless mixed
	sized     bool                 // size is known
	mixed     bool                 // frames of several sizes were added
	addresses map[uintptr]struct{} // of all frames so far
	peak      int                  // most live frames at once
}

// place returns the index in byAddress of the first frame at begin or behind it.
func (l *ledger) place(begin uintptr) int {
	i, _ := slices.BinarySearchFunc(l.byAddress, begin, func(f *frame, at uintptr) int { return cmp.Compare(f.begin(), at) })
	return i
}

// conflict returns a live frame that shares bytes with f, or nil. f is not in the ledger.
func (l *ledger) conflict(f *frame) *frame {
	if f.size == 0 {
		return nil
	}
	i := l.place(f.begin())
	if i < len(l.byAddress) && l.byAddress[i].begin() < f.end() {
		return l.byAddress[i]
	}
	if i > 0 && l.byAddress[i-1].end() > f.begin() {
		return l.byAddress[i-1]
	}
	return nil
}

// neighbours returns the live frames before and behind f, each nil if there is none. f is
// in the ledger.
func (l *ledger) neighbours(f *frame) [2]*frame {
	var two [2]*frame
	i := l.place(f.begin())
	if i > 0 {
		two[0] = l.byAddress[i-1]
	}
	if i+1 < len(l.byAddress) {
		two[1] = l.byAddress[i+1]
	}
	return two
}

// add adds a new frame, which overlaps no frame in the ledger.
func (l *ledger) add(f *frame, cost uintptr) {
	l.live++
	l.cost += cost
	if f.size > 0 {
		l.byAddress = slices.Insert(l.byAddress, l.place(f.begin()), f)
	}
	if !l.sized {
		l.forgetAddresses()
		l.sized, l.size = true, f.size
	}
	if l.mixed = l.mixed || l.size != f.size; !l.mixed {
		l.addresses[f.address] = struct{}{}
		l.peak = max(l.peak, l.live)
	}
}

// remove removes a live frame, before it is freed.
func (l *ledger) remove(f *frame, cost uintptr) {
	l.live--
	l.cost -= cost
	if f.size > 0 {
		i := l.place(f.begin())
		l.byAddress = slices.Delete(l.byAddress, i, i+1)
	}
}

// forgetAddresses restarts the count of addresses with those of the live frames. After a
// trim, the memory of all other frames may be gone, and new frames may lie elsewhere.
func (l *ledger) forgetAddresses() {
	l.addresses = make(map[uintptr]struct{})
	l.peak = l.live
	for _, f := range l.byAddress {
		l.addresses[f.address] = struct{}{}
	}
}

// grown returns by how much the number of addresses exceeds the peak of live frames, or 0
// if frames had several sizes.
func (l *ledger) grown() int {
	if l.mixed {
		return 0
	}
	return len(l.addresses) - l.peak
}
