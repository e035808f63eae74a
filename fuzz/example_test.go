package fuzz_test

import (
	"fmt"
	"regexp"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/fuzz"
)

// shelf is the allocator under test. It keeps freed frames on a shelf for each size, in
// steps of 64 bytes, and cuts new frames from blocks of another allocator.
type shelf struct {
	next    arena.FrameAllocator
	blocks  []unsafe.Pointer
	rest    unsafe.Pointer // the unused part of the newest block
	left    uintptr        // its size in bytes
	shelves [shelfSizes][]unsafe.Pointer
	live    int
}

const (
	shelfStep  = 64
	shelfSizes = 64
	shelfBlock = 64 << 10
)

// shelfOf returns the index of the shelf for frames of size bytes.
func shelfOf(size uintptr) uintptr { return (max(size, 1) - 1) / shelfStep }

func (s *shelf) Allocate(size uintptr) unsafe.Pointer {
	i := shelfOf(size)
	if i >= shelfSizes {
		return nil
	}
	p := s.take(i)
	if p != nil {
		s.live++
	}
	return p
}

func (s *shelf) take(i uintptr) unsafe.Pointer {
	if n := len(s.shelves[i]); n > 0 {
		p := s.shelves[i][n-1]
		s.shelves[i] = s.shelves[i][:n-1]
		return p
	}
	n := (i + 1) * shelfStep
	if s.left < n {
		block := s.next.Allocate(shelfBlock)
		if block == nil {
			return nil
		}
		s.blocks = append(s.blocks, block)
		s.rest, s.left = block, shelfBlock
	}
	p := s.rest
	s.rest, s.left = unsafe.Add(p, n), s.left-n
	return p
}

func (s *shelf) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	s.live--
	i := shelfOf(size)
	s.shelves[i] = append(s.shelves[i], p)
}

// Release gives all blocks back.
func (s *shelf) Release() {
	for _, block := range s.blocks {
		s.next.Deallocate(block, shelfBlock)
	}
	*s = shelf{next: s.next}
}

func newShelf(t testing.TB) arena.FrameAllocator {
	s := &shelf{next: fuzz.NewMemory(t)}
	t.Cleanup(s.Release)
	return s
}

var shelfPromises = fuzz.Promises{
	fuzz.MaxSize(shelfSizes * shelfStep),
	fuzz.Recycles(shelfSizes*shelfStep, 0),
	fuzz.LiveFrames(func(s *shelf) int { return s.live }),
}

func TestShelf(t *testing.T) { fuzz.Check(t, newShelf, shelfPromises) }

func FuzzShelf(f *testing.F) { fuzz.Fuzz(f, newShelf, shelfPromises) }

// forgetful is a shelf with a fault: it rounds a size that is one more than a multiple of 64
// bytes down.
type forgetful struct{ shelf }

func (f *forgetful) Allocate(size uintptr) unsafe.Pointer {
	if size%shelfStep == 1 {
		size--
	}
	return f.shelf.Allocate(size)
}

func newForgetful(t testing.TB) arena.FrameAllocator {
	f := &forgetful{shelf{next: fuzz.NewMemory(t)}}
	t.Cleanup(f.Release)
	return f
}

// A failure shows the invariant, what happened, and a test that repeats it.
func ExampleCheck() {
	fuzz.Check(output{}, newForgetful, fuzz.Sizes(4000))
	// Output:
	// fuzz: Overlap: frame 3, of 65 bytes at 0x…, shares bytes with frame 2, of 1 bytes at 0x…
	// To reproduce it:
	//
	// func TestReproduction(t *testing.T) {
	// 	fuzz.Replay(t, newForgetful, fuzz.Program{
	// 		{Do: fuzz.Allocate, Frame: 1, Size: 1},
	// 		{Do: fuzz.Allocate, Frame: 2, Size: 1},
	// 		{Do: fuzz.Free, Frame: 1},
	// 		{Do: fuzz.Allocate, Frame: 3, Size: 65},
	// 	}, promises) // what the failed test promised
	// }
}

// output prints what a test reports, without addresses.
type output struct{ testing.TB }

func (output) Helper() {}
func (output) Fatal(args ...any) {
	fmt.Print(addresses.ReplaceAllString(fmt.Sprint(args...), "0x…"))
}

var addresses = regexp.MustCompile("0x[0-9a-f]+")
