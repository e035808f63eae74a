package bins

import (
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// Why the stack needs no lock, no tags and no reclamation scheme.
//
// The stack is the chain of batches from head along their next links. A batch has one
// owner: one goroutine, or one stack. There are two steps that change a chain:
//
//	push:  h := head; b.next = h; head.CompareAndSwap(h, b)
//	take:  chain := head.Swap(nil)
//
// The push is Treiber's (IBM RJ 5118, 1986); taking everything at once is what mimalloc
// does with its thread-free lists. A taker that wants one batch keeps the first and puts
// the rest back (putBack): with a compare-and-swap from nil if the stack is still empty.
// Otherwise it takes the newcomers with another Swap and links them above the rest.
//
// Ownership. A successful compare-and-swap of push gives b to the stack. The Swap gives all
// batches of the chain to the taker. Two takers never get the same batch, since a Swap has
// one result and leaves nil. So the owner alone writes n, cold, next and slots, with plain
// stores.
//
// No ABA problem. Popping one element of such a stack is known to be dangerous: the popper
// reads next of the head, sleeps, and installs what it has read, while the head has been
// taken and pushed again with another next. Here no goroutine installs a link that it has
// read from a batch on the stack:
//
//   - A push installs b with b.next = h, if the head is h at that moment. The stack is then
//     b above whatever the stack was at that moment. It does not matter whether h left and
//     came back meanwhile, with other batches below it: b links to h alone.
//   - putBack compares with nil, and its chain belongs to the putter alone.
//
// No reclamation. A pusher compares the head and never dereferences it, and a taker
// dereferences only batches that it owns. So no one reads a batch that another goroutine
// has removed, except for Peek, which relies on the promise described in peek.go.
//
// Order. Go's atomics are sequentially consistent. What a pusher wrote to its batch and to
// the frames in it happens before its compare-and-swap. That is observed by the next push,
// which links to the batch, and so on up to the Swap, which observes the last of them. So a
// taker sees everything that the pushers of all batches in its chain wrote, and a frame
// that was freed on one thread can be used on another without further synchronisation.
//
// Progress. A compare-and-swap fails only if another goroutine's step succeeded, so the
// stack is lock-free.
//
// What is not promised. While a taker has the chain in hand, the stack looks empty,
// although it holds frames a moment later. A caller that cannot accept this counts the
// takers, as package arena does (arena/steal.go). putBack leaves the newcomers in reverse
// order: the order of batches is no promise when several goroutines use a stack.
//
// The count. frames is changed after the step that it counts, so
//
//	frames = frames in the chain, or in a putBack − pushed and not yet counted + taken and not yet counted
//
// It is exact at rest. It may be negative for a moment: a taker may count a batch before
// its pusher does. A sum carried in each batch would need no second atomic, but would be
// wrong for a push onto an h that was taken and came back with fewer frames below it.
//
// The steps are explored in all orders for three threads (TestInterleavingsOfStacks), and
// with each of them broken, which the tests must notice (TestInterleavingsOfStacksBroken,
// TestInterleavingsOfWrongStacks).

// Stack is a public stack of batches. Any goroutine may use it at any time, except for
// Batches. No operation blocks. The zero Stack is empty.
type Stack struct {
	// head is the batch on top, or nil. Pushers write it with a compare-and-swap, which
	// publishes their batch; takers with a Swap, which acquires all batches of the chain. A
	// taker whose Swap comes after a push in the order of all atomics does not miss its
	// batch, unless another taker has it.
	head interleave.Pointer[Batch]

	// frames is the number of frames on the stack, for statistics. Pushers and takers add
	// and subtract after their step; Frames, Peek and trims read it. Nothing is published
	// through it.
	frames interleave.Int64

	// A stack fills a pair of cache lines. So pushes to the stack of one class slow neither
	// takers of another class nor the owner's private lists.
	_ [128 - 2*8]byte
}

var _ [128 - unsafe.Sizeof(Stack{})]struct{}
var _ [unsafe.Sizeof(Stack{}) - 128]struct{}

// Empty reports whether the stack was empty at that moment. It is one load of a cache line
// that is rarely written, and saves a taker the exchange.
func (s *Stack) Empty() bool { return s.head.Load() == nil }

// Push adds the batch b, which the caller owns. Afterwards the stack owns it.
func (s *Stack) Push(b *Batch) {
	n := int64(b.n) // loaded now, because another goroutine may own b once it is pushed
	for {
		head := s.head.Load()
		b.SetNext(head)
		if s.head.CompareAndSwap(head, b) {
			s.frames.Add(n)
			return
		}
	}
}

// Take removes a batch and returns it, or nil if there is none. The caller owns it
// afterwards. Take takes the whole stack and puts the rest back: another taker that comes
// in between finds nothing.
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

// TakeAll empties the stack and returns its chain of batches, the one on top first, or nil.
// The caller owns all of them afterwards.
func (s *Stack) TakeAll() *Batch {
	chain := s.head.Swap(nil)
	if chain != nil {
		s.frames.Add(-framesIn(chain))
	}
	return chain
}

// PushAll adds a chain of batches that the caller owns: one that TakeAll returned, or the
// rest of one. nil adds nothing.
func (s *Stack) PushAll(chain *Batch) {
	if chain == nil {
		return
	}
	n := framesIn(chain)
	s.putBack(chain)
	s.frames.Add(n)
}

// Frames returns the number of frames on the stack. It is exact at rest, and a moment old
// otherwise.
func (s *Stack) Frames() int { return int(max(0, s.frames.Load())) }

// Batches is an iterator over the batches on the stack, from the top. No goroutine may use
// the stack during the loop.
func (s *Stack) Batches(yield func(*Batch) bool) {
	for b := s.head.Load(); b != nil; b = b.Next() {
		if !yield(b) {
			return
		}
	}
}

// putBack is PushAll without counting.
//
// Usually nothing was pushed since the chain was taken. Then putBack is one
// compare-and-swap, however long the chain is. Otherwise the newcomers, which are few, are
// taken off, which makes them the caller's, and linked above the chain.
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

// framesIn returns the number of frames in a chain that the caller owns.
func framesIn(chain *Batch) int64 {
	n := int64(0)
	for b := chain; b != nil; b = b.Next() {
		n += int64(b.n)
	}
	return n
}
