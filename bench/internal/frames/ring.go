package frames

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// ring is a queue of frames from one goroutine to another. Both ends publish their progress
// after each block, as in the programs in C.
type ring struct {
	head atomic.Uint64 // frames received; written by the receiver after it has read their slots
	_    [120]byte
	tail atomic.Uint64 // frames sent; written by the sender after it has written their slots
	_    [120]byte

	// slots belong to the receiver from head to tail, and to the sender otherwise.
	slots [1024]unsafe.Pointer
}

// send calls fill with the slots of each block, n frames in all.
func (r *ring) send(n int, fill func(frames []unsafe.Pointer, from uint64)) {
	for at := 0; at < n; at += block {
		for spins := 1; uint64(at)-r.head.Load() == uint64(len(r.slots)); spins++ {
			pause(spins)
		}
		i := at % len(r.slots)
		fill(r.slots[i:i+block], uint64(at))
		r.tail.Store(uint64(at + block))
	}
}

// receive calls drain with the slots of each block, n frames in all. It returns the sum of
// drain's results.
func (r *ring) receive(n int, drain func(frames []unsafe.Pointer) uint64) (sum uint64) {
	for at := 0; at < n; at += block {
		for spins := 1; r.tail.Load() == uint64(at); spins++ {
			pause(spins)
		}
		i := at % len(r.slots)
		sum += drain(r.slots[i : i+block])
		r.head.Store(uint64(at + block))
	}
	return sum
}

// pause yields now and then, in case both ends share one processor.
func pause(spins int) {
	if spins%512 == 0 {
		runtime.Gosched()
	}
}
