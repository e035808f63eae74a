//go:build !framecheck

package arena_test

import (
	"fmt"
	"log"

	"github.com/framearena/framearena/arena"
)

// Close reports the frames that were not freed. The arena stays open, and can be closed later.
func ExampleArena_Close() {
	a, err := arena.New()
	if err != nil {
		log.Fatal(err)
	}
	small, large := a.Allocate(100), a.Allocate(1000)
	fmt.Println(a.Close())
	a.Deallocate(small, 100)
	a.Deallocate(large, 1000)
	fmt.Println(a.Close())
	// Output:
	// arena: frames are live: 1 of 128 bytes, 1 of 1024 bytes
	// <nil>
}
