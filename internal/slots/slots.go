// Package slots has memory on the Go heap for values that frames refer to by integers: slots that
// are made when none is free, used again, and kept until TrimAll finds that no slot of their
// block is in use. So the collector sees what the values refer to, and the steady state allocates
// nothing.
package slots

import (
	"math/bits"
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/internal/offheap"
)

// Of is all slots with values of one type. Init makes it ready, once, before any other method.
// It must not be copied. Its methods may be called from any goroutine.
//
// A free slot is in one of three places, and moves between them in batches:
//
//   - a list of each Local, which one goroutine at a time uses;
//   - a shard, for callers without a Local, such as launches from outside;
//   - central, where Locals leave what they have too many of or, when they are idle, all that
//     they have.
//
// There are as many slots as once were in use at the same time, plus the free ones that
// others do not find: at most 2*Batch in each Local and each shard; rounded up to a block.
//
// # Why no slot has two users
//
// Nothing here is atomic. A slot is in one list or in use. The lists of a Local belong to
// one goroutine at a time; each shard's list is guarded by the shard's mu, and central by mu.
// Lists change places as a whole: the slots of a batch are cut off under the lock of the
// list that they leave, and belong to the caller until they are in the next list.
//
// A user clears what the value must not keep alive or hand on before it calls Put, on the
// goroutine that had the slot. The next user sees all that the last one wrote, because the
// slot comes to it through a lock, or through the same Local.
//
// Order of locks: growing, and then a shard's mu or mu. No two others are held together.
type Of[T any] struct{ store }

// A Slot holds one value. Its address is fixed. Who may touch Value is the user's affair; in a
// free slot nobody does.
type Slot[T any] struct {
	node
	Value T
}

// Packed is Of for values of whose slots the list takes the first word while they are free, so that a
// slot has the size of its value. The value's first word has no Go pointer. It is zero when the slot
// is taken; all other words are what the last user has left there.
type Packed[T any] struct{ store }

// Init makes s ready.
func (s *Packed[T]) Init() {
	_ = [1]struct{}{}[unsafe.Sizeof(*new(T))%unsafe.Alignof(node{})] // whole words
	s.init(reflect.TypeFor[T]())
}

// Take is as that of Of.
func (s *Packed[T]) Take(own *Local) *T { return (*T)(unsafe.Pointer(s.take(own))) }

// Put is as that of Of.
func (s *Packed[T]) Put(own *Local, v *T) {
	n := (*node)(unsafe.Pointer(v))
	n.next = 0
	s.put(own, n)
}

// store is Of without the type.
type store struct {
	index int          // of the list in every Local; not changed
	slot  reflect.Type // of the slots; not changed

	growing sync.Mutex // held while looking for the last free slots
	blocks  []*node    // the first slot of each block, which keeps the block alive; guarded by growing
	made    int        // slots in blocks; guarded by growing

	mu      sync.Mutex // guards central
	central []list     // none empty, and none longer than Batch unless a Local left it

	shards []shard // a power of two; not changed
}

// node is what a slot begins with. It belongs to the list that the slot is in.
type node struct {
	// next is the next one in a list; 0 in a slot that is in use. It is an integer, so that slots
	// of values without Go pointers have none, and the collector does not look at them: blocks
	// keeps the slots.
	next offheap.Link[node]
}

// shard is free slots for callers without a Local.
type shard struct {
	mu   sync.Mutex
	free list                                  // guarded by mu
	_    [128 - 8 - unsafe.Sizeof(list{})]byte // different threads use shards
}

// A Local is the free slots of one goroutine at a time, of all types. The zero Local is empty
// and ready. A nil *Local is none.
type Local struct {
	lists []localList // by store.index
}

// localList is a Local's free slots of one type.
type localList struct {
	free list
	of   *store // nil if the Local never had a slot of that type
}

const (
	// Batch is how many slots move together.
	Batch = 32

	maxBlockLen = 64
	blockBytes  = 32 << 10 // a block has fewer slots than maxBlockLen if it would be larger
	maxShards   = 16

	// minLists is the least number of lists in a Local that has any. So many, and twice as
	// many, fill whole cache lines, to which no other thread writes.
	minLists = 8
)

// stores is how many stores there are. Init adds 1 and takes the sum, so each index is given
// out once.
var stores atomic.Int64

// Init makes s ready.
func (s *Of[T]) Init() { s.init(reflect.TypeFor[Slot[T]]()) }

// Take returns a free slot, which belongs to the caller until Put. Its value is what the last
// user has left there, and zero at first. own is the calling goroutine's Local, or nil.
func (s *Of[T]) Take(own *Local) *Slot[T] { return (*Slot[T])(unsafe.Pointer(s.take(own))) }

// Put takes back a slot that the caller has from Take. own is the calling goroutine's Local, or
// nil.
func (s *Of[T]) Put(own *Local, n *Slot[T]) { s.put(own, &n.node) }

// newBlock makes a block of slots of the given type, each of which begins with its node, and links them.
func newBlock(slot reflect.Type) *node {
	n := blockLen(slot.Size())
	block := reflect.MakeSlice(reflect.SliceOf(slot), n, n).UnsafePointer()
	at := func(i int) *node { return (*node)(unsafe.Add(block, uintptr(i)*slot.Size())) }
	for i := range n - 1 {
		at(i).next.Set(at(i + 1))
	}
	return at(0)
}

