package fuzz

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// public is a small allocator of one class for any number of goroutines, without a
// lock: free frames are in a stack of their numbers. It has at most one fault, and lets
// others run where that is.
type public struct {
	fault  publicFault
	memory []byte
	carved atomic.Int64
	live   atomic.Int64

	// head is the number of the newest free frame, from 1, and above it a count of
	// changes, without which a head that is the same again would seem unchanged.
	head atomic.Uint64
	next []atomic.Uint64 // by number: the one below

	// For missingPublication, a stack in an array.
	n     atomic.Int64
	slots []atomic.Uint64

	windows atomic.Int64 // how many there were
}

type publicFault int

const (
	publishesWell publicFault = iota
	aba
	missingPublication
	takeInTwoSteps
	pushInTwoSteps
	countInTwoSteps
)

const (
	publicSize   = 128
	publicFrames = 1 << 15
)

func newPublic(f publicFault) func(testing.TB) arena.FrameAllocator {
	return func(testing.TB) arena.FrameAllocator {
		return &public{
			fault:  f,
			memory: make([]byte, publicFrames*publicSize),
			next:   make([]atomic.Uint64, publicFrames+1),
			slots:  make([]atomic.Uint64, publicFrames),
		}
	}
}

var publicPromises = Promises{
	Sizes(publicSize),
	LiveFrames(func(p *public) int { return int(p.live.Load()) }),
	Recycles(publicSize, 64),
	Concurrent(),
}

const publicNumber = 1<<32 - 1

// window is where a fault is: others run before it is over, on this processor and, now
// and then, on all.
func (a *public) window(f publicFault) {
	if a.fault != f {
		return
	}
	if a.windows.Add(1)%8 == 0 {
		time.Sleep(20 * time.Microsecond)
	}
	runtime.Gosched()
}

func (a *public) Allocate(size uintptr) unsafe.Pointer {
	if size > publicSize {
		return nil
	}
	n := a.pop()
	if n == 0 {
		n = uint64(a.carved.Add(1))
		if n > publicFrames {
			return nil
		}
	}
	a.count(1)
	return unsafe.Pointer(&a.memory[(n-1)*publicSize])
}

func (a *public) Deallocate(p unsafe.Pointer, size uintptr) {
	a.count(-1)
	a.push(uint64(uintptr(p)-uintptr(unsafe.Pointer(unsafe.SliceData(a.memory))))/publicSize + 1)
}

func (a *public) count(n int64) {
	if a.fault == countInTwoSteps {
		was := a.live.Load()
		a.window(countInTwoSteps)
		a.live.Store(was + n)
		return
	}
	a.live.Add(n)
}

func (a *public) push(n uint64) {
	if a.fault == missingPublication {
		i := a.n.Add(1) - 1
		a.window(missingPublication)
		a.slots[i].Store(n)
		return
	}
	for {
		head := a.head.Load()
		a.next[n].Store(head & publicNumber)
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

// changed counts a change.
func (a *public) changed(head uint64) uint64 {
	if a.fault == aba {
		return 0
	}
	return (head>>32 + 1) << 32
}

func (a *public) pop() uint64 {
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
		n := head & publicNumber
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
