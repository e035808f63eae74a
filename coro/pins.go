package coro

import "sync"

// pins keeps values from the garbage collector to which only frames refer. It is a table in chunks, not a
// list: the collector marks a list one element after the other. The zero pins is empty. Any
// goroutine may use it.
type pins[T any] struct {
	mu     sync.Mutex // guards what follows
	chunks []*[pinChunk]*T
	made   uint32   // indices that were given out; the values of those that are free are nil
	free   []uint32 // the indices that are free
}

const pinChunk = 512

// add keeps v until remove is called with the index that add returns.
func (p *pins[T]) add(v *T) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.chunks[i/pinChunk][i%pinChunk] = v
		return i
	}
	i := p.made
	if i/pinChunk == uint32(len(p.chunks)) {
		p.chunks = append(p.chunks, new([pinChunk]*T))
	}
	p.chunks[i/pinChunk][i%pinChunk] = v
	p.made++
	return i
}

// remove undoes add. A table that has become empty gives its memory back.
func (p *pins[T]) remove(i uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chunks[i/pinChunk][i%pinChunk] = nil
	p.free = append(p.free, i)
	if uint32(len(p.free)) == p.made && p.made > pinChunk {
		p.chunks, p.made, p.free = nil, 0, nil
	}
}

// len returns how many values are kept.
func (p *pins[T]) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int(p.made) - len(p.free)
}
