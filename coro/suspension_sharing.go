package coro

// Which children of a Group begin as tasks, so that other workers have something to do.
//
// A child that runs in place costs next to nothing, and no other worker can take a part of it, but for
// the children that it begins itself. One that begins as a task costs about as much as a hundred small
// ones in place, and if another worker takes it, more. So a child should begin as a task if another
// worker is likely to take it, and it is long. Nobody knows how long it will be: the guess is as long
// as the last one that was begun at the same depth and has ended in place. In a tree, children at the same
// depth are much the same, and those that are less deep are longer. So a worker that has nothing to do
// gets a large part of the tree after a moment, and not a leaf at once.
//
//   - A long child begins as a task unless there is another task that workers could take. So they
//     need not wait until one begins.
//   - A child of medium length, or about which nothing is known, begins as a task if another worker has
//     nothing to do, and could take nothing else.
//   - A short child runs in place.
//   - If the worker was asked to let other tasks run, each child begins as a task. So those that wait
//     for them are suspended, and the step ends. What was left of the tree are tasks then, the large
//     parts first among those that others take.
//
// Lengths are counted in children that have begun meanwhile, which costs nothing. While another worker
// has nothing to do, a child that would count as short is timed, since it may take long without
// beginning any.

import "time"

// sharing is what a Suspension knows of the children that its step runs in place.
type sharing struct {
	begun  uint32 // children that were begun in place, of all depths; it wraps
	depth  uint32 // children that are running in place, one in the other
	timing bool   // the next child is to be timed

	// lengths has, for each depth, that of the last child there which has ended in place; 0: unknown.
	// Those deeper than the last place share it. The first one is forgotten when a step begins: that may
	// be another task's.
	lengths [8]uint32
}

const (
	mediumLength = 32  // of a child that is worth a task if another worker has nothing to do
	longLength   = 512 // of a child that is worth a task in advance

	// lengthUnit is about how long a child takes that does nothing: a length of 1.
	lengthUnit = 32 * time.Nanosecond
)

func (s *sharing) length() *uint32 { return &s.lengths[min(s.depth, uint32(len(s.lengths)-1))] }

// ChildInPlace is a child that runs in place, from BeginInPlace to EndInPlace.
type ChildInPlace struct {
	begun uint32
	since time.Duration // after sharingEpoch; 0 unless it is timed
}

var sharingEpoch = time.Now()

// BeginInPlace is called before a child is called in place.
func (s *Suspension) BeginInPlace() (c ChildInPlace) {
	h := &s.sharing
	if h.timing {
		h.timing = false
		c.since = time.Since(sharingEpoch)
	}
	c.begun = h.begun
	h.begun++
	h.depth++
	return c
}

// EndInPlace is called when the child has returned, has panicked or waits, in a deferred function.
func (s *Suspension) EndInPlace(c ChildInPlace) {
	h := &s.sharing
	h.depth--
	if s.status != goesOn {
		return // it was not called to its end
	}
	length := h.begun - c.begun
	if c.since != 0 {
		length = max(length, uint32(min(time.Since(sharingEpoch)-c.since, time.Second)/lengthUnit))
	}
	*h.length() = length // not 0: this child has begun
}

// SharesNext reports whether the next child should begin as a task, by Spawn. Otherwise it is called in
// place.
func (s *Suspension) SharesNext() bool {
	w := s.w
	switch length := *s.sharing.length(); {
	case w.preempt.Load() != 0:
	case w.hungry == nil:
		return false
	case length >= longLength:
		if !w.hungry.NothingToSteal() {
			return false
		}
	case !w.hungry.Hungry():
		return false
	case length != 0 && length < mediumLength:
		s.sharing.timing = true
		return false
	}
	return w.home == s.env.get().runtime && s.env.get().relay == nil
}
