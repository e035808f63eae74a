package slab

import (
	"fmt"
	"unsafe"
)

// Map returns zeroed memory of at least size bytes, aligned to a page, in a mapping of its
// own. It is the caller's until Unmap or Close. Any goroutine may call Map. The error is
// ErrClosed or wraps ErrRefused.
func (s *Store[D]) Map(size uintptr) (unsafe.Pointer, error) {
	p, err := s.mapped(size)
	if err != nil && size <= MaxMapping {
		size = wholePages(size)
	}
	return p, refusal(size, err)
}

// TryMap is Map without an error: it returns nil if the system refuses, or if the store is
// closed. A refusal allocates nothing on the Go heap, so a program that has no memory left
// may ask any number of times. Any goroutine may call it.
func (s *Store[D]) TryMap(size uintptr) unsafe.Pointer {
	p, _ := s.mapped(size)
	return p
}

// mapped is Map with the bare error of the system.
func (s *Store[D]) mapped(size uintptr) (unsafe.Pointer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if size > MaxMapping {
		s.stats.Refusals++
		return nil, errTooLarge
	}
	m, err := s.reserve(wholePages(size), PageSize())
	if err != nil {
		return nil, err
	}
	if s.config.Prefault {
		if err := prefault(m.base, m.size); err != nil {
			_ = m.release() // the caller needs the refusal, not this error
			s.stats.Refusals++
			return nil, err
		}
	}
	s.large[uintptr(m.base)] = m
	s.stats.Large++
	s.stats.LargeBytes += m.size
	return m.base, nil
}

// Unmap gives the mapping at p back to the system. Map returned p for a size that rounds up
// to the same number of pages. Any goroutine may call Unmap. The error is ErrClosed, wraps
// ErrUnknown, or wraps the system's error; after the latter the mapping still exists.
func (s *Store[D]) Unmap(p unsafe.Pointer, size uintptr) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	m, ok := s.large[uintptr(p)]
	if !ok {
		return fmt.Errorf("%w: no mapping begins at %p", ErrUnknown, p)
	}
	if size > MaxMapping || wholePages(size) != m.size {
		return fmt.Errorf("%w: the mapping at %p has %d bytes, not %d", ErrUnknown, p, m.size, size)
	}
	if err := m.release(); err != nil {
		return fmt.Errorf("slab: giving back %d bytes at %p: %w", m.size, p, err)
	}
	delete(s.large, uintptr(p))
	s.stats.Large--
	s.stats.LargeBytes -= m.size
	s.stats.HandedBack += uint64(m.size)
	return nil
}

// MappingSize returns the size in bytes of the mapping that begins at p, or 0 if none
// begins there.
func (s *Store[D]) MappingSize(p unsafe.Pointer) uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.large[uintptr(p)].size
}
