package coro_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/slab"
)

// choosing is the state of a task that does one Select.
type choosing struct{ chosen, v, w int }

// selectOutcome is how that went.
type selectOutcome struct {
	choosing
	err error
}

// newSelector returns a kind whose tasks do the Select that cases returns, and tell
// what became of it.
func newSelector(cases func(s *choosing) []coro.Case, told func(selectOutcome)) *coro.Kind[choosing, none] {
	return coro.Define("selector", func(f *coro.Frame[choosing, none]) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, &f.State.chosen, cases(&f.State)...)
		}
		told(selectOutcome{f.State, f.Err()})
		return f.Return(none{})
	})
}

func requireWaiting[T any](t *testing.T, c *coro.Chan[T], receivers, senders int) {
	t.Helper()
	r, s, _, ok := c.Waiting()
	require.True(t, ok, "a queue is broken")
	require.Equal(t, [2]int{receivers, senders}, [2]int{r, s})
}

func TestSelect(t *testing.T) {
	type fixture struct{ a, b, full *coro.Chan[int] }
	untouched := choosing{chosen: -1, v: 7, w: 8}
	tests := []struct {
		name   string
		before func(x fixture)
		cases  func(x fixture, s *choosing) []coro.Case
		while  func(x fixture) // nil: it does not wait
		want   selectOutcome
	}{
		{"receives at once", func(x fixture) { x.b.TrySend(3) }, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.b.RecvCase(&s.w)}
		}, nil, selectOutcome{choosing{1, 7, 3}, nil}},
		{"receives after a while", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.b.RecvCase(&s.w), x.full.SendCase(1)}
		}, func(x fixture) { x.a.TrySend(4) }, selectOutcome{choosing{0, 4, 8}, nil}},
		{"receives to nowhere", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(nil), x.b.RecvCase(nil)}
		}, func(x fixture) { x.b.TrySend(4) }, selectOutcome{choosing{1, 7, 8}, nil}},
		{"sends at once", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.full.SendCase(1), x.a.SendCase(2)}
		}, nil, selectOutcome{choosing{1, 7, 8}, nil}},
		{"sends after a while", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.full.SendCase(1), x.b.RecvCase(&s.w)}
		}, func(x fixture) { x.full.TryRecv() }, selectOutcome{choosing{0, 7, 8}, nil}},
		{"default", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.b.RecvCase(&s.w), coro.Default(), x.full.SendCase(1)}
		}, nil, selectOutcome{choosing{1, 7, 8}, nil}},
		{"default alone", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{{}, coro.Default()}
		}, nil, selectOutcome{choosing{1, 7, 8}, nil}},
		{"no need of default", func(x fixture) { x.b.TrySend(3) }, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{coro.Default(), x.b.RecvCase(&s.w)}
		}, nil, selectOutcome{choosing{1, 7, 3}, nil}},
		{"closed", func(x fixture) { x.b.Close() }, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.b.RecvCase(&s.w)}
		}, nil, selectOutcome{choosing{1, 7, 8}, coro.ErrChanClosed}},
		{"closed, with a value", func(x fixture) { x.b.TrySend(3); x.b.Close() }, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.b.RecvCase(&s.w)}
		}, nil, selectOutcome{choosing{1, 7, 3}, nil}},
		{"closed after a while", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.b.RecvCase(&s.w)}
		}, func(x fixture) { x.a.Close() }, selectOutcome{choosing{0, 7, 8}, coro.ErrChanClosed}},
		{"closed to send after a while", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.a.RecvCase(&s.v), x.full.SendCase(1)}
		}, func(x fixture) { x.full.Close() }, selectOutcome{choosing{1, 7, 8}, coro.ErrChanClosed}},
		{"disabled cases", nil, func(x fixture, s *choosing) []coro.Case {
			var none *coro.Chan[int]
			return []coro.Case{none.RecvCase(&s.v), none.SendCase(1), {}, (*coro.Event)(nil).WaitCase(),
				(*coro.WaitGroup)(nil).WaitCase(), coro.Waker{}.WaitCase(), x.b.RecvCase(&s.w)}
		}, func(x fixture) { x.b.TrySend(5) }, selectOutcome{choosing{6, 7, 5}, nil}},
		{"one case", nil, func(x fixture, s *choosing) []coro.Case {
			return []coro.Case{x.b.RecvCase(&s.w)}
		}, func(x fixture) { x.b.TrySend(5) }, selectOutcome{choosing{0, 7, 5}, nil}},
		{"a case twice", nil, func(x fixture, s *choosing) []coro.Case {
			c := x.full.SendCase(6)
			return []coro.Case{x.b.RecvCase(&s.w), c, x.b.RecvCase(&s.w), c}
		}, func(x fixture) { x.b.TrySend(5) }, selectOutcome{choosing{0, 7, 5}, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := fixture{coro.NewChan[int](1), coro.NewChan[int](2), coro.NewChan[int](1)}
			x.full.TrySend(9)
			if tt.before != nil {
				tt.before(x)
			}
			var got []selectOutcome
			ex := newInline(t)
			k := newSelector(func(s *choosing) []coro.Case { return tt.cases(x, s) }, func(o selectOutcome) { got = append(got, o) })
			require.NoError(t, coro.Go(ex, k, untouched))
			if tt.while != nil {
				require.Empty(t, got)
				require.Equal(t, 2, liveIn(ex.Arena()))
				tt.while(x)
			}
			require.Len(t, got, 1)
			if tt.name == "a case twice" && got[0].chosen == 2 {
				got[0].chosen = 0
			}
			require.Equal(t, tt.want, got[0])
			require.Zero(t, liveIn(ex.Arena()))
			for _, c := range []*coro.Chan[int]{x.a, x.b, x.full} {
				requireWaiting(t, c, 0, 0)
			}
		})
	}
}