// blockLen returns how many slots of size bytes a block has. A block of small slots fits, with
// the word that the runtime puts before an object with pointers, in a size class that it fills.
func blockLen(size uintptr) int {
	const word = unsafe.Sizeof(uintptr(0))
	most := uintptr(blockBytes)
	switch {
	case size <= 128:
		most = 4096 - word
	case size <= 256:
		most = 8192 - word
	}
	return int(max(1, min(maxBlockLen, most/size)))
}

func (s *store) init(slot reflect.Type) {
	s.index = int(stores.Add(1) - 1)
	s.slot = slot
	s.shards = make([]shard, min(maxShards, 1<<bits.Len(uint(runtime.NumCPU()-1))))
	every.add(s)
}

func (s *store) take(own *Local) *node {
	if own == nil {
		shard := &s.shards[int(rand.Uint32())&(len(s.shards)-1)]
		shard.mu.Lock()
		if shard.free.n > 0 {
			n := shard.free.pop()
			shard.mu.Unlock()
			return n
		}
		shard.mu.Unlock()
		// Not under the shard's lock: refill takes those of other shards.
		batch := s.refill()
		n := batch.pop()
		s.shareOut(shard, batch)
		return n
	}
	l := own.list(s)
	if l.n == 0 {
		*l = s.refill()
	}
	return l.pop()
}

// shareOut leaves a batch in a shard, or in central if another caller has filled the shard.
func (s *store) shareOut(shard *shard, batch list) {
	shard.mu.Lock()
	if shard.free.n == 0 {
		shard.free, batch = batch, list{}
	}
	shard.mu.Unlock()
	s.publish(batch)
}

func (s *store) put(own *Local, n *node) {
	if own == nil {
		s.publish(list{first: n, n: 1})
		return
	}
	l := own.list(s)
	l.push(n)
	if l.n == 2*Batch {
		s.publish(l.cut(Batch))
	}
}

// publish adds a list to central.
func (s *store) publish(l list) {
	if l.n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Few full batches rather than many short ones.
	if last := len(s.central) - 1; last >= 0 && s.central[last].n+l.n <= Batch {
		s.central[last].prepend(l)
		return
	}
	s.central = append(s.central, l)
}

// batch takes a list out of central. It is empty if central is.
func (s *store) batch() (l list) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.central) - 1; last >= 0 {
		l, s.central[last] = s.central[last], list{}
		s.central = s.central[:last]
	}
	return l
}

// refill returns at least one free slot: from central, else from a shard, else new.
func (s *store) refill() list {
	if l := s.batch(); l.n > 0 {
		return l
	}
	s.growing.Lock()
	defer s.growing.Unlock()
	// The previous holder of the lock may have made some.
	if l := s.batch(); l.n > 0 {
		return l
	}
	first := int(rand.Uint32())
	for i := range s.shards {
		if l := s.shards[(first+i)&(len(s.shards)-1)].half(); l.n > 0 {
			return l
		}
	}
	block := newBlock(s.slot)
	s.blocks = append(s.blocks, block)
	l := list{first: block}
	for n := block; n != nil; n = n.next.Get() {
		l.n++
	}
	s.made += l.n
	if l.n > Batch {
		rest := l
		l = rest.cut(Batch)
		s.publish(rest)
	}
	return l
}

// half takes half of the shard's slots, rounded up.
func (s *shard) half() list {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free.cut((s.free.n + 1) / 2)
}

// list returns l's list of free slots of s.
func (l *Local) list(s *store) *list {
	if s.index < len(l.lists) && l.lists[s.index].of != nil {
		return &l.lists[s.index].free
	}
	if s.index >= len(l.lists) {
		lists := make([]localList, max(minLists, 1<<bits.Len(uint(s.index))))
		copy(lists, l.lists)
		l.lists = lists
	}
	l.lists[s.index].of = s
	return &l.lists[s.index].free
}

// Publish moves the free slots of l to where others find them. It is called by the goroutine
// that uses l, before it goes idle or ends.
func (l *Local) Publish() {
	for i := range l.lists {
		if own := &l.lists[i]; own.free.n > 0 {
			own.of.publish(own.free)
			own.free = list{}
		}
	}
}

// list is a list of free slots. It belongs to whatever it is in: a Local, or a lock's holder.
type list struct {
	first *node
	n     int // its length
}

// push adds a slot at the front.
func (l *list) push(n *node) {
	n.next.Set(l.first)
	l.first = n
	l.n++
}

// pop takes the slot at the front. There must be one.
func (l *list) pop() *node {
	n := l.first
	l.first = n.next.Get()
	n.next = 0
	l.n--
	return n
}

// cut takes the first n slots off. There must be so many.
func (l *list) cut(n int) list {
	if n == 0 {
		return list{}
	}
	front := list{l.first, n}
	last := l.first
	for range n - 1 {
		last = last.next.Get()
	}
	l.first = last.next.Get()
	l.n -= n
	last.next = 0
	return front
}

// prepend puts all of front, which must not be empty, before l.
func (l *list) prepend(front list) {
	last := front.first
	for last.next != 0 {
		last = last.next.Get()
	}
	last.next.Set(l.first)
	l.first = front.first
	l.n += front.n
}

// Around returns the slot whose value v is.
func Around[T any](v *T) *Slot[T] {
	return (*Slot[T])(unsafe.Add(unsafe.Pointer(v), -int(unsafe.Offsetof(Slot[T]{}.Value))))
}
