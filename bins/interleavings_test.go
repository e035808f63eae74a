//go:build framearena_explore

package bins_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/internal/interleave"
)

// stack is implemented by bins.Stack and by stacks with a fault.
type stack interface {
	Push(*bins.Batch)
	Take() *bins.Batch
	TakeAll() *bins.Batch
	PushAll(*bins.Batch)
}

// ledger records which thread has which batch. Threads use it one at a time.
type ledger struct {
	run     *interleave.Run
	stack   stack
	batches []bins.Batch
	held    map[*bins.Batch]string
	memory  [8]byte
}

// newLedger has n batches, with 1, 2, … frames in them.
func newLedger(r *interleave.Run, s stack, n int) *ledger {
	l := &ledger{run: r, stack: s, batches: make([]bins.Batch, n), held: make(map[*bins.Batch]string)}
	for i := range l.batches {
		for range i + 1 {
			l.batches[i].Add(unsafe.Pointer(&l.memory))
		}
		l.held[&l.batches[i]] = "setup"
	}
	return l
}

// push pushes b, which the thread must have, onto the stack.
func (l *ledger) push(thread string, b *bins.Batch) {
	l.gives(thread, b)
	l.stack.Push(b)
}

// gives records that the thread no longer has b.
func (l *ledger) gives(thread string, b *bins.Batch) {
	l.run.Require(l.held[b] == thread, "%s gives away what %q has", thread, l.held[b])
	delete(l.held, b)
}

// has records that the thread has taken b and the batches linked to it.
func (l *ledger) has(thread string, b *bins.Batch) {
	for ; b != nil; b = b.Next() {
		l.run.Require(l.held[b] == "", "%s has taken what %s has", thread, l.held[b])
		l.held[b] = thread
	}
}

func (l *ledger) take(thread string) *bins.Batch {
	b := l.stack.Take()
	l.has(thread, b)
	return b
}

// check has all that was not taken looked for in the stack.
func (l *ledger) check() {
	if s, ok := l.stack.(*bins.Stack); ok {
		frames := 0
		for b := range s.Batches {
			frames += b.Len()
			l.run.Require(frames <= len(l.batches)*len(l.batches), "the stack goes round in a circle")
		}
		l.run.Require(s.Frames() == frames, "the stack says that it has %d frames, and has %d", s.Frames(), frames)
	}
	l.has("the stack", l.stack.TakeAll())
	for i := range l.batches {
		l.run.Require(l.held[&l.batches[i]] != "", "batch %d is lost", i)
	}
}

// stackModels are what threads do with a stack.
var stackModels = []struct {
	name string
	on   func(r *interleave.Run, s stack)

	// broken says that faults are to be tried. In the other models some of them would send
	// threads round in circles for ever.
	broken bool
}{
	{"an owner publishes while a thief takes", func(r *interleave.Run, s stack) {
		l := newLedger(r, s, 3)
		l.push("setup", &l.batches[0])
		l.held[&l.batches[1]], l.held[&l.batches[2]] = "owner", "owner"
		r.Thread("owner", func() {
			l.push("owner", &l.batches[1])
			l.push("owner", &l.batches[2])
		})
		r.Thread("thief", func() {
			l.take("thief")
			l.take("thief")
		})
		r.End(l.check)
	}, false},
	{"two thieves take what two batches are of", func(r *interleave.Run, s stack) {
		l := newLedger(r, s, 3)
		l.push("setup", &l.batches[0])
		l.push("setup", &l.batches[1])
		l.held[&l.batches[2]] = "owner"
		r.Thread("owner", func() { l.push("owner", &l.batches[2]) })
		for _, thief := range []string{"thief 1", "thief 2"} {
			r.Thread(thief, func() { l.take(thief) })
		}
		r.End(l.check)
	}, true},
	{"batches go to and fro", func(r *interleave.Run, s stack) {
		l := newLedger(r, s, 2)
		l.push("setup", &l.batches[0])
		l.push("setup", &l.batches[1])
		for _, thread := range []string{"one", "two"} {
			r.Thread(thread, func() {
				for range 2 {
					if b := l.take(thread); b != nil {
						l.push(thread, b)
					}
				}
			})
		}
		r.End(l.check)
	}, false},
	{"one is put back while another is taken", func(r *interleave.Run, s stack) {
		l := newLedger(r, s, 2)
		l.push("setup", &l.batches[0])
		l.push("setup", &l.batches[1])
		r.Thread("one", func() {
			first := l.take("one")
			l.take("one")
			if first != nil {
				l.push("one", first)
			}
		})
		r.Thread("two", func() { l.take("two") })
		r.End(l.check)
	}, false},
	{"a trimmer takes all, and publishes a part again", func(r *interleave.Run, s stack) {
		l := newLedger(r, s, 4)
		for i := range 3 {
			l.push("setup", &l.batches[i])
		}
		l.held[&l.batches[3]] = "owner"
		r.Thread("trimmer", func() {
			b := s.TakeAll()
			l.has("trimmer", b)
			if b != nil {
				for c := b.Next(); c != nil; c = c.Next() {
					l.gives("trimmer", c)
				}
				s.PushAll(b.Next())
			}
		})
		r.Thread("owner", func() { l.push("owner", &l.batches[3]) })
		r.Thread("thief", func() { l.take("thief") })
		r.End(l.check)
	}, false},
}

