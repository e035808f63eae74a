package tasktree

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// World is an executor, with the options that suit it.
type World struct {
	Executor coro.Executor
	Options  Options      // for Run: Arena, Other and Virtual
	Close    func() error // closes the executor and then its arena; an error if frames are live
}

// NamedWorld makes worlds with one sort of executor.
type NamedWorld struct {
	Name string
	New  func() World
}

// quiet ignores the errors of roots without a recipient. Trees have no such roots.
var quiet = executor.WithErrorHandler(func(error) {})

// Worlds returns all sorts of executors.
func Worlds() []NamedWorld {
	return []NamedWorld{
		{"inline", func() World {
			ex := executor.NewInline(quiet)
			return World{ex, Options{Arena: ex.Arena()}, ex.Close}
		}},
		{"loop", func() World {
			ex := executor.NewLoop(quiet)
			return World{ex, Options{Arena: ex.Arena()}, ex.Close}
		}},
		{"virtual loop", func() World {
			ex := executor.NewLoop(quiet, executor.WithVirtualTime())
			return World{ex, Options{Arena: ex.Arena(), Virtual: true}, ex.Close}
		}},
		{"pool of 1", func() World { return newPool(1) }},
		{"pool of 4", func() World { return newPool(4) }},
		{"urgent", func() World {
			ex := executor.NewPool(executor.WithWorkers(2), quiet)
			return World{ex.High(), Options{Arena: ex.Arena()}, ex.Close}
		}},
		{"strand", func() World {
			ex := executor.NewPool(executor.WithWorkers(4), quiet)
			return World{executor.NewStrand(ex), Options{Arena: ex.Arena()}, ex.Close}
		}},
		{"strand on a strand", func() World {
			ex := executor.NewPool(executor.WithWorkers(2), quiet)
			return World{executor.NewStrand(executor.NewStrand(ex)), Options{Arena: ex.Arena()}, ex.Close}
		}},
		{"pool and another", func() World {
			a, b := executor.NewPool(executor.WithWorkers(2), quiet), executor.NewPool(executor.WithWorkers(1), quiet)
			return World{a, Options{Arena: a.Arena(), Other: b}, func() error { return errors.Join(a.Close(), b.Close()) }}
		}},
		{"inline and a pool", func() World {
			a, b := executor.NewInline(quiet), executor.NewPool(executor.WithWorkers(2), quiet)
			return World{a, Options{Arena: a.Arena(), Other: b}, func() error { return errors.Join(a.Close(), b.Close()) }}
		}},
	}
}

func newPool(workers int) World {
	ex := executor.NewPool(executor.WithWorkers(workers), quiet)
	return World{ex, Options{Arena: ex.Arena()}, ex.Close}
}

// Memory is an allocator, with a check of its figures. It serves one tree at a time, and
// Close is called when it serves none.
type Memory struct {
	Allocator arena.FrameAllocator // nil is the executor's own
	Check     func(Totals) error   // for Options.Check
	Close     func() error
	MayRefuse bool
}

// NamedMemory makes memories with one sort of allocator.
type NamedMemory struct {
	Name string
	New  func() (Memory, error)
}

// Memories returns all sorts of allocators, alone and on top of each other.
func Memories() []NamedMemory {
	return []NamedMemory{
		{"executor's", func() (Memory, error) { return Memory{Close: func() error { return nil }}, nil }},
		{"arena", func() (Memory, error) { return newArena() }},
		{"small arena", func() (Memory, error) {
			m, err := newArena(arena.WithMaxBytes(4<<20), arena.WithRegionBytes(2<<20))
			m.MayRefuse = true
			return m, err
		}},
		{"checked arena", func() (Memory, error) { return newArena(arena.WithChecks(64 << 10)) }},
		{"zeroing arena", func() (Memory, error) {
			m, err := newArena()
			if err == nil {
				m.Allocator = zeroing{m.Allocator.(*arena.Arena)}
			}
			return m, err
		}},
		{"cache", newCache},
		{"heap", func() (Memory, error) {
			h := new(arena.Heap)
			return Memory{Allocator: h, Check: func(Totals) error { return same("live", h.Live(), 0) }, Close: func() error { return nil }}, nil
		}},
		{"counting", func() (Memory, error) { return onArena(countingOn) }},
		{"bounded", func() (Memory, error) { return onArena(boundedOn(1 << 30)) }},
		{"tightly bounded", func() (Memory, error) {
			m, err := onArena(boundedOn(3 << 10))
			m.MayRefuse = true
			return m, err
		}},
		{"monotonic", func() (Memory, error) { return onArena(monotonicOn) }},
		{"trace", func() (Memory, error) { return onArena(traceOn) }},
		{"counting on bounded on trace", func() (Memory, error) {
			return onArena(func(a arena.FrameAllocator) Memory {
				trace := traceOn(a)
				bounded := boundedOn(1 << 30)(trace.Allocator)
				counting := countingOn(bounded.Allocator)
				counting.Check = all(counting.Check, bounded.Check, trace.Check)
				counting.Close = trace.Close
				return counting
			})
		}},
	}
}

type zeroing struct{ *arena.Arena }

func (z zeroing) Allocate(size uintptr) unsafe.Pointer { return z.AllocateZeroed(size) }

