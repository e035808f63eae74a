package fuzz

import (
	"cmp"
	"slices"
	"unsafe"
)

// ledger knows all live frames by address. It belongs to one goroutine at a time.
type ledger struct {
	// byAddress is sorted, and no two of its frames overlap. Frames of no bytes are
	// not in it.
	byAddress []*frame

	live int     // frames, those of no bytes too
	cost uintptr // of them all

	// While all frames are of one size, so many have different addresses, and so many
	// were live at most.
	size      uintptr
	sized     bool // size is known
	mixed     bool // there were several
	addresses map[unsafe.Pointer]struct{}
	peak      int
}

func (l *ledger) place(begin uintptr) int {
	i, _ := slices.BinarySearchFunc(l.byAddress, begin, func(f *frame, at uintptr) int { return cmp.Compare(f.begin(), at) })
	return i
}

// conflict returns a frame that shares bytes with f, which is not in the ledger.
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

// neighbours returns the frames before and behind f, which is in the ledger, or nil.
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
		l.addresses[f.p] = struct{}{}
		l.peak = max(l.peak, l.live)
	}
}

func (l *ledger) remove(f *frame, cost uintptr) {
	l.live--
	l.cost -= cost
	if f.size > 0 {
		i := l.place(f.begin())
		l.byAddress = slices.Delete(l.byAddress, i, i+1)
	}
}

// forgetAddresses begins to count addresses anew: a trim may have given all away.
func (l *ledger) forgetAddresses() {
	l.addresses = make(map[unsafe.Pointer]struct{})
	l.peak = l.live
	for _, f := range l.byAddress {
		l.addresses[f.p] = struct{}{}
	}
}

// grown returns how many addresses there were more than frames live at once.
func (l *ledger) grown() int {
	if l.mixed {
		return 0
	}
	return len(l.addresses) - l.peak
}
