package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/framearena/framearena/arena"
)

// Check tests an allocator with programs that are the same each time: some that look for
// well-known faults, then random ones. It fails t at the first broken invariant, with
// the fewest operations that break it.
//
// new returns a new allocator. It is called for each program, with a testing.TB whose
// cleanups are done when that program has ended; what it reports, a cleanup's errors
// too, is a failure of the program.
func Check(t testing.TB, new func(testing.TB) arena.FrameAllocator, opts ...Option) {
	t.Helper()
	c := newConfig(opts)
	c.shorten()
	if f := c.check(t, new, len(opts) > 0); f != nil {
		t.Fatal(f.text())
	}
}

// Fuzz makes f a fuzz target of the allocator: its input is decoded into operations, and
// every input is a valid program. See [Check] for new.
//
//	func FuzzAllocator(f *testing.F) { fuzz.Fuzz(f, newAllocator) }
func Fuzz(f *testing.F, new func(testing.TB) arena.FrameAllocator, opts ...Option) {
	f.Helper()
	c := newConfig(opts)
	c.patience = maxReduceTime / 3 // the engine reduces too, and fails again for each step
	for _, seed := range corpus {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if f := c.runOnce(t, new, c.decode(data), len(opts) > 0); f != nil {
			t.Fatal(f.text())
		}
	})
}

// Replay runs one program, such as a failing test printed, and fails t if an invariant
// is broken. See [Check] for new.
func Replay(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program, opts ...Option) {
	t.Helper()
	o := newConfig(opts).execute(t, new, p)
	if o.skipped != "" {
		t.Skip(o.skipped)
	}
	if o.violation != nil {
		t.Fatalf("fuzz: %s: %s", o.violation.invariant, o.violation.text)
	}
}

// check returns the first failure, or nil.
func (c *config) check(t testing.TB, new func(testing.TB) arena.FrameAllocator, promises bool) *failure {
	t.Helper()
	done := 0
	one := func(data []byte) *failure {
		p := c.decode(data)
		f := c.runOnce(t, new, p, promises)
		if f != nil {
			f.done += done
		}
		done += len(p)
		return f
	}
	for _, seed := range corpus {
		if f := one(seed); f != nil {
			return f
		}
	}
	random := rand.New(rand.NewPCG(c.seed, 0))
	for n := 1; done < c.operations; n++ {
		data := make([]byte, 20+random.IntN(20*min(n, 30)))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		if f := one(data); f != nil {
			return f
		}
	}
	return nil
}

// runOnce runs a program, and reduces it if it fails.
func (c *config) runOnce(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program, promises bool) *failure {
	t.Helper()
	o := c.execute(t, new, p)
	if o.skipped != "" {
		t.Skip(o.skipped)
	}
	if o.violation == nil {
		return nil
	}
	f := &failure{violation: o.violation, done: o.done}
	if o.violation.invariant == Stuck { // each try would leave another goroutine behind
		f.program, f.steady = p[:o.done].renumber(), true
		f.call = replayCall(f.program, new, promises)
		return f
	}
	reduced, v := c.reduce(t, new, p, o.violation, o.done)
	if f.program = reduced; v != nil {
		f.violation, f.steady = v, true
	}
	f.call = replayCall(f.program, new, promises)
	return f
}
