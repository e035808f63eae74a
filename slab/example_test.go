package slab_test

import (
	"errors"
	"fmt"
	"log"
	"unsafe"

	"github.com/framearena/framearena/slab"
)

// use is what this program keeps about a slab.
type use struct {
	owner string
}

func Example() {
	store := slab.NewStore[use](slab.Config{RegionBytes: 8 * slab.Size})
	defer store.Close()

	s, err := store.Acquire()
	if errors.Is(err, slab.ErrRefused) {
		log.Fatal("no memory: ", err)
	}
	s.Desc.owner = "sessions"

	// From any address inside the slab, its descriptor is found.
	p := unsafe.Add(s.Base(), 123_456)
	fmt.Println(store.Find(p).Desc.owner)

	stats := store.Stats()
	fmt.Println(stats.Slabs, "slab of", stats.SlabBytes>>20, "MiB;", stats.Reserved>>20, "MiB of address space")

	if err := store.Return(s); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Stats().Slabs, "slabs")
	// Output:
	// sessions
	// 1 slab of 2 MiB; 16 MiB of address space
	// 0 slabs
}

// Memory that is too large for a slab gets pages of its own.
func ExampleStore_Map() {
	store := slab.NewStore[struct{}](slab.Config{})
	defer store.Close()

	p, err := store.Map(5_000_000)
	if err != nil {
		log.Fatal(err)
	}
	numbers := unsafe.Slice((*int64)(p), 5_000_000/8)
	numbers[len(numbers)-1] = 7
	fmt.Println(numbers[0], numbers[len(numbers)-1], store.Stats().Large)

	if err := store.Unmap(p, 5_000_000); err != nil {
		log.Fatal(err)
	}
	fmt.Println(store.Stats().Large)

	_, err = store.Map(^uintptr(0))
	fmt.Println(errors.Is(err, slab.ErrRefused))
	// Output:
	// 0 7 1
	// 0
	// true
}