func TestSelectIsFair(t *testing.T) {
	const ready, rounds = 4, 4000
	chans := make([]*coro.Chan[int], 2*ready) // every other one has a value
	for i := range chans {
		chans[i] = coro.NewChan[int](1)
		if i%2 == 0 {
			chans[i].TrySend(i)
		}
	}
	var counts [2 * ready]int
	ex := newInline(t)
	k := newSelector(func(s *choosing) (all []coro.Case) {
		for _, c := range chans {
			all = append(all, c.RecvCase(&s.v))
		}
		return all
	}, func(o selectOutcome) {
		counts[o.chosen]++
		chans[o.chosen].TrySend(o.v)
	})
	for range rounds {
		require.NoError(t, coro.Go(ex, k, choosing{}))
	}
	for i, n := range counts {
		if i%2 == 0 {
			require.InDelta(t, rounds/ready, n, rounds/ready/4) // nine times the standard deviation
		} else {
			require.Zero(t, n)
		}
	}
}

// A Select that sends and receives on one channel does not meet itself, but others.
func TestSelectDoesNotMeetItself(t *testing.T) {
	c := coro.NewChan[int](0)
	var got []selectOutcome
	ex := newInline(t)
	next := 0
	k := newSelector(func(s *choosing) []coro.Case {
		next++
		return []coro.Case{c.SendCase(next), c.RecvCase(&s.v)}
	}, func(o selectOutcome) { got = append(got, o) })
	require.NoError(t, coro.Go(ex, k, choosing{}))
	require.Empty(t, got)
	requireWaiting(t, c, 1, 1)
	require.NoError(t, coro.Go(ex, k, choosing{}))
	require.Len(t, got, 2)
	requireWaiting(t, c, 0, 0)
	require.Equal(t, 1, got[0].chosen+got[1].chosen, "one sends and one receives")
	for i, o := range got { // in the order in which they go on, the second first
		if o.chosen == 1 {
			require.Equal(t, i+1, o.v)
		} else {
			require.Zero(t, o.v)
		}
	}
	require.Zero(t, liveIn(ex.Arena()))
}

// A Select in which nothing can happen waits for the end of its context.
func TestSelectOfNothing(t *testing.T) {
	for _, cases := range [][]coro.Case{nil, {{}, {}}} {
		var got []selectOutcome
		ex := newInline(t)
		k := newSelector(func(*choosing) []coro.Case { return cases }, func(o selectOutcome) { got = append(got, o) })
		ctx, cancel := context.WithCancelCause(context.Background())
		done := make(chan error, 1)
		require.NoError(t, coro.RunAsync(ex, coro.Context(ctx), coro.OnError(func(err error) { done <- err }))(k.With(choosing{chosen: 5})))
		require.Equal(t, 1, liveIn(ex.Arena()))
		cancel(errCause)
		for liveIn(ex.Arena()) > 0 {
			runtime.Gosched()
		}
		require.Equal(t, []selectOutcome{{choosing{chosen: -1}, errCause}}, got)
	}
}

