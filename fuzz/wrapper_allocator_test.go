package fuzz

import (
	"runtime"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// wrapper is a small allocator on top of another. It puts a header of 16 bytes in front of
// each frame, and takes a second block for each frame. It has at most one fault.
type wrapper struct {
	fault   wrapperFault
	next    arena.FrameAllocator
	details map[unsafe.Pointer]unsafe.Pointer // second blocks, by frame
	open    int
	lock    chan struct{}
}

type wrapperFault int

const (
	wrapsWell wrapperFault = iota
	forgetsHeader
	writesBehind
	writesAfterReturn
	returnsLess
	returnsTwice
	leaksWhenRefused
	countsRefused
	refusesWithASentinel
	endsGoroutine
	keepsLock
	freesNil
)

// wrapperSentinel is the answer of a wrapper that refuses with a sentinel instead of nil.
var wrapperSentinel [16]byte

const (
	wrapperHeader = 16
	wrapperDetail = 32
)

func newWrapper(f wrapperFault) func(testing.TB) arena.FrameAllocator {
	return func(t testing.TB) arena.FrameAllocator {
		w := &wrapper{fault: f, next: NewMemory(t), details: make(map[unsafe.Pointer]unsafe.Pointer), lock: make(chan struct{}, 1)}
		t.Cleanup(func() {
			if w.open != 0 {
				t.Errorf("%d frames are open", w.open)
			}
		})
		if f == endsGoroutine {
			w.next = goexiting{w.next}
		}
		return w
	}
}

// goexiting is an allocator that ends the calling goroutine when it has no memory.
type goexiting struct{ arena.FrameAllocator }

func (e goexiting) Allocate(size uintptr) unsafe.Pointer {
	p := e.FrameAllocator.Allocate(size)
	if p == nil {
		runtime.Goexit()
	}
	return p
}

func (w *wrapper) Allocate(size uintptr) unsafe.Pointer {
	if size > 1<<30 {
		return nil
	}
	if w.fault == keepsLock {
		w.lock <- struct{}{}
	}
	n := size + wrapperHeader
	if w.fault == forgetsHeader {
		n = max(size, wrapperHeader)
	}
	detail := w.next.Allocate(wrapperDetail)
	if detail == nil {
		return nil
	}
	p := w.next.Allocate(n)
	switch {
	case p == nil && w.fault == leaksWhenRefused:
		return nil
	case p == nil && w.fault == refusesWithASentinel:
		w.next.Deallocate(detail, wrapperDetail)
		return unsafe.Pointer(&wrapperSentinel)
	case p == nil:
		w.next.Deallocate(detail, wrapperDetail)
		if w.fault == countsRefused {
			w.open++
		}
		return nil
	}
	if w.fault == keepsLock {
		<-w.lock
	}
	*(*uintptr)(p) = size
	if w.fault == writesBehind && size > 100 {
		*(*byte)(unsafe.Add(p, n)) = 0
	}
	w.open++
	w.details[p] = detail
	return unsafe.Add(p, wrapperHeader)
}

func (w *wrapper) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil && w.fault != freesNil {
		return
	}
	p = unsafe.Add(p, -wrapperHeader)
	detail := w.details[p]
	delete(w.details, p)
	w.open--
	switch w.fault {
	case returnsLess:
		w.next.Deallocate(p, size)
	case returnsTwice:
		w.next.Deallocate(p, size+wrapperHeader)
		if w.open == 0 {
			w.next.Deallocate(p, size+wrapperHeader)
		}
	case forgetsHeader:
		w.next.Deallocate(p, max(size, wrapperHeader))
	default:
		w.next.Deallocate(p, size+wrapperHeader)
	}
	if w.fault == writesAfterReturn {
		*(*uintptr)(p) = 0
	}
	w.next.Deallocate(detail, wrapperDetail)
}
