package fuzz

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// lockFree is a small lock-free allocator with one size class, for any number of goroutines.
// Free frames are in a stack of frame numbers. It has at most one fault, and other
// goroutines run where the fault is.
type lockFree struct {
	fault  lockFreeFault
	memory []byte
	carved atomic.Int64
	live   atomic.Int64

	// head is the number of the newest free frame, counted from 1, in the lower 32 bits, and
	// a count of changes in the upper ones. The count tells a head that is the same again
	// from one that has not changed.
	head atomic.Uint64
	next []atomic.Uint64 // by frame number: the number of the frame below it

	// These are a stack in an array, which the fault missingPublication uses instead.
	n     atomic.Int64
	slots []atomic.Uint64

	windows atomic.Int64 // calls of window so far
}

type lockFreeFault int

const (
	publishesWell lockFreeFault = iota
	aba
	missingPublication
	takeInTwoSteps
	pushInTwoSteps
	countInTwoSteps
)

const (
	lockFreeSize   = 128
	lockFreeFrames = 1 << 15
)

func newLockFree(f lockFreeFault) func(testing.TB) arena.FrameAllocator {
	return func(testing.TB) arena.FrameAllocator {
		return &lockFree{
			fault:  f,
			memory: make([]byte, lockFreeFrames*lockFreeSize),
			next:   make([]atomic.Uint64, lockFreeFrames+1),
			slots:  make([]atomic.Uint64, lockFreeFrames),
		}
	}
}

var lockFreePromises = Promises{
	Sizes(lockFreeSize),
	LiveFrames(func(p *lockFree) int { return int(p.live.Load()) }),
	Recycles(lockFreeSize, 64),
	Concurrent(),
}

const lockFreeNumber = 1<<32 - 1

// window lets other goroutines run where the fault f is, on this processor and, one time in
// eight, on all. It does nothing if a has another fault.
func (a *lockFree) window(f lockFreeFault) {
	if a.fault != f {
		return
	}
	if a.windows.Add(1)%8 == 0 {
		time.Sleep(20 * time.Microsecond)
	}
	runtime.Gosched()
}

func (a *lockFree) Allocate(size uintptr) unsafe.Pointer {
	if size > lockFreeSize {
		return nil
	}
	n := a.pop()
	if n == 0 {
		n = uint64(a.carved.Add(1))
		if n > lockFreeFrames {
			return nil
		}
	}
	a.count(1)
	return unsafe.Pointer(&a.memory[(n-1)*lockFreeSize])
}

func (a *lockFree) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	a.count(-1)
	a.push(uint64(uintptr(p)-uintptr(unsafe.Pointer(unsafe.SliceData(a.memory))))/lockFreeSize + 1)
}

func (a *lockFree) count(n int64) {
	if a.fault == countInTwoSteps {
		was := a.live.Load()
		a.window(countInTwoSteps)
		a.live.Store(was + n)
		return
	}
	a.live.Add(n)
}

func (a *lockFree) push(n uint64) {
	if a.fault == missingPublication {
		i := a.n.Add(1) - 1
		a.window(missingPublication)
		a.slots[i].Store(n)
		return
	}
	for {
		head := a.head.Load()
		a.next[n].Store(head & lockFreeNumber)
		a.window(pushInTwoSteps)
		if a.fault == pushInTwoSteps {
			a.head.Store(a.changed(head) | n)
			return
		}
		if a.head.CompareAndSwap(head, a.changed(head)|n) {
			return
		}
	}
}

// changed returns the upper half of head with one more change.
func (a *lockFree) changed(head uint64) uint64 {
	if a.fault == aba {
		return 0
	}
	return (head>>32 + 1) << 32
}

func (a *lockFree) pop() uint64 {
	if a.fault == missingPublication {
		for {
			n := a.n.Load()
			if n == 0 {
				return 0
			}
			if a.n.CompareAndSwap(n, n-1) {
				return a.slots[n-1].Load()
			}
		}
	}
	for {
		head := a.head.Load()
		n := head & lockFreeNumber
		if n == 0 {
			return 0
		}
		below := a.next[n].Load()
		a.window(aba)
		a.window(takeInTwoSteps)
		if a.fault == takeInTwoSteps {
			a.head.Store(a.changed(head) | below)
			return n
		}
		if a.head.CompareAndSwap(head, a.changed(head)|below) {
			return n
		}
	}
}
