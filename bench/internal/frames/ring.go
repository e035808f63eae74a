package frames

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

// ring is a queue of frames from one goroutine to another. Both ends publish how far they
// are after each block, as the programs in C do.
type ring struct {
	head atomic.Uint64 // frames received; written by the receiver, which is done with their slots
	_    [120]byte
	tail atomic.Uint64 // frames sent; written by the sender, after their slots
	_    [120]byte

	// slots are the receiver's from head to tail, and the sender's otherwise.
	slots [1024]unsafe.Pointer
}

// send has fill called with the slots of each block, n frames in all.
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

// receive has drain called with the slots of each block, n frames in all. It returns the
// sum of what drain returns.
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

// pause gives way now and then, in case there is one processor for both ends.
func pause(spins int) {
	if spins%512 == 0 {
		runtime.Gosched()
	}
}