func TestSelectOfMany(t *testing.T) {
	for _, n := range []int{2, 3, 4, 13, 64, 300} {
		chans := make([]*coro.Chan[int], n)
		for i := range chans {
			chans[i] = coro.NewChan[int](0)
		}
		var got selectOutcome
		ex := newInline(t)
		k := newSelector(func(s *choosing) (all []coro.Case) {
			for i, c := range chans {
				if i%3 == 2 {
					all = append(all, c.SendCase(i))
				} else {
					all = append(all, c.RecvCase(&s.v))
				}
			}
			return all
		}, func(o selectOutcome) { got = o })
		for i, c := range chans {
			require.NoError(t, coro.Go(ex, k, choosing{v: -5}))
			require.Equal(t, 2, liveIn(ex.Arena()))
			want := selectOutcome{choosing: choosing{chosen: i, v: -5}}
			if i%3 == 2 {
				v, ok := c.TryRecv()
				require.True(t, ok)
				require.Equal(t, i, v)
			} else {
				require.True(t, c.TrySend(i))
				want.v = i
			}
			require.Equal(t, want, got)
			require.Zero(t, liveIn(ex.Arena()))
			for _, c := range chans {
				requireWaiting(t, c, 0, 0)
			}
		}
	}
}

// Proxies leave queues from the front, the middle and the end, between tasks that wait
// for nothing else, and all keep their order.
func TestSelectsAmongOthers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	common := coro.NewChan[int](0)
	ex := newInline(t)
	var order []int
	alone := coro.Define("alone", func(f *coro.Frame[[2]int, none]) coro.Step {
		if f.At() == 0 {
			return common.Recv(f, 1, &f.State[1])
		}
		order = append(order, f.State[0])
		return f.Return(none{})
	})
	type waiter struct {
		id  int
		own *coro.Chan[int] // nil if it waits for nothing else
	}
	var own *coro.Chan[int]
	type numbered struct{ id, chosen, v int }
	both := coro.Define("both", func(f *coro.Frame[numbered, none]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			return coro.Select(f, 1, &s.chosen, common.RecvCase(&s.v), own.RecvCase(&s.v))
		}
		if s.chosen == 0 {
			order = append(order, s.id)
		}
		return f.Return(none{})
	})
	var model []waiter
	var want []int
	for i := range scaled(20_000) {
		switch x := rnd.IntN(10); {
		case x < 2:
			model = append(model, waiter{id: i})
			require.NoError(t, coro.Go(ex, alone, [2]int{i}))
		case x < 5:
			own = coro.NewChan[int](0)
			model = append(model, waiter{i, own})
			require.NoError(t, coro.Go(ex, both, numbered{id: i}))
		case len(model) == 0:
		case x < 7:
			want = append(want, model[0].id)
			model = model[1:]
			require.True(t, common.TrySend(i))
		default:
			j := rnd.IntN(len(model))
			if model[j].own != nil {
				require.True(t, model[j].own.TrySend(i))
				model = append(model[:j:j], model[j+1:]...)
			}
		}
		if i%50 == 0 || len(model) < 4 {
			requireWaiting(t, common, len(model), 0)
			require.Equal(t, want, order)
		}
	}
	require.Equal(t, want, order)
	common.Close()
	require.Zero(t, liveIn(ex.Arena()))
}

