package fuzz_test

import (
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/fuzz"
	"github.com/framearena/framearena/internal/testkit/allocators"
	"github.com/framearena/framearena/slab"
)

// fuzzOurs fuzzes the allocator of this project with the given name.
func fuzzOurs(f *testing.F, name string) {
	for _, a := range allocators.All() {
		if a.Name == name {
			fuzz.Fuzz(f, a.New, a.Promises)
			return
		}
	}
	f.Fatalf("no allocator is named %q", name)
}

func FuzzArena(f *testing.F)      { fuzzOurs(f, "arena") }
func FuzzSmallArena(f *testing.F) { fuzzOurs(f, "small arena") }
func FuzzCache(f *testing.F)      { fuzzOurs(f, "cache") }
func FuzzCounting(f *testing.F)   { fuzzOurs(f, "counting") }
func FuzzBounded(f *testing.F)    { fuzzOurs(f, "bounded") }
func FuzzMonotonic(f *testing.F)  { fuzzOurs(f, "monotonic") }
func FuzzHeap(f *testing.F)       { fuzzOurs(f, "heap") }

// FuzzCaches uses caches on several goroutines. The input selects the load.
func FuzzCaches(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(0))
	f.Add(uint64(2), uint8(2), uint8(1))
	f.Add(uint64(3), uint8(3), uint8(2))
	f.Add(uint64(4), uint8(16), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, goroutines, kind uint8) {
		promises := allocators.ArenaPromises()
		var with []arena.Option
		if kind&1 != 0 {
			with = append(with, arena.WithMaxBytes(24*slab.Size), arena.WithRegionBytes(slab.Size))
			promises = append(promises, fuzz.MayRefuse())
		}
		if kind&2 != 0 {
			with = append(with, arena.WithChecks(32<<10))
		}
		fuzz.Stress(t, allocators.Arena(with...), promises, fuzz.Seed(seed), fuzz.Goroutines(1+int(goroutines)%16), fuzz.Operations(2000))
	})
}
