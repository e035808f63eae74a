package coro

import "sync"

// pins keeps values from the garbage collector to which only frames refer. It is a table, not a
// list: the collector marks a list one element after the other. The zero pins is empty. Any
// goroutine may use it.
type pins[T any] struct {
	mu     sync.Mutex // guards what follows
	values []*T       // nil where free
	free   []uint32   // the indices that are free
}

// add keeps v until remove is called with the index that add returns.
func (p *pins[T]) add(v *T) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.values[i] = v
		return i
	}
	p.values = append(p.values, v)
	return uint32(len(p.values) - 1)
}

// remove undoes add. A table that has become empty gives its memory back.
func (p *pins[T]) remove(i uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[i] = nil
	p.free = append(p.free, i)
	if len(p.free) == len(p.values) && len(p.values) > minPins {
		p.values, p.free = nil, nil
	}
}

// len returns how many values are kept.
func (p *pins[T]) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.values) - len(p.free)
}

// minPins is the size up to which an empty table keeps its memory.
const minPins = 1024
