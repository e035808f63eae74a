package coro_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// awaiter returns a kind whose tasks await one of kind k.
func awaiter(name string, k *coro.Kind[int, int]) *coro.Kind[int, int] {
	return coro.Define(name, func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, k, f.State, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
}

// waiter returns a kind whose tasks do op and return what was their state.
func waiter(name string, op operation) *coro.Kind[int, int] {
	return coro.Define(name, func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return op(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})
}

// described returns a waiting task as "what: innermost < ... < root".
func described(t coro.WaitingTask) string {
	names := make([]string, 0, len(t.Backtrace.Tasks))
	for _, k := range t.Backtrace.Tasks {
		names = append(names, k.Name)
	}
	return t.What + ": " + strings.Join(names, " < ")
}

// waitingIn returns how often each sort of task is in a snapshot. It checks that the
// two sorts of snapshot agree. No task may resume meanwhile.
func waitingIn(t *testing.T, env *coro.Environment) map[string]int {
	t.Helper()
	type sort struct{ what, kind, root string }
	tasks := make(map[string]int)
	bySort := make(map[sort]int)
	for w := range env.Waiting() {
		tasks[described(w)]++
		all := w.Backtrace.Tasks
		bySort[sort{w.What, all[0].String(), all[len(all)-1].String()}]++
	}
	groups := env.WaitingByKind()
	for i, g := range groups {
		s := sort{g.What, g.Kind.String(), g.Root.String()}
		require.Equal(t, bySort[s], g.N, s)
		delete(bySort, s)
		require.True(t, i == 0 || g.N <= groups[i-1].N, "the largest number first")
	}
	require.Empty(t, bySort)
	return tasks
}

func TestWaitingSaysForWhat(t *testing.T) {
	for _, o := range operations {
		for _, withContext := range []bool{false, true} {
			t.Run(fmt.Sprint(o.name, ", context ", withContext), func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ex := newManual(t, func(err error) { t.Error(err) })
				op, wake, _ := o.block()
				k := waiter("waits", op)
				launch := coro.RunAsync(ex)
				if withContext {
					launch = coro.RunAsync(ex, coro.Context(ctx))
				}
				require.Empty(t, waitingIn(t, ex.env))
				require.NoError(t, launch(awaiter("root", awaiter("between", k)).With(1)))
				require.Empty(t, waitingIn(t, ex.env), "it is queued, and waits for nothing")
				ex.runAll()
				what, _, _ := strings.Cut(o.name, ",")
				require.Equal(t, map[string]int{what + ": waits < between < root": 1}, waitingIn(t, ex.env))
				wake()
				require.Empty(t, waitingIn(t, ex.env), "it has been woken")
				ex.runAll()
				require.Empty(t, waitingIn(t, ex.env))
			})
		}
	}
}

func TestWaitingForTheOutsideWorld(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	release := make(chan int)
	tests := []struct {
		what string
		step func(f *coro.Frame[int, int]) coro.Step
		end  func()
	}{
		{"Blocking", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Blocking(f, 1, func() (int, error) { return <-release, nil }, &f.State)
		}, func() { release <- 1 }},
		{"RecvFrom", func(f *coro.Frame[int, int]) coro.Step { return coro.RecvFrom(f, 1, release, &f.State) },
			func() { release <- 1 }},
		{"SendTo", func(f *coro.Frame[int, int]) coro.Step { return coro.SendTo(f, 1, release, 1) },
			func() { <-release }},
		{"WaitContext", func(f *coro.Frame[int, int]) coro.Step { return coro.WaitContext(f, 1, ctx) }, cancel},
	}
	for _, tt := range tests {
		t.Run(tt.what, func(t *testing.T) {
			ex := newManual(t, func(err error) { t.Error(err) })
			k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 {
					return tt.step(f)
				}
				return f.Return(0)
			})
			require.NoError(t, coro.Go(ex, k, 0))
			ex.runAll()
			require.Equal(t, map[string]int{tt.what + ": coro." + tt.what + " < task": 1}, waitingIn(t, ex.env))
			tt.end()
			ex.await(1)
			ex.runAll()
			require.Empty(t, waitingIn(t, ex.env))
			require.Zero(t, liveIn(ex.arena))
		})
	}
}

