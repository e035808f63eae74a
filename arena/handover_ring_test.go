package arena_test

import (
	"runtime"
	"sync/atomic"
	"unsafe"
)

const (
	ringSlots = 1024
	ringBatch = 32 // both ends publish their place every so many frames
)

// ring hands frames from one goroutine to another, in order. It costs so little that a
// benchmark measures the allocators of the frames.
type ring struct {
	head atomic.Uint64 // frames received; written by the receiver
	_    [120]byte
	tail atomic.Uint64 // frames sent; written by the sender
	_    [120]byte

	// slots are the sender's between head+ringSlots and tail, and the receiver's
	// from head to tail.
	slots [ringSlots]unsafe.Pointer
}

func newRing() *ring { return new(ring) }

// ringSender is one goroutine's end of a ring.
type ringSender struct {
	*ring
	sent, room uint64 // room: how far it may go before it looks at head again
	spins      uint
}

func (r *ring) sender() ringSender { return ringSender{ring: r, room: ringSlots} }

func (s *ringSender) send(p unsafe.Pointer) {
	for s.sent == s.room {
		if s.room = s.head.Load() + ringSlots; s.sent == s.room {
			pause(&s.spins)
		}
	}
	s.slots[s.sent%ringSlots] = p
	s.sent++
	if s.sent%ringBatch == 0 {
		s.tail.Store(s.sent)
	}
}

// flush sends the frames that are no whole batch yet.
func (s *ringSender) flush() { s.tail.Store(s.sent) }

// ringReceiver is the other goroutine's end.
type ringReceiver struct {
	*ring
	received, there uint64 // there: how far it may go before it looks at tail again
	spins           uint
}

func (r *ring) receiver() ringReceiver { return ringReceiver{ring: r} }

func (r *ringReceiver) receive() unsafe.Pointer {
	for r.received == r.there {
		if r.there = r.tail.Load(); r.received == r.there {
			pause(&r.spins)
		}
	}
	p := r.slots[r.received%ringSlots]
	r.received++
	if r.received%ringBatch == 0 {
		r.head.Store(r.received)
	}
	return p
}

// pause spins, and now and then lets others run.
func pause(spins *uint) {
	if *spins++; *spins%512 == 0 {
		runtime.Gosched()
	}
}
