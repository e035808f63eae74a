package arena_test

import (
	"bytes"
	"fmt"
	"log"

	"github.com/framearena/framearena/arena"
)

// Two tenants share an arena. Neither can use up the other's budget.
func ExampleBounded() {
	shared, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	red := arena.NewBounded(shared, 1024)
	blue := arena.NewBounded(shared, 1024)

	first := red.Allocate(500) // takes 512 bytes
	second := red.Allocate(500)
	fmt.Println("red gets a third frame:", red.Allocate(500) != nil)
	other := blue.Allocate(500)
	fmt.Println("blue gets one:", other != nil)

	red.Deallocate(first, 500)
	red.Deallocate(second, 500)
	blue.Deallocate(other, 500)
	s := red.Stats()
	fmt.Println("red:", s.Bytes, "of", s.MaxBytes, "bytes, at most", s.PeakBytes, "and refused", s.Refused)
	if err := shared.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// red gets a third frame: false
	// blue gets one: true
	// red: 0 of 1024 bytes, at most 1024 and refused 1
}

// The frames of a batch are released at once.
func ExampleMonotonic() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	batch := arena.NewMonotonic(a, 0)
	for range 2 {
		for size := range uintptr(1000) {
			if batch.Allocate(size) == nil {
				log.Fatal(arena.ErrExhausted)
			}
		}
		s := batch.Stats()
		fmt.Println(s.Live, "frames in", s.Blocks, "blocks of together", s.Bytes>>10, "KiB")
		batch.Release()
	}
	if err := a.Close(); err != nil { // nothing is left
		log.Fatal(err)
	}
	// Output:
	// 1000 frames in 8 blocks of together 512 KiB
	// 1000 frames in 8 blocks of together 512 KiB
}

// A trace shows which frames were allocated, and how long they lived.
func ExampleTrace() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	var record bytes.Buffer
	trace := arena.NewTrace(a, &record)
	worker := trace.Thread()

	request := trace.Allocate(300)
	buffer := worker.Allocate(5000)
	worker.Deallocate(request, 300)
	trace.Deallocate(buffer, 5000)
	if err := trace.Close(); err != nil {
		log.Fatal(err)
	}

	r, err := arena.NewTraceReader(&record)
	if err != nil {
		log.Fatal(err)
	}
	for e, err := range r.All() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("thread %d: %s frame %d of %d bytes", e.Thread, e.Op, e.Frame, e.Size)
		if e.Op == arena.TraceDeallocate {
			fmt.Printf(", after %d operations", e.LifeOps)
		}
		fmt.Println()
	}
	if err := a.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// thread 0: allocate frame 1 of 300 bytes
	// thread 1: allocate frame 2 of 5000 bytes
	// thread 1: deallocate frame 1 of 300 bytes, after 2 operations
	// thread 0: deallocate frame 2 of 5000 bytes, after 2 operations
}
