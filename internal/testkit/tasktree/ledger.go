package tasktree

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// Ledger is a FrameAllocator in front of another one. It has a table of the live frames, and
// records the first mistake: a frame that is handed out while it is live, or a frame that is
// freed while it is not, or with another size. Any number of goroutines may use a Ledger. It
// calls the other allocator from one goroutine at a time.
type Ledger struct {
	next arena.FrameAllocator

	mu     sync.Mutex // guards what follows, and the use of next
	live   map[unsafe.Pointer]uintptr
	totals Totals
	wrong  error // the first mistake
}

// Totals are the counts of a [Ledger].
type Totals struct {
	Allocated   uint64 // frames handed out
	Deallocated uint64 // frames taken back
	Refused     uint64 // requests answered with nil
	LiveBytes   uintptr
}

// Live returns the number of live frames.
func (t Totals) Live() uint64 { return t.Allocated - t.Deallocated }

// NewLedger returns a Ledger in front of next.
func NewLedger(next arena.FrameAllocator) *Ledger {
	return &Ledger{next: next, live: make(map[unsafe.Pointer]uintptr)}
}

// Allocate returns a frame of the other allocator, or nil if that refuses.
func (l *Ledger) Allocate(size uintptr) unsafe.Pointer {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.next.Allocate(size)
	if p == nil {
		l.totals.Refused++
		return nil
	}
	if was, ok := l.live[p]; ok {
		l.note("frame %p of %d bytes was handed out, and is live, of %d bytes", p, size, was)
	}
	l.live[p] = size
	l.totals.Allocated++
	l.totals.LiveBytes += size
	return p
}

// Deallocate frees a frame in the other allocator. A frame that is not live is recorded as a
// mistake and not passed on.
func (l *Ledger) Deallocate(p unsafe.Pointer, size uintptr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was, ok := l.live[p]
	switch {
	case !ok:
		l.note("frame %p of %d bytes was freed, and is not live", p, size)
		return
	case was != size:
		l.note("frame %p of %d bytes was freed as one of %d", p, was, size)
	}
	delete(l.live, p)
	l.totals.Deallocated++
	l.totals.LiveBytes -= was
	l.next.Deallocate(p, was)
}

func (l *Ledger) note(format string, args ...any) {
	if l.wrong == nil {
		l.wrong = fmt.Errorf(format, args...)
	}
}

// Totals returns the counts so far.
func (l *Ledger) Totals() Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}

// Check returns an error if there was a mistake, or if frames are live.
func (l *Ledger) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wrong != nil {
		return l.wrong
	}
	for p, size := range l.live {
		return fmt.Errorf("%d frames are live, of %d bytes together; one is %p, of %d", len(l.live), l.totals.LiveBytes, p, size)
	}
	return nil
}