// Many tasks that all select over a channel of their own and a common one, again and
// again: neither queue grows.
func TestSelectOverACommonChannel(t *testing.T) {
	tasks, rounds := scaled(10_000), 20
	quit := coro.NewChan[none](0)
	own := make([]*coro.Chan[int], tasks)
	for i := range own {
		own[i] = coro.NewChan[int](0)
	}
	type looping struct{ id, chosen, v, sum int }
	var sum, quits atomic.Int64
	k := coro.Define("looping", func(f *coro.Frame[looping, none]) coro.Step {
		s := &f.State
		if f.At() == 1 {
			if s.chosen == 1 {
				if f.Err() == coro.ErrChanClosed {
					quits.Add(1)
				}
				sum.Add(int64(s.sum))
				return f.Return(none{})
			}
			s.sum += s.v
		}
		return coro.Select(f, 1, &s.chosen, own[s.id].RecvCase(&s.v), quit.RecvCase(nil))
	})
	ex := newPool(t)
	for i := range tasks {
		require.NoError(t, coro.Go(ex, k, looping{id: i}))
	}
	for range rounds {
		for _, c := range own {
			for !c.TrySend(1) {
				runtime.Gosched()
			}
		}
	}
	for { // until all wait
		n, _, room, ok := quit.Waiting()
		require.True(t, ok)
		require.LessOrEqual(t, n, tasks)
		require.LessOrEqual(t, room, tasks)
		if n == tasks {
			break
		}
		runtime.Gosched()
	}
	require.Equal(t, 2*tasks, liveIn(ex.Arena()))
	quit.Close()
	for quits.Load() < int64(tasks) {
		runtime.Gosched()
	}
	require.Equal(t, int64(tasks*rounds), sum.Load())
}

// Tasks that send or receive, whichever is possible, on the same two channels, from both
// sides, with Selects and without, on several executors, and are cancelled meanwhile:
// what was sent was received, once.
func TestSelectsAgainstSelects(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		for _, capacity := range []int{0, 2} {
			selectsAgainstSelects(t, procs, capacity, scaled(400))
		}
	}
}

func selectsAgainstSelects(t *testing.T, procs, capacity, each int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	const tasks = 24
	a, b := coro.NewChan[int64](capacity), coro.NewChan[int64](capacity)
	var number, sent, received, sentSum, receivedSum atomic.Int64
	type state struct {
		left, chosen int
		next, v, w   int64
	}
	task := func(cases func(s *state) [4]coro.Case) *coro.Kind[state, none] {
		return coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				switch {
				case f.Err() != nil && s.chosen != -1:
					t.Error("chosen with an error:", f.Err())
				case f.Err() != nil:
					return f.Return(none{})
				case s.chosen < 2:
					sent.Add(1)
					sentSum.Add(s.next)
				case s.chosen == 2:
					received.Add(1)
					receivedSum.Add(s.v)
				case s.chosen == 3:
					received.Add(1)
					receivedSum.Add(s.w)
				}
			}
			if s.left--; s.left < 0 {
				return f.Return(none{})
			}
			s.next = number.Add(1)
			c := cases(s)
			return coro.Select(f, 1, &s.chosen, c[0], c[1], c[2], c[3])
		})
	}
	kinds := []*coro.Kind[state, none]{
		task(func(s *state) [4]coro.Case {
			return [4]coro.Case{a.SendCase(s.next), b.SendCase(s.next), a.RecvCase(&s.v), b.RecvCase(&s.w)}
		}),
		task(func(s *state) [4]coro.Case {
			return [4]coro.Case{b.SendCase(s.next), {}, a.RecvCase(&s.v), {}}
		}),
		task(func(s *state) [4]coro.Case {
			return [4]coro.Case{a.SendCase(s.next), {}, b.RecvCase(&s.v), {}}
		}),
		task(func(s *state) [4]coro.Case {
			return [4]coro.Case{b.SendCase(s.next), a.SendCase(s.next)}
		}),
		task(func(s *state) [4]coro.Case {
			return [4]coro.Case{{}, {}, b.RecvCase(&s.v), a.RecvCase(&s.w)}
		}),
	}
	pools := []coro.Executor{newPool(t), newPool(t, executor.WithWorkers(3)), newInline(t)}
	ctx, cancelAll := context.WithCancel(context.Background())
	var all, some sync.WaitGroup
	for i := range tasks {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		all.Go(func() {
			if _, err := coro.Run(ctx, pools[i%3], kinds[i%len(kinds)].With(state{left: each})); err != nil {
				t.Error(err)
			}
		})
		if i%4 == 3 {
			some.Go(func() {
				for range 10 * i {
					runtime.Gosched()
				}
				cancel()
			})
		}
	}
	some.Go(func() { // and goroutines
		for range each {
			if v, ok := a.TryRecv(); ok {
				received.Add(1)
				receivedSum.Add(v)
			}
			if v := number.Add(1); b.TrySend(v) {
				sent.Add(1)
				sentSum.Add(v)
			}
			runtime.Gosched()
		}
	})
	some.Wait()
	for range 1000 {
		runtime.Gosched()
	}
	cancelAll() // those that have nobody to meet
	all.Wait()
	for _, c := range []*coro.Chan[int64]{a, b} {
		for {
			v, ok := c.TryRecv()
			if !ok {
				break
			}
			received.Add(1)
			receivedSum.Add(v)
		}
		requireWaiting(t, c, 0, 0)
	}
	require.Equal(t, sent.Load(), received.Load())
	require.Equal(t, sentSum.Load(), receivedSum.Load())
}

