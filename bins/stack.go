package bins

import "sync/atomic"

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
	head atomic.Pointer[Batch]

	// A pair of cache lines of its own: pushes of one class by their owner must
	// not slow takers of another class or the owner's private lists.
	_ [128 - wordBytes]byte
}

// Empty reports whether the stack was empty at that moment. It is one load of a
// line that is rarely written, and saves a taker an exchange.
func (s *Stack) Empty() bool { return s.head.Load() == nil }

// Push adds the batch b.
func (s *Stack) Push(b *Batch) {
	for {
		head := s.head.Load()
		b.link(head)
		if s.head.CompareAndSwap(head, b) {
			return
		}
	}
}

// TakeAll empties the stack and returns the newest batch, to which the others
// are linked in order, or nil.
func (s *Stack) TakeAll() *Batch { return s.head.Swap(nil) }

// PushAll adds a chain of batches, as TakeAll returned it or a part of it.
//
// The usual case is that nothing was pushed since the chain was taken, and costs
// one compare-and-swap whatever the chain's length. Otherwise the newcomers,
// which are few, are taken off and put on top of the chain.
func (s *Stack) PushAll(chain *Batch) {
	for chain != nil && !s.head.CompareAndSwap(nil, chain) {
		newer := s.TakeAll()
		for newer != nil {
			next := newer.Next()
			newer.link(chain)
			chain, newer = newer, next
		}
	}
}

// Frames returns the number of frames on the stack: exact at rest, a moment old
// otherwise.
func (s *Stack) Frames() int {
	b := s.head.Load()
	if b == nil {
		return 0
	}
	// b may have been taken meanwhile; its memory is still a Batch, and total is
	// read whole.
	return int(b.total.Load())
}

// link puts b on top of below. The caller owns b, and either owns below or will
// find out by a failing compare-and-swap that it was taken.
func (b *Batch) link(below *Batch) {
	total := b.n
	if below != nil {
		total += below.total.Load()
	}
	b.SetNext(below)
	b.total.Store(total)
}
