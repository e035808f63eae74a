package executor_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// layered is a Strand, with the life of what it is on.
type layered struct {
	*executor.Strand
	base closer
}

// newLayered returns a Strand on depth-1 others on base.
func newLayered(base closer, depth int) layered {
	s := executor.NewStrand(base)
	for range depth - 1 {
		s = executor.NewStrand(s)
	}
	return layered{s, base}
}

func (l layered) Arena() *arena.Arena { return l.base.Arena() }
func (l layered) Close() error        { return l.base.Close() }

// ownExecutor is the one of the example, with an arena.
type ownExecutor struct {
	*thread
	arena *arena.Arena
}

func (e ownExecutor) Arena() *arena.Arena { return e.arena }

func (e ownExecutor) Close() error {
	e.thread.Close()
	return nil
}

// bases are what a Strand may be on.
var bases = []struct {
	name string
	make func(a *arena.Arena, handler func(error)) closer
}{
	{"Inline", func(a *arena.Arena, handler func(error)) closer {
		return executor.NewInline(executor.WithArena(a), executor.WithErrorHandler(handler))
	}},
	{"Pool", func(a *arena.Arena, handler func(error)) closer {
		return executor.NewPool(executor.WithArena(a), executor.WithErrorHandler(handler), executor.WithWorkers(4))
	}},
	{"Pool of one", func(a *arena.Arena, handler func(error)) closer {
		return executor.NewPool(executor.WithArena(a), executor.WithErrorHandler(handler), executor.WithWorkers(1))
	}},
	{"Loop", func(a *arena.Arena, handler func(error)) closer {
		return newDriven(executor.WithArena(a), executor.WithErrorHandler(handler))
	}},
	{"Strand", func(a *arena.Arena, handler func(error)) closer {
		return newLayered(executor.NewPool(executor.WithArena(a), executor.WithErrorHandler(handler), executor.WithWorkers(4)), 1)
	}},
	{"one's own", func(a *arena.Arena, _ func(error)) closer { return ownExecutor{newThread(a), a} }},
}

func onEveryBase(t *testing.T, f func(t *testing.T, make func(handler func(error)) closer)) {
	for _, base := range bases {
		t.Run(base.name, func(t *testing.T) {
			a := newArena(t)
			f(t, func(handler func(error)) closer { return base.make(a, handler) })
		})
	}
}

