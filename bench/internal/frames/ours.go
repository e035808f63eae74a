package frames

import (
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
)

// caches is a source of allocators that own a cache each.
type caches struct{ arena *arena.Arena }

func openCaches() (source, error) {
	a, err := arena.New()
	return caches{a}, err
}

func (s caches) open() allocator {
	c := s.arena.NewCache()
	return allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				p := c.Allocate(size)
				*number(p) = i
				sum += *number(p)
				c.Deallocate(p, size)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := c.Allocate(size)
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				c.Deallocate(p, size)
			}
			return sum
		},
		close: func() error { c.Close(); return nil },
	}
}

func (s caches) close() error { return s.arena.Close() }

// placed is a source of allocators that own a cache each and know the class of their frames,
// as package coro does: their operations are inlined.
type placed struct{ caches }

func openPlaced() (source, error) {
	a, err := arena.New()
	return placed{caches{a}}, err
}

func (s placed) open() allocator {
	c := s.arena.NewCache()
	place := arena.PlaceOf(bins.ClassOf(size))
	return allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				p := c.TryAllocateAt(place)
				if p == nil {
					p = c.Allocate(size)
				}
				*number(p) = i
				sum += *number(p)
				if !c.TryDeallocateAt(p, place) {
					c.Deallocate(p, size)
				}
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := c.TryAllocateAt(place)
				if p == nil {
					p = c.Allocate(size)
				}
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				if !c.TryDeallocateAt(p, place) {
					c.Deallocate(p, size)
				}
			}
			return sum
		},
		close: func() error { c.Close(); return nil },
	}
}

// anyGoroutine is the source of one allocator, an arena.
type anyGoroutine struct{ arena *arena.Arena }

func openArena() (source, error) {
	a, err := arena.New()
	return anyGoroutine{a}, err
}

func (s anyGoroutine) open() allocator {
	a := s.arena
	return allocator{
		pair: func(n int) (sum uint64) {
			for i := range uint64(n) {
				p := a.Allocate(size)
				*number(p) = i
				sum += *number(p)
				a.Deallocate(p, size)
			}
			return sum
		},
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := a.Allocate(size)
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) (sum uint64) {
			for _, p := range frames {
				sum += *number(p)
				a.Deallocate(p, size)
			}
			return sum
		},
	}
}

func (s anyGoroutine) close() error { return s.arena.Close() }

// monotonic is the source of an allocator that frees all frames at once.
type monotonic struct{ arena *arena.Arena }

func openMonotonic() (source, error) {
	a, err := arena.New()
	return monotonic{a}, err
}

func (s monotonic) open() allocator {
	m := arena.NewMonotonic(s.arena, 64<<10)
	return allocator{
		get: func(frames []unsafe.Pointer, from uint64) {
			for i := range frames {
				p := m.Allocate(size)
				*number(p) = from + uint64(i)
				frames[i] = p
			}
		},
		put: func(frames []unsafe.Pointer) uint64 {
			sum := sumOf(frames)
			m.Release()
			return sum
		},
	}
}

func (s monotonic) close() error { return s.arena.Close() }

// sumOf returns the sum of the numbers of frames.
func sumOf(frames []unsafe.Pointer) (sum uint64) {
	for _, p := range frames {
		sum += *number(p)
	}
	return sum
}