// Two kinds of tasks that meet on two channels, in opposite orders, and only there: all
// of them get through.
func TestSelectsMeet(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			const pairs = 8
			each := scaled(5000)
			a, b := coro.NewChan[int](0), coro.NewChan[int](0)
			type state struct{ left, chosen, v, sum int }
			send := coro.Define("send", func(f *coro.Frame[state, int]) coro.Step {
				s := &f.State
				if s.left--; s.left < 0 {
					return f.Return(0)
				}
				return coro.Select(f, 1, nil, a.SendCase(1), b.SendCase(1))
			})
			recv := coro.Define("recv", func(f *coro.Frame[state, int]) coro.Step {
				s := &f.State
				s.sum += s.v
				if s.left--; s.left < 0 {
					return f.Return(s.sum)
				}
				return coro.Select(f, 1, &s.chosen, b.RecvCase(&s.v), a.RecvCase(&s.v))
			})
			first, second := newPool(t), newPool(t)
			var wg sync.WaitGroup
			var sum atomic.Int64
			for i := range pairs {
				for _, k := range []*coro.Kind[state, int]{send, recv} {
					ex := []coro.Executor{first, second}[i%2]
					if k == recv {
						ex = second
					}
					wg.Go(func() {
						n, err := coro.Run(context.Background(), ex, k.With(state{left: each}))
						if err != nil {
							t.Error(err)
						}
						sum.Add(int64(n))
					})
				}
			}
			wg.Wait()
			require.Equal(t, int64(pairs*each), sum.Load())
		}()
	}
}

// A Waker that wakes a task which has just got something else is not used up.
func TestSelectLosesNoWake(t *testing.T) {
	ex := newPool(t)
	c := coro.NewChan[int](1)
	var waker coro.Waker
	type state struct{ chosen, v int }
	k := coro.Define("task", func(f *coro.Frame[state, int]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			return coro.Select(f, 1, &s.chosen, waker.WaitCase(), c.RecvCase(&s.v))
		case 1:
			if s.chosen == 0 {
				return c.Recv(f, 2, &s.v)
			}
			return coro.Suspend(f, 2, waker)
		default:
			return f.Return(s.v)
		}
	})
	var wg sync.WaitGroup
	for range scaled(3000) {
		waker = coro.NewWaker()
		w := waker
		wg.Go(func() {
			if !w.Wake() {
				t.Error("it was not the first wake")
			}
		})
		wg.Go(func() {
			if !c.TrySend(3) {
				t.Error("there was no room")
			}
		})
		v, err := coro.Run(context.Background(), ex, k.With(state{}))
		require.NoError(t, err)
		require.Equal(t, 3, v)
		wg.Wait()
		require.False(t, w.Wake())
	}
}

