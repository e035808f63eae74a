package slab

import (
	"fmt"
	"unsafe"
)

// Map returns a mapping of its own of at least size bytes, aligned to a page, and
// zero. It stays until Unmap. The error is ErrClosed or wraps ErrRefused.
func (s *Store[D]) Map(size uintptr) (unsafe.Pointer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	if size > MaxMapping {
		return nil, s.refused(size, errTooLarge)
	}
	m, err := s.reserve(wholePages(size), PageSize())
	if err != nil {
		return nil, err
	}
	if s.config.Prefault {
		if err := prefault(m.base, m.size); err != nil {
			_ = m.release() // the refusal is what the caller must know
			return nil, s.refused(size, err)
		}
	}
	s.large[uintptr(m.base)] = m
	s.stats.Large++
	s.stats.LargeBytes += m.size
	return m.base, nil
}

// Unmap gives the mapping at p, which Map returned for a size that rounds to the
// same number of pages, back to the system. The error is ErrClosed, wraps
// ErrUnknown, or is what the system said.
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

// wholePages rounds size, which is at most MaxMapping, up to pages, at least one.
func wholePages(size uintptr) uintptr {
	page := PageSize()
	return max(size+page-1, page) &^ (page - 1)
}

// MappingSize returns the size of the mapping that begins at p, in bytes, or 0 if
// none does.
func (s *Store[D]) MappingSize(p unsafe.Pointer) uintptr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.large[uintptr(p)].size
}