// Tasks of many trees, with contexts and without, wait for the same things, and so do
// those of another executor. Each is seen once, by its own executor.
func TestWaitingForWhatIsShared(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ignore := func(error) {}
	ex, other := newManual(t, ignore), newManual(t, ignore)
	var event coro.Event
	jobs := coro.NewChan[int](0)
	waits := waiter("waits", event.Wait)
	receives := waiter("receives", func(f coro.AnyFrame, at int) coro.Step { return jobs.Recv(f, at, nil) })
	suspended := waiter("suspended", func(f coro.AnyFrame, at int) coro.Step { return coro.Suspend(f, at, coro.NewWaker()) })
	for range 2 * coro.VisitBatch {
		for _, launch := range []func(coro.Launchable) error{
			coro.RunAsync(ex), coro.RunAsync(ex, coro.Context(ctx)), coro.RunAsync(other),
		} {
			for _, k := range []*coro.Kind[int, int]{waits, receives, suspended} {
				require.NoError(t, launch(k.With(1)))
			}
		}
		ex.runAll()
		other.runAll()
	}
	const n = 2 * coro.VisitBatch
	all := func(times int) map[string]int {
		return map[string]int{"Event.Wait: waits": times * n, "Chan.Recv: receives": times * n, "Suspend: suspended": times * n}
	}
	require.Equal(t, all(2), waitingIn(t, ex.env))
	require.Equal(t, all(1), waitingIn(t, other.env))

	// The slots of Wakers that were used by the trees with a context are used by
	// others now, whose registry is another.
	cancel()
	ex.await(3 * n)
	ex.runAll()
	require.Equal(t, all(1), waitingIn(t, ex.env))
	for range n {
		require.NoError(t, coro.Go(ex, suspended, 1))
		ex.runAll()
	}
	want := all(1)
	want["Suspend: suspended"] += n
	require.Equal(t, want, waitingIn(t, ex.env))
	ex.env.CancelWaiting(errCause)
	require.Empty(t, waitingIn(t, ex.env))
	require.Equal(t, all(1), waitingIn(t, other.env))
	other.env.CancelWaiting(errCause)
}

// While the loop's body runs, no lock is held: what is looked through may change.
func TestWaitingWhileTheQueueChanges(t *testing.T) {
	const n = 3 * coro.VisitLinks // three parts of one queue
	tests := []struct {
		name   string
		change func(wake, cancel func())
		inPart func(part int, goes bool) bool // whether such a task is seen
	}{
		{"nothing", func(_, _ func()) {}, func(int, bool) bool { return true }},
		{"tasks are cancelled", func(_, cancel func()) { cancel() }, func(part int, goes bool) bool { return part == 0 || !goes }},
		{"all are woken", func(wake, _ func()) { wake() }, func(part int, _ bool) bool { return part == 0 }},
	}
	// Where the loop resumes, and at the ends of the queue, there are tasks that stay
	// or tasks that are cancelled.
	arrangements := map[string]func(i int) bool{
		"some go":  func(i int) bool { return i%100 == 0 },
		"first go": func(i int) bool { return i%coro.VisitLinks < 5 },
		"last go":  func(i int) bool { return i%coro.VisitLinks >= coro.VisitLinks-5 },
	}
	for name, goes := range arrangements {
		for _, tt := range tests {
			t.Run(name+", "+tt.name, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				ex := newManual(t, func(error) {})
				var event coro.Event
				going, staying := waiter("going", event.Wait), waiter("staying", event.Wait)
				want := make(map[string]int)
				cancelled := 0
				for i := range n {
					k, launch := staying, coro.RunAsync(ex)
					if goes(i) {
						k, launch = going, coro.RunAsync(ex, coro.Context(ctx))
						cancelled++
					}
					if tt.inPart(i/coro.VisitLinks, goes(i)) {
						want[k.Name()]++
					}
					require.NoError(t, launch(k.With(1)))
				}
				ex.runAll()
				seen := make(map[string]int)
				changed := false
				for w := range ex.env.Waiting() {
					seen[w.Backtrace.Tasks[0].Name]++
					if changed {
						continue
					}
					changed = true
					tt.change(event.Set, func() {
						cancel(errCause)
						ex.await(cancelled)
					})
				}
				require.Equal(t, want, seen)
				require.Zero(t, event.Cursors())
				event.Set()
				ex.runAll()
			})
		}
	}
}

// Trees end while the loop goes through them.
func TestWaitingWhileTreesEnd(t *testing.T) {
	const n = 3 * coro.VisitBatch
	ex := newManual(t, func(error) {})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := make([]coro.Event, n) // one for each tree
	for i := range events {
		k := waiter("waits", events[i].Wait)
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(k.With(1)))
	}
	ex.runAll()
	seen, ended := 0, 0
	for range ex.env.Waiting() {
		if seen++; seen > 1 {
			continue
		}
		for i := 0; i < n; i += 2 { // some of them were seen: at most a batch
			events[i].Set()
			ended++
		}
		ex.runAll()
	}
	require.GreaterOrEqual(t, seen, n-ended)
	require.LessOrEqual(t, seen, n-ended+coro.VisitBatch)
	cancel()
	ex.await(n - ended)
	ex.runAll()
}

// However a loop ends, nothing is left of it.
func TestWaitingStopsEarly(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ex := newManual(t, func(error) {})
	var event coro.Event
	k := waiter("waits", event.Wait)
	for range 3 * coro.VisitLinks {
		require.NoError(t, coro.Go(ex, k, 1))
	}
	require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(k.With(1)))
	ex.runAll()
	seen := 0
	inTheLoop := 0
	for range ex.env.Waiting() {
		seen++
		inTheLoop = event.Cursors()
		break
	}
	require.Equal(t, 1, seen)
	require.Equal(t, 1, inTheLoop)
	require.Zero(t, event.Cursors())
	require.PanicsWithValue(t, "body", func() {
		for range ex.env.Waiting() {
			panic("body")
		}
	})
	require.Zero(t, event.Cursors())
	nested := 0
	for range ex.env.Waiting() { // one in the other
		if nested == 0 {
			for range ex.env.Waiting() {
				nested++
			}
		}
		seen++
	}
	require.Equal(t, 3*coro.VisitLinks+1, nested)
	require.Equal(t, 3*coro.VisitLinks+2, seen)
	event.Set()
	ex.runAll()
}

