package frames

import (
	"sync"
	"unsafe"
)

type frame [size]byte

// Memory from the Go heap that is dropped.

// dropped is a source of allocators whose frames are left to the collector.
type dropped struct{ each func(kept *slot) allocator }

func (s dropped) open() allocator { return s.each(new(slot)) }
func (s dropped) close() error    { return nil }

// slot is where an allocator stores a frame, so that the compiler puts the frame on the heap.
// Each slot has cache lines of its own.
type slot struct {
	p unsafe.Pointer
	_ [size - 8]byte
}

func openNew() (source, error) {
	return dropped{func(kept *slot) allocator {
		return allocator{
			pair: func(n int) (sum uint64) {
				for i := range uint64(n) {
					p := unsafe.Pointer(new(frame))
					kept.p = p
					*number(p) = i
					sum += *number(p)
				}
				return sum
			},
			get: func(frames []unsafe.Pointer, from uint64) {
				for i := range frames {
					p := unsafe.Pointer(new(frame))
					*number(p) = from + uint64(i)
					frames[i] = p
				}
			},
			put: drop,
		}
	}}, nil
}

// bytes is the size, in a variable that the compiler does not know.
var bytes = size

func openMake() (source, error) {
	return dropped{func(kept *slot) allocator {
		return allocator{
			pair: func(n int) (sum uint64) {
				for i := range uint64(n) {
					p := unsafe.Pointer(unsafe.SliceData(make([]byte, bytes)))
					kept.p = p
					*number(p) = i
					sum += *number(p)
				}
				return sum
			},
			get: func(frames []unsafe.Pointer, from uint64) {
				for i := range frames {
					p := unsafe.Pointer(unsafe.SliceData(make([]byte, bytes)))
					*number(p) = from + uint64(i)
					frames[i] = p
				}
			},
			put: drop,
		}
	}}, nil
}

// drop leaves frames to the collector, and returns the sum of their numbers.
func drop(frames []unsafe.Pointer) uint64 {
	sum := sumOf(frames)
	clear(frames)
	return sum
}

// Memory from the Go heap that is recycled.

func openSyncPool() (source, error) {
	pool := sync.Pool{New: func() any { return new(frame) }}
	return shared{allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				f := pool.Get().(*frame)
				p := unsafe.Pointer(f)
				*number(p) = i
				sum += *number(p)
				pool.Put(f)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := unsafe.Pointer(pool.Get().(*frame))
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				pool.Put((*frame)(p))
			}
			return sum
		},
	}}, nil
}

// channelRoom is how many free frames the channel keeps.
const channelRoom = 2048

func openChannel() (source, error) {
	free := make(chan *frame, channelRoom)
	get := func() unsafe.Pointer {
		select {
		case f := <-free:
			return unsafe.Pointer(f)
		default:
			return unsafe.Pointer(new(frame))
		}
	}
	put := func(p unsafe.Pointer) {
		select {
		case free <- (*frame)(p):
		default:
		}
	}
	return shared{of(get, put)}, nil
}

func openMutex() (source, error) {
	var mu sync.Mutex
	var free []*frame // guarded by mu
	get := func() unsafe.Pointer {
		mu.Lock()
		defer mu.Unlock()
		n := len(free)
		if n == 0 {
			return unsafe.Pointer(new(frame))
		}
		f := free[n-1]
		free = free[:n-1]
		return unsafe.Pointer(f)
	}
	put := func(p unsafe.Pointer) {
		mu.Lock()
		defer mu.Unlock()
		free = append(free, (*frame)(p))
	}
	return shared{of(get, put)}, nil
}

// of returns an allocator that calls functions. It is for allocators beside which the cost of
// a call does not matter.
func of(get func() unsafe.Pointer, put func(unsafe.Pointer)) allocator {
	return allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				p := get()
				*number(p) = i
				sum += *number(p)
				put(p)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := get()
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				put(p)
			}
			return sum
		},
	}
}
