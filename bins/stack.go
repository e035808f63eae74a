package bins

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// Stack is a public stack of batches. Any goroutine may use it at any time; no
// operation blocks. The zero Stack is empty.
//
// Batches enter by a compare-and-swap on the head and leave all at once by a
// Swap with nil. Nobody ever takes only the top, so nobody ever installs a
// "next" that was read before: a head that went from A to B and back to A
// between a pusher's load and its compare-and-swap is simply a right head, and
// there is no ABA problem to guard against with tags, and no reader of a removed
// batch to wait for (Treiber, IBM RJ 5118, 1986; the take-all form is that of
// mimalloc's thread-free lists).
type Stack struct {
	// head is the newest batch. Written by pushers (compare-and-swap) and takers
	// (Swap). A pusher's compare-and-swap releases what it wrote to the batch
	// and to its frames; a taker's Swap acquires it. All of Go's atomics are
	// sequentially consistent, so a batch that was pushed before another stack
	// was found empty is not missed by a taker that looks afterwards.
	head interleave.Pointer[Batch]

	// frames is the number of frames on the stack, for statistics: who pushed or
	// took a batch adds or subtracts its frames afterwards. It is exact at rest.
	// Carrying a sum in the batches instead would need no second atomic, but it
	// would be wrong after a head that went from A to B and back to an A with less
	// below it.
	frames interleave.Int64

	// A pair of cache lines of its own: pushes of one class by their owner must
	// not slow takers of another class or the owner's private lists.
	_ [128 - 2*8]byte
}

var _ [128 - unsafe.Sizeof(Stack{})]struct{}
var _ [unsafe.Sizeof(Stack{}) - 128]struct{}

// Empty reports whether the stack was empty at that moment. It is one load of a
// line that is rarely written, and saves a taker an exchange.
func (s *Stack) Empty() bool { return s.head.Load() == nil }

// Push adds the batch b.
func (s *Stack) Push(b *Batch) {
	n := int64(b.n) // b is not ours any more once it is pushed
	for {
		head := s.head.Load()
		b.SetNext(head)
		if s.head.CompareAndSwap(head, b) {
			s.frames.Add(n)
			return
		}
	}
}

// Take removes a batch, or returns nil if there is none. It takes the whole stack
// and puts back the rest; a taker that comes meanwhile may find nothing.
func (s *Stack) Take() *Batch {
	b := s.head.Swap(nil)
	if b == nil {
		return nil
	}
	s.putBack(b.Next())
	b.SetNext(nil)
	s.frames.Add(-int64(b.n))
	return b
}

// TakeAll empties the stack and returns the newest batch, to which the others
// are linked in order, or nil.
func (s *Stack) TakeAll() *Batch {
	chain := s.head.Swap(nil)
	if chain != nil {
		s.frames.Add(-framesIn(chain))
	}
	return chain
}

// PushAll adds a chain of batches, as TakeAll returned it or a part of it; nil
// adds nothing.
func (s *Stack) PushAll(chain *Batch) {
	if chain == nil {
		return
	}
	n := framesIn(chain)
	s.putBack(chain)
	s.frames.Add(n)
}

// Frames returns the number of frames on the stack: exact at rest, a moment old
// otherwise.
func (s *Stack) Frames() int { return int(max(0, s.frames.Load())) }

// Batches calls yield with each batch on the stack, newest first, until it returns
// false. Nobody may use the stack meanwhile.
func (s *Stack) Batches(yield func(*Batch) bool) {
	for b := s.head.Load(); b != nil; b = b.Next() {
		if !yield(b) {
			return
		}
	}
}

// putBack is PushAll without counting.
//
// The usual case is that nothing was pushed since the chain was taken, and costs
// one compare-and-swap whatever the chain's length. Otherwise the newcomers,
// which are few, are taken off and put on top of the chain.
func (s *Stack) putBack(chain *Batch) {
	for chain != nil && !s.head.CompareAndSwap(nil, chain) {
		newer := s.head.Swap(nil)
		for newer != nil {
			next := newer.Next()
			newer.SetNext(chain)
			chain, newer = newer, next
		}
	}
}

// framesIn returns the number of frames in a chain, which is the caller's.
func framesIn(chain *Batch) int64 {
	n := int64(0)
	for b := chain; b != nil; b = b.Next() {
		n += int64(b.n)
	}
	return n
}