func TestSelectMisuse(t *testing.T) {
	ex := newInline(t)
	c, texts, closed := coro.NewChan[int](0), coro.NewChan[string](0), coro.NewChan[int](0)
	closed.Close()
	full := coro.NewChan[int](0)
	outside, text := new(int), new(string)
	reused := full.SendCase(1)
	used := coro.NewWaker()
	used.Wake()
	busy := coro.NewWaker()
	suspended := coro.Define("suspended", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Suspend(f, 1, busy)
		}
		return f.Return(0)
	})
	require.NoError(t, coro.Go(ex, suspended, 0))
	const wakers = `coro: task "task": a Waker is good for one Suspend, or the Select that it wakes: make another one with NewWaker`
	tests := []struct {
		name string
		step func(f *coro.Frame[int, int]) coro.Step
		want string
	}{
		{"chosen", func(f *coro.Frame[int, int]) coro.Step { return coro.Select(f, 1, outside, c.RecvCase(nil)) },
			`coro: task "task": the chosen case of Select must go to a field of the frame's State or held part (or to nil): another address may be gone when one is chosen`},
		{"result", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, &f.State, c.RecvCase(outside), coro.Default())
		}, `coro: task "task": what Recv receives must go to a field of the frame's State or held part (or to nil): another address may be gone when a value comes`},
		{"result with pointers", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, &f.State, texts.RecvCase(text))
		}, `coro: task "task": what Recv receives must go to a field of the task's held part (or to nil), since its element type (string) holds a Go pointer`},
		{"send to closed", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, &f.State, closed.SendCase(1), c.RecvCase(nil))
		}, "coro: a Send to a Chan that is closed: let the sender close it, after its last Send"},
		{"a case again", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, nil, reused, coro.Default())
		}, `coro: task "task": a SendCase is good for one Select: make another one`},
		{"a Waker again", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, nil, used.WaitCase())
		}, wakers},
		{"a Waker of another task", func(f *coro.Frame[int, int]) coro.Step {
			return coro.Select(f, 1, nil, c.RecvCase(nil), busy.WaitCase())
		}, wakers},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
				if f.At() == 0 || tt.name == "a case again" || tt.name == "a Waker again" {
					return tt.step(f)
				}
				t.Error("it went on")
				return f.Return(0)
			})
			_, err := coro.Run(context.Background(), ex, k.With(0))
			requireMisuse(t, err, tt.want)
			require.Equal(t, 1, liveIn(ex.Arena()))
			requireWaiting(t, c, 0, 0)
			requireWaiting(t, closed, 0, 0)
			require.False(t, c.TrySend(1), "it was left unlocked")
		})
	}
	require.True(t, busy.Wake())
	require.Zero(t, liveIn(ex.Arena()))
}

func TestNoMemoryForASelect(t *testing.T) {
	oneCache(t)
	a := newArena(t, arena.WithMaxBytes(2*slab.Size))
	ex := executor.NewInline(executor.WithArena(a))
	defer ex.Close()
	c := coro.NewChan[int](1)
	var undo func()
	type state struct {
		choosing
		_ [4000]byte
	}
	var errs []error
	k := coro.Define("task", func(f *coro.Frame[state, none]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			undo = exhaust(a, 256) // so much takes a Select of three cases, with words of 4 bytes too
			return coro.Select(f, 1, &s.chosen, c.RecvCase(&s.v), c.RecvCase(&s.w), c.RecvCase(nil))
		case 1:
			errs = append(errs, f.Err())
			require.Equal(t, -1, s.chosen)
			c.TrySend(3) // without waiting it needs none
			return coro.Select(f, 2, &s.chosen, c.RecvCase(&s.v), c.RecvCase(&s.v), c.RecvCase(&s.v))
		case 2:
			errs = append(errs, f.Err())
			require.Equal(t, 3, s.v)
			undo()
			return coro.Select(f, 3, &s.chosen, c.RecvCase(&s.v), c.RecvCase(&s.v), c.RecvCase(&s.v))
		default:
			errs = append(errs, f.Err())
			return f.Return(none{})
		}
	})
	require.NoError(t, coro.Go(ex, k, state{}))
	require.Equal(t, []error{arena.ErrExhausted, nil}, errs)
	require.True(t, c.TrySend(5))
	require.Equal(t, []error{arena.ErrExhausted, nil, nil}, errs)
	requireWaiting(t, c, 0, 0)
	require.Zero(t, liveIn(a))
}

// Values with Go pointers go through Selects, and nothing is retained.
func TestSelectRetainsNothing(t *testing.T) {
	type big = *[1000]byte
	c, other := coro.NewChan[big](0), coro.NewChan[big](0)
	var all []weak.Pointer[[1000]byte]
	put := func() big {
		p := new([1000]byte)
		all = append(all, weak.Make(p))
		return p
	}
	ex := newInline(t)
	send := coro.Define("send", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, &f.State, c.SendCase(put()), other.SendCase(put()))
		}
		return f.Return(none{})
	})
	recv := coro.DefineHeld("recv", func(f *coro.Frame[int, none], held *big) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, &f.State, other.RecvCase(held), c.RecvCase(held))
		}
		if *held == nil {
			t.Error("nothing came")
		}
		return f.Return(none{})
	})
	for _, kinds := range []string{"sr", "rs", "ssrr", "rrss"} {
		for _, k := range kinds {
			if k == 's' {
				require.NoError(t, coro.Go(ex, send, 0))
			} else {
				require.NoError(t, coro.GoHeld(ex, recv, 0, nil))
			}
			runtime.GC()
		}
		require.Zero(t, liveIn(ex.Arena()))
	}
	runtime.GC()
	for i, w := range all {
		require.Nil(t, w.Value(), i)
	}
	runtime.KeepAlive([]any{c, other})
}

