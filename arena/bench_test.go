package arena_test

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// An operation is one frame, allocated and freed, unless a benchmark says
// otherwise. The names that end in 128 have counterparts for C and C++ allocators.

func BenchmarkCachePair128(b *testing.B) {
	c := open(b).NewCache()
	defer c.Close()
	b.ResetTimer()
	for range b.N {
		c.Deallocate(c.Allocate(128), 128)
	}
}

// As package coro allocates: the class is known, and the fast path inlined.
func BenchmarkCacheClassPair128(b *testing.B) {
	c := open(b).NewCache()
	defer c.Close()
	place := arena.PlaceOf(bins.ClassOf(128))
	b.ResetTimer()
	for range b.N {
		p := c.TryAllocateAt(place)
		if p == nil {
			p = c.Allocate(128)
		}
		if !c.TryDeallocateAt(p, place) {
			c.Deallocate(p, 128)
		}
	}
}

// batch is how many frames are live at once in the batch benchmarks.
const batch = 1000

func BenchmarkCacheBatch128(b *testing.B) {
	c := open(b).NewCache()
	defer c.Close()
	frames := new([batch]unsafe.Pointer)
	b.ResetTimer()
	for left := b.N; left > 0; left -= batch {
		some := frames[:min(left, batch)]
		for i := range some {
			some[i] = c.Allocate(128)
		}
		for _, p := range some {
			c.Deallocate(p, 128)
		}
	}
}

// The same through the fast paths, which are inlined.
func BenchmarkCacheClassBatch128(b *testing.B) {
	place := arena.PlaceOf(bins.ClassOf(128))
	c := open(b).NewCache()
	defer c.Close()
	frames := new([batch]unsafe.Pointer)
	b.ResetTimer()
	for left := b.N; left > 0; left -= batch {
		some := frames[:min(left, batch)]
		for i := range some {
			p := c.TryAllocateAt(place)
			if p == nil {
				p = c.Allocate(128)
			}
			some[i] = p
		}
		for _, p := range some {
			if !c.TryDeallocateAt(p, place) {
				c.Deallocate(p, 128)
			}
		}
	}
}

// One goroutine allocates, another frees, each with a cache of its own.
func BenchmarkRingHandover128(b *testing.B) {
	a := open(b)
	producer, consumer := a.NewCache(), a.NewCache()
	defer producer.Close()
	defer consumer.Close()
	r := newRing()
	var ready, consuming sync.WaitGroup
	ready.Add(1)
	n := b.N
	consuming.Go(func() {
		in := r.receiver()
		ready.Done()
		for range n {
			consumer.Deallocate(in.receive(), 128)
		}
	})
	ready.Wait()
	out := r.sender()
	b.ResetTimer()
	for range n {
		out.send(producer.Allocate(128))
	}
	out.flush()
	consuming.Wait()
	b.StopTimer()
}

// The ring alone: the same frames go round, and nothing is allocated.
func BenchmarkRingAlone(b *testing.B) {
	r := newRing()
	var ready, consuming sync.WaitGroup
	ready.Add(1)
	n := b.N
	consuming.Go(func() {
		in := r.receiver()
		ready.Done()
		for range n {
			in.receive()
		}
	})
	ready.Wait()
	frame := unsafe.Pointer(new([128]byte))
	out := r.sender()
	b.ResetTimer()
	for range n {
		out.send(frame)
	}
	out.flush()
	consuming.Wait()
	b.StopTimer()
}

func BenchmarkArenaPair128(b *testing.B) {
	a := open(b)
	b.ResetTimer()
	for range b.N {
		a.Deallocate(a.Allocate(128), 128)
	}
}

func BenchmarkArenaBatch128(b *testing.B) {
	a := open(b)
	frames := new([batch]unsafe.Pointer)
	b.ResetTimer()
	for left := b.N; left > 0; left -= batch {
		some := frames[:min(left, batch)]
		for i := range some {
			some[i] = a.Allocate(128)
		}
		for _, p := range some {
			a.Deallocate(p, 128)
		}
	}
}

// Run it with -cpu 1,2,… to see how it scales.
func BenchmarkArenaParallel(b *testing.B) {
	a := open(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a.Deallocate(a.Allocate(128), 128)
		}
	})
}

func BenchmarkCacheParallel(b *testing.B) {
	a := open(b)
	b.RunParallel(func(pb *testing.PB) {
		c := a.NewCache()
		defer c.Close()
		for pb.Next() {
			c.Deallocate(c.Allocate(128), 128)
		}
	})
}

// A mapping of its own, made and given back.
func BenchmarkArenaPairLarge(b *testing.B) {
	a := open(b)
	b.ResetTimer()
	for range b.N {
		a.Deallocate(a.Allocate(1<<20), 1<<20)
	}
}

// Opening a cache and closing it, with one frame in it.
func BenchmarkNewCache(b *testing.B) {
	a := open(b)
	a.Deallocate(a.Allocate(128), 128)
	b.ResetTimer()
	for range b.N {
		c := a.NewCache()
		c.Deallocate(c.Allocate(128), 128)
		c.Close()
	}
}

// ---- peers

func BenchmarkPeerSyncPoolPair128(b *testing.B) {
	pool := newBlockPool()
	b.ResetTimer()
	for range b.N {
		pool.Put(pool.Get().(*[128]byte))
	}
}

func BenchmarkPeerSyncPoolBatch128(b *testing.B) {
	pool := newBlockPool()
	blocks := new([batch]*[128]byte)
	b.ResetTimer()
	for left := b.N; left > 0; left -= batch {
		some := blocks[:min(left, batch)]
		for i := range some {
			some[i] = pool.Get().(*[128]byte)
		}
		for _, p := range some {
			pool.Put(p)
		}
	}
}

func BenchmarkPeerSyncPoolParallel(b *testing.B) {
	pool := newBlockPool()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			pool.Put(pool.Get().(*[128]byte))
		}
	})
}

func newBlockPool() *sync.Pool { return &sync.Pool{New: func() any { return new([128]byte) }} }

func BenchmarkPeerNew128(b *testing.B) {
	b.ReportAllocs()
	for range b.N {
		escaped = new([128]byte)
	}
}

var escaped *[128]byte // keeps the compiler from putting it on the stack

func BenchmarkPeerHeapPair128(b *testing.B) {
	var h arena.Heap
	for range b.N {
		h.Deallocate(h.Allocate(128), 128)
	}
}
