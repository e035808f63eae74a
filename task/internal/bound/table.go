package bound

import (
	_ "sync/atomic" // get is inlined only then; see package gate

	"github.com/framearena/framearena/internal/interleave"
)

// table maps code pointers to functions. Functions are entered under mu, and never removed; any
// goroutine looks them up without a lock.
//
// A slot that is free has the code 0. The goroutine that fills it, with mu held, stores the function
// and then the code. So a reader that finds its code in a slot finds the function too, and one that
// finds 0 knows that the code was not entered before: slots are filled in the order in which a reader
// looks at them. A table that is half full is replaced by a copy of twice the size, and a reader of the
// old one misses at most what is entered after it has loaded current. The models in
// interleavings_test.go try all orders.
type table struct {
	current interleave.Pointer[[]slot] // its length is a power of two; nil: nothing was entered

	mu   interleave.Mutex // held to enter a function
	used int              // slots of current that are filled
}

type slot struct {
	code     interleave.Uintptr
	function interleave.Pointer[Function]
}

// get returns the function with the given code, or nil.
func (t *table) get(code uintptr) *Function {
	slots := t.current.Load()
	if slots == nil {
		return nil
	}
	if s := find(*slots, code); s.code.Load() == code {
		return s.function.Load()
	}
	return nil
}

// find returns the slot that has the code or, if none has, the free one where it belongs. Less than
// half of the slots are filled.
func find(slots []slot, code uintptr) *slot {
	mask := uintptr(len(slots) - 1)
	for i := hash(code) & mask; ; i = (i + 1) & mask {
		if s := &slots[i]; s.code.Load() == code || s.code.Load() == 0 {
			return s
		}
	}
}

// hash spreads code pointers, which are multiples of 16 or 32.
func hash(code uintptr) uintptr { return code>>5 ^ code>>13 }

// set enters f with the given code, in place of another one if there is one.
func (t *table) set(code uintptr, f *Function) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var slots []slot
	if p := t.current.Load(); p != nil {
		slots = *p
	}
	if 2*(t.used+1) > len(slots) {
		slots = t.grow(slots)
	}
	s := find(slots, code)
	s.function.Store(f)
	if s.code.Load() == 0 {
		s.code.Store(code)
		t.used++
	}
}

// grow replaces the table by a larger copy. The caller holds mu.
func (t *table) grow(slots []slot) []slot {
	larger := make([]slot, max(64, 2*len(slots)))
	for i := range slots {
		if code := slots[i].code.Load(); code != 0 {
			s := find(larger, code)
			s.function.Store(slots[i].function.Load())
			s.code.Store(code)
		}
	}
	t.current.Store(&larger)
	return larger
}
