package frames

import (
	"sync"
	"unsafe"

	"github.com/bytedance/gopkg/lang/mcache"
	"github.com/dgraph-io/ristretto/v2/z"
	bufferpool "github.com/libp2p/go-buffer-pool"
	"modernc.org/memory"
)

// modernc is a source of allocators of modernc.org/memory, each for one goroutine.
type modernc struct{}

func openModernc() (source, error) { return modernc{}, nil }

func (modernc) open() allocator {
	m := new(memory.Allocator)
	a := allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				p := must(m.UnsafeMalloc(size))
				*number(p) = i
				sum += *number(p)
				check(m.UnsafeFree(p))
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := must(m.UnsafeMalloc(size))
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				check(m.UnsafeFree(p))
			}
			return sum
		},
		close: m.Close,
	}
	return a
}

func (modernc) close() error { return nil }

// openModerncLocked opens one allocator of modernc.org/memory for all goroutines, because its
// memory must be freed where it was allocated. A lock is held for a block at a time.
func openModerncLocked() (source, error) {
	var mu sync.Mutex
	a := modernc{}.open()
	return lockedModernc{shared{allocator{
		get: func(frames []unsafe.Pointer, from uint64) {
			mu.Lock()
			defer mu.Unlock()
			a.get(frames, from)
		},
		put: func(frames []unsafe.Pointer) uint64 {
			mu.Lock()
			defer mu.Unlock()
			return a.put(frames)
		},
	}}, a.close}, nil
}

type lockedModernc struct {
	shared
	release func() error
}

func (s lockedModernc) close() error { return s.release() }

func openMcache() (source, error) {
	return shared{allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				b := mcache.Malloc(size)
				p := unsafe.Pointer(unsafe.SliceData(b))
				*number(p) = i
				sum += *number(p)
				mcache.Free(b)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := unsafe.Pointer(unsafe.SliceData(mcache.Malloc(size)))
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				mcache.Free(unsafe.Slice((*byte)(p), size))
			}
			return sum
		},
	}}, nil
}

func openBufferPool() (source, error) {
	pool := new(bufferpool.BufferPool)
	return shared{allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				b := pool.Get(size)
				p := unsafe.Pointer(unsafe.SliceData(b))
				*number(p) = i
				sum += *number(p)
				pool.Put(b)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := unsafe.Pointer(unsafe.SliceData(pool.Get(size)))
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				pool.Put(unsafe.Slice((*byte)(p), size))
			}
			return sum
		},
	}}, nil
}

// ristretto is the source of an allocator that frees all memory at once.
type ristretto struct{}

func openRistretto() (source, error) { return ristretto{}, nil }

func (ristretto) open() allocator {
	a := z.NewAllocator(256<<10, "frames")
	return allocator{
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := unsafe.Pointer(unsafe.SliceData(a.AllocateAligned(size)))
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) uint64 {
			sum := sumOf(frames)
			a.Reset()
			return sum
		},
		close: func() error { a.Release(); return nil },
	}
}

func (ristretto) close() error { return nil }

func must(p unsafe.Pointer, err error) unsafe.Pointer {
	check(err)
	return p
}

// check panics if there is an error. The panic ends the sample.
func check(err error) {
	if err != nil {
		panic(err)
	}
}