// Steps of a Strand's tasks never overlap, whatever makes them ready, and tasks begin
// in the order in which they are posted.
func TestStrandOrder(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		onEveryBase(t, func(t *testing.T, make func(func(error)) closer) {
			const posters = 6
			each := scaled(600)
			base := make(nil)
			strands := [2]*executor.Strand{executor.NewStrand(base), executor.NewStrand(base)}

			// What follows is of one Strand each, and has no lock.
			var inside [2]bool
			var last [2][posters]int
			var steps [2]int

			link := coro.NewChan[int](3)
			var lock coro.Mutex
			var ended sync.WaitGroup
			type state struct{ strand, poster, n, got int }
			k := coro.Define("task", func(f *coro.Frame[state, int]) coro.Step {
				s := &f.State
				if inside[s.strand] {
					t.Error("two at a time")
				}
				inside[s.strand] = true
				defer func() { inside[s.strand] = false }()
				steps[s.strand]++
				if err := f.Err(); err != nil {
					return f.Fail(err)
				}
				switch f.At() {
				case 0:
					if s.n != last[s.strand][s.poster]+1 {
						t.Errorf("%d begins after %d", s.n, last[s.strand][s.poster])
					}
					last[s.strand][s.poster] = s.n
					return coro.Yield(f, 1)
				case 1:
					return lock.Lock(f, 2)
				case 2:
					lock.Unlock()
					if s.strand == 0 {
						return link.Send(f, 3, s.n)
					}
					return link.Recv(f, 3, &s.got)
				default:
					ended.Done()
					return f.Return(0)
				}
			})
			var wg sync.WaitGroup
			ended.Add(2 * posters * each)
			for i := range posters {
				wg.Go(func() {
					for n := range each {
						for strand, ex := range strands {
							c := state{strand: strand, poster: i, n: n + 1}
							var err error
							if n%3 == 0 {
								err = coro.RunAsync(ex, coro.Context(context.Background()))(k.With(c))
							} else {
								err = coro.Go(ex, k, c)
							}
							if err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			ended.Wait()
			require.NoError(t, base.Close())
			for i := range steps {
				require.Equal(t, 4*posters*each, steps[i])
			}
		})
	}
}

func TestStrandRun(t *testing.T) {
	onEveryBase(t, func(t *testing.T, make func(func(error)) closer) {
		base := make(nil)
		s := executor.NewStrand(base)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for n := range 20 {
					got, err := coro.Run(context.Background(), s, countTo(n))
					if got != n || err != nil {
						t.Errorf("got %d, %v", got, err)
					}
				}
			})
		}
		wg.Wait()
		_, err := coro.Run(context.Background(), s, failing.With(none{}))
		require.True(t, err == errTask)
		ctx, cancel := context.WithCancelCause(context.Background())
		var never coro.Event
		waits := coro.Define("waits", func(f *coro.Frame[none, int]) coro.Step {
			if f.At() == 0 {
				cancel(errTask)
				return never.Wait(f, 1)
			}
			return f.Fail(f.Err())
		})
		_, err = coro.Run(ctx, s, waits.With(none{}))
		require.True(t, err == errTask)
		require.NoError(t, base.Close())
	})
}

// A Strand with no end of tasks does not keep the only worker.
func TestStrandFairness(t *testing.T) {
	onEveryBase(t, func(t *testing.T, make func(func(error)) closer) {
		base := make(func(error) {})
		if _, inline := base.(*executor.Inline); inline {
			require.NoError(t, base.Close())
			return // the goroutine that posts would run them for ever
		}
		stop := false // of the Strand's tasks
		s := executor.NewStrand(base)
		var ended sync.WaitGroup
		greedy := coro.Define("greedy", func(f *coro.Frame[none, none]) coro.Step {
			if stop {
				ended.Done()
				return f.Return(none{})
			}
			return coro.Yield(f, 0)
		})
		for range 100 {
			ended.Add(1)
			require.NoError(t, coro.Go(s, greedy, none{}))
		}
		for n := range 20 {
			got, err := coro.Run(context.Background(), base, countTo(n))
			require.NoError(t, err)
			require.Equal(t, n, got)
			got, err = coro.Run(context.Background(), executor.NewStrand(base), countTo(n))
			require.NoError(t, err)
			require.Equal(t, n, got)
		}
		stops := coro.Define("stops", func(f *coro.Frame[none, none]) coro.Step {
			stop = true
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(s, stops, none{}))
		ended.Wait()
		require.NoError(t, base.Close())
	})
}

// Tasks that fail, panic or end their goroutine, and handlers that do, do not end the
// Strand.
func TestStrandExceptions(t *testing.T) {
	panicking := coro.Define("panicking", func(f *coro.Frame[none, int]) coro.Step { panic(errTask) })
	onEveryBase(t, func(t *testing.T, make func(func(error)) closer) {
		var handled atomic.Int64
		base := make(func(err error) {})
		_, own := base.(ownExecutor) // its goroutine has no relief
		s := executor.NewStrand(base, executor.WithErrorHandler(func(err error) {
			if handled.Add(1)%3 == 0 && !own {
				runtime.Goexit()
			}
		}))
		calls := []func() coro.Call[int]{
			func() coro.Call[int] { return failing.With(none{}) },
			func() coro.Call[int] { return panicking.With(none{}) },
			func() coro.Call[int] { return echo.With(1) },
		}
		if !own {
			calls = append(calls, func() coro.Call[int] { return leaving.With(none{}) })
		}
		rounds, launched := scaled(100), int64(0)
		var wg sync.WaitGroup
		for range rounds {
			for i, call := range calls {
				if i != 2 {
					launched++
				}
				wg.Add(1)
				go func() { // on an Inline, the goroutine may end
					defer wg.Done()
					if err := coro.RunAsync(s)(call()); err != nil {
						t.Error(err)
					}
				}()
			}
		}
		wg.Wait()
		var got int
		var err error
		wg.Go(func() { got, err = coro.Run(context.Background(), s, countTo(5)) })
		wg.Wait()
		require.NoError(t, err)
		require.Equal(t, 5, got)
		require.NoError(t, base.Close())
		require.Equal(t, launched, handled.Load())
	})
}

// A handler that panics does so in the Post of an Inline; the rest runs with the next
// post to the Inline.
func TestStrandAfterAPanicInTheHandler(t *testing.T) {
	for depth := 1; depth <= 2; depth++ {
		a := newArena(t)
		ex := newLayered(executor.NewInline(executor.WithArena(a), executor.WithErrorHandler(func(err error) { panic(err) })), depth)
		ran := 0
		k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
			ran++
			return f.Return(none{})
		})
		launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
			err := errors.Join(coro.Go(ex, k, none{}), coro.Go(ex, failing, none{}), coro.Go(ex, k, none{}))
			if err != nil {
				return f.Fail(err)
			}
			return f.Return(none{})
		})
		require.PanicsWithValue(t, errTask, func() { _ = coro.Go(ex, launcher, none{}) })
		require.Equal(t, 1, ran)
		_, err := coro.Run(context.Background(), ex.base, echo.With(1))
		require.NoError(t, err)
		require.Equal(t, 2, ran)
		_, err = coro.Run(context.Background(), ex, echo.With(1))
		require.NoError(t, err)
		require.NoError(t, ex.Close())
	}
}