// No batch is lost and no two threads have the same batch, whatever the order of the
// operations on a stack.
func TestInterleavingsOfStacks(t *testing.T) {
	for _, tt := range stackModels {
		t.Run(tt.name, func(t *testing.T) {
			interleave.Check(t, func(r *interleave.Run) { tt.on(r, new(bins.Stack)) })
		})
	}
}

// Each operation of a stack is necessary as it is: with any of them broken, something is
// lost or had by two.
func TestInterleavingsOfStacksBroken(t *testing.T) {
	for _, tt := range stackModels {
		if !tt.broken {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			interleave.Mutate(t, func(r *interleave.Run) { tt.on(r, new(bins.Stack)) }, nil)
		})
	}
}

// popping is a stack where the top alone is taken, by a compare-and-swap that installs a
// next that was read before: the head may have gone from A to B and back to A since.
type popping struct {
	head interleave.Pointer[bins.Batch]
}

func (s *popping) Push(b *bins.Batch) {
	for {
		head := s.head.Load()
		b.SetNext(head)
		if s.head.CompareAndSwap(head, b) {
			return
		}
	}
}

func (s *popping) Take() *bins.Batch {
	for {
		head := s.head.Load()
		if head == nil {
			return nil
		}
		if next := head.Next(); s.head.CompareAndSwap(head, next) {
			head.SetNext(nil)
			return head
		}
	}
}

func (s *popping) TakeAll() *bins.Batch    { return s.head.Swap(nil) }
func (s *popping) PushAll(all *bins.Batch) { s.head.Store(all) }

// forgetful is a stack whose Take forgets the rest.
type forgetful struct{ bins.Stack }

func (s *forgetful) Take() *bins.Batch {
	b := s.Stack.TakeAll()
	if b != nil {
		b.SetNext(nil)
	}
	return b
}

// hasty is a stack that puts back the rest with a store.
type hasty struct{ popping }

func (s *hasty) Take() *bins.Batch {
	b := s.TakeAll()
	if b != nil {
		s.PushAll(b.Next())
		b.SetNext(nil)
	}
	return b
}

// Stacks that people have built are seen to be wrong.
func TestInterleavingsOfWrongStacks(t *testing.T) {
	tests := []struct {
		name  string
		stack func() stack
		model int
	}{
		{"the top alone is taken", func() stack { return new(popping) }, 3},
		{"the rest is forgotten", func() stack { return new(forgetful) }, 1},
		{"the rest is put back with a store", func() stack { return new(hasty) }, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := interleave.Catch(t, func(r *interleave.Run) { stackModels[tt.model].on(r, tt.stack()) })
			t.Log(f)
		})
	}
}
