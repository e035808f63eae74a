package arena_test

import (
	"fmt"
	"log"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// session is made of numbers only, as whatever lies in a frame must be.
type session struct {
	id       uint64
	received [8]uint32
}

func ExampleArena() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	p := a.Allocate(unsafe.Sizeof(session{}))
	if p == nil {
		log.Fatal(arena.ErrExhausted)
	}
	s := (*session)(p)
	*s = session{id: 7} // what was in the frame before is undefined
	s.received[0]++
	fmt.Println(s.id, s.received)

	a.Deallocate(p, unsafe.Sizeof(session{}))
	if err := a.Close(); err != nil {
		log.Fatal(err)
	}
	// Output: 7 [1 0 0 0 0 0 0 0]
}

// A worker that allocates all the time owns a cache. Frames that it frees are the
// next ones it gets and, once they are published, anyone's.
func ExampleArena_NewCache() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	const size = unsafe.Sizeof(session{})
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			c := a.NewCache()
			defer c.Close()
			for id := range uint64(1000) {
				p := c.Allocate(size)
				*(*session)(p) = session{id: id}
				c.Deallocate(p, size)
			}
		})
	}
	workers.Wait()
	s := a.Stats()
	fmt.Println("live:", s.Total.Live, "slabs:", s.Total.Slabs)
	fmt.Println(a.Close())
	// Output:
	// live: 0 slabs: 1
	// <nil>
}

// At its limit, an arena returns nil. Live frames are not touched, and after frames are freed,
// Allocate succeeds again.
func ExampleWithMaxBytes() {
	a, err := arena.New(arena.WithMaxBytes(2 << 20))
	if err != nil {
		log.Fatal(err)
	}
	c := a.NewCache()
	const size = 60_000 // takes 64 KiB
	var frames []unsafe.Pointer
	for p := c.Allocate(size); p != nil; p = c.Allocate(size) {
		frames = append(frames, p)
	}
	fmt.Println(len(frames), "frames fit;", a.Stats().Refusals, "request was refused")
	for _, p := range frames {
		c.Deallocate(p, size)
	}
	p := c.Allocate(size)
	fmt.Println("served again:", p != nil)
	c.Deallocate(p, size)
	// Output:
	// 32 frames fit; 1 request was refused
	// served again: true
}

// The same code on two allocators. Counting says how much it allocates, and so
// whether it is worth a thought where the memory comes from.
func ExampleCounting() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	for _, next := range []arena.FrameAllocator{new(arena.Heap), a} {
		counting := arena.NewCounting(next)
		list := push(push(push(0, counting, 1), counting, 2), counting, 3)
		fmt.Println(drain(list, counting), counting.Stats().Allocated, counting.Stats().PeakBytes)
	}
	// Output:
	// [3 2 1] 3 48
	// [3 2 1] 3 48
}

// node refers to the next node by its address: a number, not a pointer.
type node struct {
	next  uintptr
	value uint64
}

const nodeSize = 16 // on 32-bit machines a node has 12 bytes

func push(list uintptr, f arena.FrameAllocator, value uint64) uintptr {
	n := (*node)(f.Allocate(nodeSize))
	n.next, n.value = list, value
	return uintptr(unsafe.Pointer(n))
}

func drain(list uintptr, f arena.FrameAllocator) (values []uint64) {
	for list != 0 {
		n := *(**node)(unsafe.Pointer(&list)) // the address, as a pointer
		values = append(values, n.value)
		list = n.next
		f.Deallocate(unsafe.Pointer(n), nodeSize)
	}
	return values
}

// tenant is a FrameAllocator of the user's own: it gives one customer's sessions
// so many frames, and leaves the rest of the arena to the others.
type tenant struct {
	shared arena.FrameAllocator

	mu   sync.Mutex
	left int
}

func (t *tenant) Allocate(size uintptr) unsafe.Pointer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left == 0 {
		return nil
	}
	p := t.shared.Allocate(size)
	if p != nil {
		t.left--
	}
	return p
}

func (t *tenant) Deallocate(p unsafe.Pointer, size uintptr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shared.Deallocate(p, size)
	t.left++
}

func ExampleFrameAllocator() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	var f arena.FrameAllocator = &tenant{shared: a, left: 2}
	first, second, third := f.Allocate(256), f.Allocate(256), f.Allocate(256)
	fmt.Println(first != nil, second != nil, third != nil)
	f.Deallocate(first, 256)
	f.Deallocate(second, 256)
	fmt.Println(a.Close())
	// Output:
	// true true false
	// <nil>
}