// Tasks of a Strand that are queued, run, yield or wait when the base is closed end.
func TestStrandClose(t *testing.T) {
	onEveryBase(t, func(t *testing.T, make func(func(error)) closer) {
		var ended, launched atomic.Int64
		end := func(err error) {
			ended.Add(1)
			if err != executor.ErrClosed {
				t.Error(err)
			}
		}
		base := make(end)
		_, inline := base.(*executor.Inline)
		var never coro.Event
		var begun sync.WaitGroup
		type state struct{ deep, forever int }
		k := coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			switch {
			case s.deep > 0:
				return coro.Await(f, 1, f.Kind(), state{s.deep - 1, s.forever}, nil)
			case f.At() == 0:
				begun.Done()
			}
			if s.forever == 1 {
				return coro.Yield(f, 1)
			}
			return never.Wait(f, 1)
		})
		var kept []*executor.Strand
		for i := range 20 {
			s := executor.NewStrand(base, executor.WithErrorHandler(end))
			for range 5 {
				begun.Add(2)
				launched.Add(2)
				forever := 1
				if inline {
					forever = 0
				}
				require.NoError(t, coro.Go(s, k, state{i % 3, 0}))
				require.NoError(t, coro.RunAsync(s, coro.OnError(end))(k.With(state{i % 3, forever})))
			}
			if i%2 == 0 {
				kept = append(kept, s)
			}
		}
		begun.Wait()
		require.NoError(t, base.Close())
		require.Equal(t, launched.Load(), ended.Load())
		for _, s := range kept {
			require.True(t, coro.Go(s, echo, 1) == executor.ErrClosed)
			_, err := coro.Run(context.Background(), s, echo.With(1))
			require.True(t, err == executor.ErrClosed)
		}
		require.Zero(t, base.Arena().Stats().Total.Live)
	})
}

func TestManyStrands(t *testing.T) {
	for _, depth := range []int{1, 2} {
		t.Run(fmt.Sprint("depth ", depth), func(t *testing.T) {
			pool := executor.NewPool(executor.WithWorkers(4))
			const each = 5
			n := max(scaled(10_000), 10_000/10)
			strands := make([]layered, n)
			last := make([]int, n) // each of one Strand
			for i := range strands {
				strands[i] = newLayered(pool, depth)
			}
			var ended sync.WaitGroup
			type state struct{ strand, n int }
			k := coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
				s := &f.State
				if f.At() == 0 {
					if last[s.strand]++; last[s.strand] != s.n {
						t.Errorf("%d is the %dth", s.n, last[s.strand])
					}
					return coro.Yield(f, 1)
				}
				ended.Done()
				return f.Return(none{})
			})
			ended.Add(each * n)
			for j := range each {
				for i, s := range strands {
					require.NoError(t, coro.Go(s, k, state{i, j + 1}))
				}
			}
			ended.Wait()
			require.NoError(t, pool.Close())
		})
	}
}

