package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/framearena/framearena/arena"
)

// Check tests an allocator with programs that are the same each time: first programs for
// well-known faults, then short random ones, then long ones with many live frames, sizes of
// every kind, frees in every order, and garbage collections. The more [Operations], the
// longer these are. Check fails t at the first broken invariant, and prints the shortest
// program that it finds to break it, or the call of Check if that has more than 400
// operations.
//
// new returns a new allocator; Check calls it once for each program. The testing.TB that
// new gets belongs to that program: its cleanups run when the program has ended, and what
// new or a cleanup reports to it fails the program.
//
// Check returns when it has done at least as many operations as [Operations] says. It calls
// new, the cleanups and the allocator on other goroutines than its caller's, but one at a
// time. Check panics if new or an option is nil, or if an option has an argument that makes
// no sense, such as no operations.
func Check(t testing.TB, new func(testing.TB) arena.FrameAllocator, opts ...CheckOption) {
	t.Helper()
	mustBeNew(new)
	c := newConfig(opts...)
	c.withDefault(defaultOperations)
	c.shorten()
	if f := c.check(t, new); f != nil {
		t.Fatal(f.text())
	}
}

// Fuzz makes f a fuzz target for an allocator. It decodes each input into operations;
// every input is a valid program. See [Check] for new. Fuzz panics as Check does.
//
//	func FuzzAllocator(f *testing.F) { fuzz.Fuzz(f, newAllocator) }
func Fuzz(f *testing.F, new func(testing.TB) arena.FrameAllocator, opts ...Option) {
	f.Helper()
	mustBeNew(new)
	c := newConfig(opts...)
	c.reduceTime = maxReduceTime / 3 // Go's fuzzing reduces inputs too, and fails again for each
	for _, seed := range corpus {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if f := c.runOnce(t, new, c.decode(data)); f != nil {
			t.Fatal(f.text())
		}
	})
}

// Replay runs one program, such as a failing test has printed, and fails t if it breaks an
// invariant. See [Check] for new. Replay panics as Check does.
func Replay(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program, opts ...Option) {
	t.Helper()
	mustBeNew(new)
	o := newConfig(opts...).execute(t, new, p)
	if o.skipped != "" {
		t.Skip(o.skipped)
	}
	if o.violation != nil {
		t.Fatalf("fuzz: %s: %s", o.violation.invariant, o.violation.text)
	}
}

// mustBeNew panics if the constructor is nil.
func mustBeNew(new func(testing.TB) arena.FrameAllocator) {
	must(new != nil, "the constructor is nil: pass a function that returns a new allocator")
}

const (
	minHistory = 1000 // operations

	// maxPrinted bounds a program that is printed. For a longer one, the call of Check is.
	maxPrinted = 400
)

// check runs the corpus, random programs of bytes, and histories. It returns the first failure, or nil.
func (c *config) check(t testing.TB, new func(testing.TB) arena.FrameAllocator) *failure {
	t.Helper()
	c.withDefault(defaultOperations)
	done := 0
	one := func(p Program) *failure {
		f := c.runOnce(t, new, p)
		if f != nil {
			f.done += done
			if len(f.program) > maxPrinted {
				f.call = checkCall(c, new)
			}
		}
		done += len(p)
		return f
	}
	for _, seed := range corpus {
		if f := one(c.decode(seed)); f != nil {
			return f
		}
	}
	random := rand.New(rand.NewPCG(c.seed, 0))
	for n := 1; done < min(c.operations, shortOperations); n++ {
		data := make([]byte, 20+random.IntN(20*min(n, 30)))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if f := one(c.decode(data)); f != nil {
			return f
		}
	}
	// A round of histories is for what is left. An allocator that takes few frames may need
	// several, whose histories are shorter than their share.
	left := c.operations - done
	for n := 0; done < c.operations; n++ {
		share := histories[n%len(histories)].share
		p := c.history(random, n, max(minHistory, left*share/100))
		if f := one(p); f != nil {
			return f
		}
		if len(p) == 0 { // no frame is small enough for the budget
			done += minHistory
		}
	}
	return nil
}

// runOnce runs a program and, if it fails, reduces it. It returns nil if p breaks no
// invariant.
func (c *config) runOnce(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program) *failure {
	t.Helper()
	o := c.execute(t, new, p)
	if o.skipped != "" {
		t.Skip(o.skipped)
	}
	if o.violation == nil {
		return nil
	}
	f := &failure{violation: o.violation, done: o.done}
	if o.violation.invariant == Stuck { // each further try would leave another goroutine behind
		f.program, f.steady = p[:o.done].renumber(), true
		f.call = replayCall(f.program, new, c.promised)
		return f
	}
	reduced, v := c.reduce(t, new, p, o.violation, o.done)
	if f.program = reduced; v != nil {
		f.violation, f.steady = v, true
	}
	f.call = replayCall(f.program, new, c.promised)
	return f
}