func same[T comparable](what string, is, right T) error {
	if is != right {
		return fmt.Errorf("the allocator's figure %q is %v and not %v", what, is, right)
	}
	return nil
}

func all(checks ...func(Totals) error) func(Totals) error {
	return func(t Totals) error {
		for _, check := range checks {
			if err := check(t); err != nil {
				return err
			}
		}
		return nil
	}
}

// newArena makes an arena whose only user is the tree.
func newArena(opts ...arena.Option) (Memory, error) {
	a, err := arena.New(opts...)
	if err != nil {
		return Memory{}, err
	}
	return Memory{Allocator: a, Check: arenaCheck(a), Close: a.Close}, nil
}

// arenaCheck returns a check of the figures of an arena without live frames.
func arenaCheck(a *arena.Arena) func(Totals) error {
	var refused uint64
	return func(t Totals) error {
		s := a.Stats()
		refused += t.Refused
		for _, c := range append(s.Classes[:], s.Total) {
			if c.Live != 0 || c.Carved != c.Private+c.Public {
				return fmt.Errorf("the arena's class %d: %d live, %d carved, %d private, %d public", c.Size, c.Live, c.Carved, c.Private, c.Public)
			}
		}
		return errors.Join(same("Large", s.Large, 0), same("LargeBytes", s.LargeBytes, 0), same("Refusals", s.Refusals, refused), a.Validate())
	}
}

func newCache() (Memory, error) {
	a, err := arena.New()
	if err != nil {
		return Memory{}, err
	}
	c := a.NewCache()
	return Memory{Allocator: c, Check: arenaCheck(a), Close: func() error {
		c.Close()
		return a.Close()
	}}, nil
}

// onArena makes an allocator on top of an arena that must have no live frame at the end.
func onArena(on func(arena.FrameAllocator) Memory) (Memory, error) {
	a, err := arena.New()
	if err != nil {
		return Memory{}, err
	}
	m := on(a)
	closing := m.Close
	m.Close = func() error {
		if closing != nil {
			if err := closing(); err != nil {
				return err
			}
		}
		return a.Close()
	}
	return m, nil
}

func countingOn(next arena.FrameAllocator) Memory {
	c := arena.NewCounting(next)
	var sum Totals
	return Memory{Allocator: c, Check: func(t Totals) error {
		sum.add(t)
		s := c.Stats()
		return errors.Join(same("Allocated", s.Allocated, sum.Allocated), same("Deallocated", s.Deallocated, sum.Deallocated),
			same("Refused", s.Refused, sum.Refused), same("Bytes", s.Bytes, 0))
	}}
}

func (t *Totals) add(other Totals) {
	t.Allocated += other.Allocated
	t.Deallocated += other.Deallocated
	t.Refused += other.Refused
}

func boundedOn(maxBytes uintptr) func(arena.FrameAllocator) Memory {
	return func(next arena.FrameAllocator) Memory {
		b := arena.NewBounded(next, maxBytes)
		var refused uint64
		return Memory{Allocator: b, Check: func(t Totals) error {
			s := b.Stats()
			refused += t.Refused
			return errors.Join(same("Bytes", s.Bytes, 0), same("Live", s.Live, 0), same("Refused and NextRefused", s.Refused+s.NextRefused, refused),
				same("PeakBytes is within MaxBytes", s.PeakBytes <= maxBytes, true))
		}}
	}
}

func monotonicOn(next arena.FrameAllocator) Memory {
	m := arena.NewMonotonic(next, 64<<10)
	return Memory{
		Allocator: m,
		Check: func(Totals) error {
			if err := same("Live", m.Live(), 0); err != nil {
				return err
			}
			m.Release()
			return same("Blocks", m.Stats().Blocks, 0)
		},
	}
}

// traceOn makes a Trace. Close reads its record and compares it with the totals.
func traceOn(next arena.FrameAllocator) Memory {
	var record bytes.Buffer
	trace := arena.NewTrace(next, &record)
	var sum Totals
	return Memory{
		Allocator: trace,
		Check: func(t Totals) error {
			sum.add(t)
			return nil
		},
		Close: func() error {
			if err := trace.Close(); err != nil {
				return err
			}
			reader, err := arena.NewTraceReader(&record)
			if err != nil {
				return err
			}
			var read Totals
			live := make(map[uint64]bins.Class)
			for {
				e, err := reader.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					return err
				}
				switch e.Op {
				case arena.TraceAllocate:
					read.Allocated++
					live[e.Frame] = e.Class
				case arena.TraceDeallocate:
					read.Deallocated++
					if class, ok := live[e.Frame]; !ok || class != e.Class {
						return fmt.Errorf("the trace frees frame %d, of which it has no allocation of that class", e.Frame)
					}
					delete(live, e.Frame)
				case arena.TraceRefused:
					read.Refused++
				}
			}
			return errors.Join(same("recorded totals", read, sum), same("recorded live frames", len(live), 0))
		},
	}
}

// With returns the options for a Run in the world, with the memory.
func (w World) With(m Memory) Options {
	o := w.Options
	o.Allocator, o.Check, o.MayRefuse = m.Allocator, m.Check, m.MayRefuse
	return o
}