func TestStrandAllocations(t *testing.T) {
	if race.Enabled {
		return // everything allocates more
	}
	yields := coro.Define("yields", func(f *coro.Frame[int, none]) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
	loop := executor.NewLoop()
	for _, tt := range []struct {
		name string
		ex   closer
		run  func()
	}{
		{"Inline", newLayered(executor.NewInline(), 1), func() {}},
		{"Strand", newLayered(executor.NewInline(), 2), func() {}},
		{"Loop", newLayered(loop, 1), func() { loop.RunUntilIdle() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Zero(t, testing.AllocsPerRun(200, func() {
				for range 10 {
					if err := coro.Go(tt.ex, yields, 20); err != nil {
						t.Fatal(err)
					}
				}
				tt.run()
			}))
			require.NoError(t, tt.ex.Close())
		})
	}
}

// A forgotten Strand is collected when its last task has ended, and not before.
func TestStrandIsCollected(t *testing.T) {
	pool := executor.NewPool()
	var e coro.Event
	var ended sync.WaitGroup
	waits := coro.Define("waits", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return e.Wait(f, 1)
		}
		ended.Done()
		return f.Return(none{})
	})
	collected := make(chan none, 20)
	for range 20 {
		s := executor.NewStrand(pool)
		runtime.AddCleanup(s.Environment(), func(none) { collected <- none{} }, none{})
		ended.Add(2)
		require.NoError(t, coro.Go(s, waits, 0))
		require.NoError(t, coro.RunAsync(s)(waits.With(0)))
	}
	_, err := coro.Run(context.Background(), pool, countTo(3))
	require.NoError(t, err)
	for range 3 {
		runtime.GC()
	}
	require.Empty(t, collected)
	e.Set()
	ended.Wait()
	for len(collected) < 20 {
		runtime.GC()
		runtime.Gosched()
	}
	require.NoError(t, pool.Close())
}

func TestNewStrandMistakes(t *testing.T) {
	ex := executor.NewInline()
	require.PanicsWithValue(t, "executor: NewStrand on a nil executor: give it a Pool, or whatever is to run the tasks",
		func() { executor.NewStrand(nil) })
	require.NoError(t, ex.Close())
}

func BenchmarkStrandPost(b *testing.B) {
	pool := executor.NewPool()
	defer pool.Close()
	for _, strands := range []int{1, 1000} {
		b.Run(fmt.Sprint("strands=", strands), func(b *testing.B) {
			all := make([]*executor.Strand, strands)
			for i := range all {
				all[i] = executor.NewStrand(pool)
			}
			var ended sync.WaitGroup
			k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step {
				ended.Done()
				return f.Return(none{})
			})
			b.ReportAllocs()
			b.ResetTimer()
			for left := b.N; left > 0; {
				n := min(left, inFlight)
				left -= n
				ended.Add(n)
				for i := range n {
					if err := coro.Go(all[i%strands], k, none{}); err != nil {
						b.Fatal(err)
					}
				}
				ended.Wait()
			}
		})
	}
}

// What a strand's task wakes on the base does not run within the strand's turn: it would
// hold up the rest of the strand.
func TestStrandTurnRunsOnlyTheStrand(t *testing.T) {
	base := executor.NewInline()
	strand := executor.NewStrand(base)
	values := coro.NewChan[int](0)
	var order []string
	receiver := coro.Define("receiver", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return values.Recv(f, 1, &f.State)
		}
		order = append(order, "receiver")
		return f.Return(none{})
	})
	sender := coro.Define("sender", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return values.Send(f, 1, 1)
		}
		order = append(order, "first of the strand")
		return f.Return(none{})
	})
	second := coro.Define("second", func(f *coro.Frame[none, none]) coro.Step {
		order = append(order, "second of the strand")
		return f.Return(none{})
	})
	launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
		require.NoError(t, coro.Go(strand, sender, none{}))
		require.NoError(t, coro.Go(strand, second, none{}))
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(base, receiver, 0))
	require.NoError(t, coro.Go(base, launcher, none{}))
	require.Equal(t, []string{"first of the strand", "second of the strand", "receiver"}, order)
	require.NoError(t, base.Close())
}