// A generator may be in a Select: it has memory of its own.
func TestGeneratorSelects(t *testing.T) {
	a, b := coro.NewChan[int](1), coro.NewChan[int](1)
	both := coro.DefineSeq("both", func(f *coro.SeqFrame[choosing, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			return coro.Select(&f.Frame, 1, &s.chosen, a.RecvCase(&s.v), b.RecvCase(&s.v))
		}
		if f.Err() != nil {
			return f.Return()
		}
		return coro.YieldValue(f, 0, s.v)
	})
	go func() {
		for i := range 100 {
			for !(*[2]*coro.Chan[int]{a, b}[i%2]).TrySend(1) {
				runtime.Gosched()
			}
		}
		for a.Len()+b.Len() > 0 {
			runtime.Gosched()
		}
		a.Close()
	}()
	sum := 0
	for v := range both.Seq(choosing{}) {
		sum += v
	}
	require.Equal(t, 100, sum)
	requireWaiting(t, b, 0, 0)
}

func TestAllocationsOfSelect(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	ex := newInline(t)
	numbers, texts, quit := coro.NewChan[[20]int](0), coro.NewChan[string](0), coro.NewChan[none](0)
	var event coro.Event
	var waker coro.Waker
	type state struct {
		chosen int
		big    [20]int
	}
	type heldState struct{ text string }
	task := func(cases func(s *state, h *heldState) [3]coro.Case) *coro.HeldKind[state, heldState, none] {
		return coro.DefineHeld("task", func(f *coro.Frame[state, none], h *heldState) coro.Step {
			if f.At() == 0 {
				c := cases(&f.State, h)
				return coro.Select(f, 1, &f.State.chosen, c[0], c[1], c[2])
			}
			return f.Return(none{})
		})
	}
	recv := task(func(s *state, h *heldState) [3]coro.Case {
		return [3]coro.Case{numbers.RecvCase(&s.big), texts.RecvCase(&h.text), quit.RecvCase(nil)}
	})
	sendText := task(func(s *state, h *heldState) [3]coro.Case {
		return [3]coro.Case{quit.RecvCase(nil), texts.SendCase("hello")}
	})
	sendBig := task(func(s *state, h *heldState) [3]coro.Case {
		return [3]coro.Case{quit.RecvCase(nil), numbers.SendCase([20]int{1, 2})}
	})
	either := task(func(s *state, h *heldState) [3]coro.Case {
		return [3]coro.Case{event.WaitCase(), waker.WaitCase(), quit.RecvCase(nil)}
	})
	try := task(func(s *state, h *heldState) [3]coro.Case {
		return [3]coro.Case{coro.Default(), numbers.RecvCase(&s.big), texts.SendCase("hello")}
	})
	failures := 0
	launch := func(n int, k *coro.HeldKind[state, heldState, none]) {
		for range n {
			if coro.GoHeld(ex, k, state{}, heldState{}) != nil {
				failures++
			}
		}
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"receivers first", func() { launch(5, recv); launch(5, sendText) }},
		{"senders first", func() { launch(5, sendBig); launch(5, recv) }},
		{"from outside", func() { launch(1, recv); texts.TrySend("x"); launch(1, sendText); texts.TryRecv() }},
		{"Event", func() {
			waker = coro.NewWaker()
			launch(1, either)
			event.Set()
			event.Reset()
			waker.Wake()
			launch(1, either)
		}},
		{"Waker", func() { waker = coro.NewWaker(); launch(1, either); waker.Wake() }},
		{"Default", func() { launch(5, try) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				tt.run()
			}
			require.Zero(t, testing.AllocsPerRun(1000, tt.run))
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
	require.Zero(t, failures)
}