func TestWaitingDeepInAChain(t *testing.T) {
	ex := newManual(t, func(error) {})
	var event coro.Event
	chain := waiter("waits", event.Wait)
	const depth = 100
	for i := range depth {
		chain = awaiter(fmt.Sprint("task ", i), chain)
	}
	require.NoError(t, coro.Go(ex, chain, 1))
	ex.runAll()
	seen := 0
	for w := range ex.env.Waiting() {
		seen++
		tasks := w.Backtrace.Tasks
		require.Len(t, tasks, 40)
		require.Equal(t, depth+1-40, w.Backtrace.Omitted)
		require.Equal(t, "waits", tasks[0].Name)
		require.Equal(t, "task 30", tasks[31].Name)
		require.Equal(t, "task 92", tasks[32].Name)
		require.Equal(t, "task 99", tasks[39].Name)
		require.Contains(t, w.Backtrace.String(), "... 61 more tasks ...")
	}
	require.Equal(t, 1, seen)
	groups := ex.env.WaitingByKind()
	require.Len(t, groups, 1)
	require.Equal(t, chain.Info(), groups[0].Root)
	event.Set()
	ex.runAll()
}

// Snapshots are taken while tasks wait, run, are cancelled and end. A task that waits all the time
// is in each of them exactly once.
func TestWaitingAtOnce(t *testing.T) {
	const steady = coro.VisitLinks + 100
	ex := newPool(t, executor.WithWorkers(4), executor.WithErrorHandler(func(error) {}))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var event, never coro.Event
	var mutex coro.Mutex
	jobs := coro.NewChan[int](2)
	root := awaiter("root", waiter("patient", event.Wait))
	for range steady / 2 {
		require.NoError(t, coro.Go(ex, root, 1))
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx))(root.With(1)))
	}

	// busy tasks wait for the same event among others, and are cancelled.
	busy := coro.Define("busy", func(f *coro.Frame[struct{ round, got int }, int]) coro.Step {
		s := &f.State
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		switch s.round++; s.round % 5 {
		case 0:
			return jobs.Send(f, 1, s.round)
		case 1:
			return jobs.Recv(f, 1, &s.got)
		case 2:
			return coro.Yield(f, 1)
		default:
			if s.round > 20 {
				return event.Wait(f, 1) // until the context ends
			}
			return never.Wait(f, 1)
		}
	})
	locking := coro.Define("locking", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 1 {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			mutex.Unlock()
		}
		if f.State--; f.State < 0 {
			return f.Return(0)
		}
		return mutex.Lock(f, 1)
	})
	for n := 0; n != steady/2*2; { // until all of them wait
		n = 0
		for _, g := range ex.Environment().WaitingByKind() {
			n += g.N
		}
	}

	var stop atomic.Bool
	var wg, working sync.WaitGroup
	for i := range 4 {
		working.Go(func() {
			for j := range scaled(200) {
				ctx, cancel := context.WithCancelCause(context.Background())
				launch := coro.RunAsync(ex, coro.Context(ctx))
				for range 10 {
					if err := errors.Join(launch(busy.With(struct{ round, got int }{round: i + j})), launch(locking.With(5)), coro.Go(ex, locking, 5)); err != nil {
						t.Error(err)
					}
				}
				cancel(errCause)
			}
		})
	}
	for i := range 2 {
		wg.Go(func() {
			for snapshots := 0; snapshots < 3 || !stop.Load(); snapshots++ {
				n := 0
				if i == 0 {
					for w := range ex.Environment().Waiting() {
						if described(w) == "Event.Wait: patient < root" {
							n++
						}
					}
				} else {
					for _, g := range ex.Environment().WaitingByKind() {
						if g.What == "Event.Wait" && g.Kind.Name == "patient" && g.Root.Name == "root" {
							n += g.N
						}
					}
				}
				if n != steady/2*2 {
					t.Errorf("%d tasks of %d", n, steady/2*2)
					return
				}
			}
		})
	}
	working.Wait()
	stop.Store(true)
	wg.Wait()
	require.Zero(t, event.Cursors())
	event.Set()
}

// BenchmarkWaitingByKind looks at 100,000 tasks that wait for one thing each.
func BenchmarkWaitingByKind(b *testing.B) {
	ex := newInline(b, executor.WithErrorHandler(func(error) {}))
	k := waiter("suspended", func(f coro.AnyFrame, at int) coro.Step { return coro.Suspend(f, at, coro.NewWaker()) })
	const n = 100_000
	for range n {
		if err := coro.Go(ex, k, 1); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if g := ex.Environment().WaitingByKind(); len(g) != 1 || g[0].N != n {
			b.Fatal(g)
		}
	}
}
