package slab_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
)

// backings are the ways to back slabs with memory.
var backings = []struct {
	name string
	slab.Config
}{
	{"pages", slab.Config{}},
	{"prefault", slab.Config{Prefault: true}},
	{"huge", slab.Config{HugePages: true}},
	{"huge-prefault", slab.Config{HugePages: true, Prefault: true}},
}

// BenchmarkFillSlab acquires a slab, writes to each of its pages as a burst of
// tasks does, and returns it.
func BenchmarkFillSlab(b *testing.B) {
	for _, backing := range backings {
		b.Run(backing.name, func(b *testing.B) {
			s := newStore(b, backing.Config)
			b.SetBytes(slab.Size)
			for b.Loop() {
				sl, err := s.Acquire()
				if err != nil {
					b.Fatal(err)
				}
				for at := uintptr(0); at < slab.Size; at += slab.PageSize() {
					*(*byte)(unsafe.Add(sl.Base(), at)) = 1
				}
				if err := s.Return(sl); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAcquireReturn is what Trim and a change of a slab's class cost without
// the page faults.
func BenchmarkAcquireReturn(b *testing.B) {
	s := newStore(b, slab.Config{})
	for b.Loop() {
		sl, err := s.Acquire()
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Return(sl); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRandomAccess follows a chain through frames of 128 B that are spread
// over 128 MiB in random order, as waking tasks does: huge pages spare the
// misses of the address translation.
func BenchmarkRandomAccess(b *testing.B) {
	const (
		slabs = 64
		frame = 128
	)
	for _, backing := range backings {
		if backing.Prefault {
			continue // no different once the pages are there
		}
		b.Run(backing.name, func(b *testing.B) {
			s := newStore(b, slab.Config{RegionBytes: slabs * slab.Size, HugePages: backing.HugePages})
			order := make([]unsafe.Pointer, 0, slabs*slab.Size/frame)
			for range slabs {
				sl, err := s.Acquire()
				if err != nil {
					b.Fatal(err)
				}
				for at := 0; at < slab.Size; at += frame {
					order = append(order, unsafe.Add(sl.Base(), at))
				}
			}
			random := rand.New(rand.NewPCG(1, 2))
			random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
			for i, p := range order {
				*(*uintptr)(p) = uintptr(order[(i+1)%len(order)])
			}
			p := order[0]
			b.ResetTimer()
			for range b.N {
				p = *(*unsafe.Pointer)(p)
			}
			b.StopTimer()
			if p == nil {
				b.Fatal("the chain ends")
			}
		})
	}
}

// BenchmarkRegion acquires 128 slabs of a new store, by the size of a region, and
// closes it: the price of the system calls.
func BenchmarkRegion(b *testing.B) {
	const slabs = 128
	for _, region := range []uintptr{1, 4, 8, 32, 128} {
		b.Run(fmt.Sprintf("%dMiB", region*slab.Size>>20), func(b *testing.B) {
			for b.Loop() {
				s := slab.NewStore[note](slab.Config{RegionBytes: region * slab.Size})
				for range slabs {
					if _, err := s.Acquire(); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*slabs), "ns/slab")
		})
	}
}

// BenchmarkFind looks for the slab of an address, by the number of regions.
func BenchmarkFind(b *testing.B) {
	for _, regions := range []int{1, 8, 64} {
		if slab.FromHeap && regions > 8 {
			continue // too much memory for a benchmark of an address
		}
		b.Run(fmt.Sprint(regions), func(b *testing.B) {
			s := newStore(b, slab.Config{RegionBytes: 2 * slab.Size})
			var slabs []*slab.Slab[note]
			for range 2 * regions {
				sl, err := s.Acquire()
				if err != nil {
					b.Fatal(err)
				}
				slabs = append(slabs, sl)
			}
			i, found := 0, 0
			b.ResetTimer()
			for range b.N {
				if i++; i == len(slabs) {
					i = 0
				}
				if s.Find(slabs[i].Base()) == slabs[i] {
					found++
				}
			}
			b.StopTimer()
			if found != b.N {
				b.Fatal("not found")
			}
		})
	}
}
