package coro

// ring is a queue of values that grows as needed and never shrinks. Places that are not in use
// are zero, since V may hold Go pointers. It is guarded by the lock of what it is part of.
type ring[V any] struct {
	values []V // its length is 0 or a power of two
	first  int
	n      int
}

func (r *ring[V]) push(v V) {
	if r.n == len(r.values) {
		values := make([]V, max(4, 2*r.n))
		k := copy(values, r.values[r.first:])
		copy(values[k:], r.values[:r.first])
		r.values, r.first = values, 0
	}
	r.values[(r.first+r.n)&(len(r.values)-1)] = v
	r.n++
}

// front returns the value that pop would. Neither may be called on an empty ring.
func (r *ring[V]) front() V { return r.values[r.first] }

func (r *ring[V]) pop() V {
	var zero V
	v := r.values[r.first]
	r.values[r.first] = zero
	r.first = (r.first + 1) & (len(r.values) - 1)
	r.n--
	return v
}
