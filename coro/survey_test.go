package coro_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// stampClock is a clock for ages that a test sets. Any goroutine may read it.
type stampClock struct{ now atomic.Int64 }

func newStampClock(t *testing.T) *stampClock {
	c := new(stampClock)
	c.now.Store(int64(time.Hour))
	t.Cleanup(coro.SetStampClock(func() time.Duration { return time.Duration(c.now.Load()) }))
	return c
}

func (c *stampClock) pass(d time.Duration) { c.now.Add(int64(d)) }

// oneGroup returns the one group of tasks that a survey shows.
func oneGroup(t *testing.T, env *coro.Environment) coro.SurveyedGroup {
	t.Helper()
	s := env.Survey(coro.SurveyOptions{})
	require.Len(t, s.Groups, 1)
	return s.Groups[0]
}

// A task that is seen by surveys has an age, and its wait ends as it would have without them.
func TestSurveySaysForHowLong(t *testing.T) {
	clock := newStampClock(t)
	for _, o := range operations {
		for _, withContext := range []bool{false, true} {
			t.Run(fmt.Sprint(o.name, ", context ", withContext), func(t *testing.T) {
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				ex := newManual(t, func(err error) { t.Error(err) })
				op, wake, _ := o.block()
				launch := coro.RunAsync(ex)
				if withContext {
					launch = coro.RunAsync(ex, coro.Context(ctx))
				}
				ended := 0
				k := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
					switch f.At() {
					case 0:
						return op(f, 41)
					case 41:
						require.NoError(t, f.Err())
						ended++
						return f.Return(0)
					}
					return f.BadResume()
				})
				require.NoError(t, launch(awaiter("root", k).With(1)))
				ex.runAll()
				require.Zero(t, oneGroup(t, ex.env).Ages, "nobody has seen it before")
				clock.pass(90 * time.Second)
				for range 2 {
					g := oneGroup(t, ex.env)
					require.Equal(t, coro.WaitAges{Oldest: 90 * time.Second, AtLeast: [7]int{1, 1, 1}}, g.Ages)
					require.Equal(t, "waits", g.Kind.Name)
					require.Equal(t, "root", g.Root.Name)
				}
				wake()
				ex.runAll()
				require.Equal(t, 1, ended)
				require.Empty(t, ex.env.Survey(coro.SurveyOptions{Objects: 1, Chains: 1}))
				require.Zero(t, liveIn(ex.arena))
			})
		}
	}
}

// The next wait of the same task is another one.
func TestSurveySaysForHowLongOfEachWait(t *testing.T) {
	clock := newStampClock(t)
	ex := newManual(t, func(err error) { t.Error(err) })
	c := coro.NewChan[int](0)
	k := coro.Define("receives", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 3 {
			return f.Return(0)
		}
		return c.Recv(f, 7, &f.State)
	})
	require.NoError(t, coro.Go(ex, k, 0))
	send := coro.Define("sends", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return c.Send(f, 1, f.State)
		}
		return f.Return(0)
	})
	for value := 1; value <= 3; value++ {
		ex.runAll()
		require.Zero(t, oneGroup(t, ex.env).Ages.Oldest)
		clock.pass(10 * time.Second)
		require.Equal(t, 10*time.Second, oneGroup(t, ex.env).Ages.Oldest)
		require.NoError(t, coro.Go(ex, send, value))
		ex.runAll()
	}
	require.Zero(t, liveIn(ex.arena))
}

// A task that waits for a Cond and then for its Mutex waits for two things.
func TestSurveySaysForHowLongAfterASignal(t *testing.T) {
	clock := newStampClock(t)
	ex := newManual(t, func(err error) { t.Error(err) })
	var m coro.Mutex
	c := coro.Cond{L: &m}
	k := coro.Define("waits", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			return m.Lock(f, 1)
		case 1:
			return c.Wait(f, 2)
		}
		m.Unlock()
		return f.Return(0)
	})
	require.NoError(t, coro.Go(ex, k, 0))
	ex.runAll()
	require.Equal(t, "Cond.Wait", oneGroup(t, ex.env).What)
	clock.pass(time.Minute)
	require.Equal(t, time.Minute, oneGroup(t, ex.env).Ages.Oldest)
	require.True(t, m.TryLock())
	c.Signal()
	g := oneGroup(t, ex.env)
	require.Equal(t, "Mutex.Lock", g.What)
	require.Zero(t, g.Ages.Oldest)
	m.Unlock()
	ex.runAll()
	require.Zero(t, liveIn(ex.arena))
}

// Tasks that were seen are cancelled like others, and resume at Cleanup.
func TestSurveyedTasksAreCancelled(t *testing.T) {
	for _, o := range operations {
		t.Run(o.name, func(t *testing.T) {
			ex := newManual(t, nil)
			op, _, _ := o.block()
			var seen []int
			k := coro.Define("cleans", func(f *coro.Frame[int, int]) coro.Step {
				seen = append(seen, f.At())
				if f.At() == coro.Cleanup {
					return f.Fail(f.Err())
				}
				return op(f, 3)
			}, coro.HasCleanup())
			end := start(context.Background(), ex, k.With(0))
			oneGroup(t, ex.env)
			ex.env.CancelWaiting(errCause)
			_, err := end()
			require.ErrorIs(t, err, errCause)
			require.Equal(t, []int{0, coro.Cleanup}, seen)
			require.Zero(t, liveIn(ex.arena))
		})
	}
}

// Whenever surveys come, an age is not more than the true one, and not much less, but for a few
// among many: after more than half an hour without a survey, the stamp may look like a new one.
func TestStamps(t *testing.T) {
	looksNew, all := 0, 0
	for round := range 2000 {
		random := rand.New(rand.NewPCG(uint64(round), 1))
		first := time.Duration(random.Int64N(int64(300 * 24 * time.Hour)))
		times := []time.Duration{first}
		for len(times) < 12 && times[len(times)-1]-first < 300*24*time.Hour {
			gap := time.Duration(1) << (20 + random.IntN(32)) // from a millisecond to 26 days
			times = append(times, times[len(times)-1]+time.Duration(random.Int64N(int64(gap))))
		}
		ages, at := coro.Stamped(65534, time.Duration(random.IntN(2))*time.Millisecond, times...)
		require.Equal(t, 65534, at)
		for i, age := range ages {
			truth := times[i] - first
			require.LessOrEqual(t, age, truth, "round %d: %v", round, times)
			if all++; age < truth-time.Second-coro.CoarseStampUnit {
				looksNew++
				break
			}
			if truth < 30*time.Minute {
				require.GreaterOrEqual(t, age, truth-time.Second, "round %d: %v", round, times)
			}
		}
	}
	require.Less(t, looksNew, all/4096)
	ages, at := coro.Stamped(65535, 0, 0, time.Hour)
	require.Equal(t, []time.Duration{0, 0}, ages, "no room for a stamp")
	require.Equal(t, 65535, at)
}

// Each group has a sample of chains, however late its tasks are found, and each task has the same
// chance.
func TestSurveySamplesEachGroup(t *testing.T) {
	ex := newManual(t, func(error) {})
	var event coro.Event
	many := waiter("many", event.Wait)
	few := waiter("few", event.Wait)
	asked := coro.SurveyOptions{Chains: 12} // 4 for each group
	for range 10_000 {
		require.NoError(t, coro.Go(ex, many, 0))
	}
	parent := awaiter("parent", few)
	for range 3 {
		require.NoError(t, coro.Go(ex, parent, 0))
	}
	require.NoError(t, coro.Go(ex, awaiter("other", few), 0))
	ex.runAll()
	s := ex.env.Survey(asked)
	require.Len(t, s.Groups, 3)
	for i, g := range ex.env.WaitingByKind() {
		require.Equal(t, g, s.Groups[i].WaitingGroup)
		require.Len(t, s.Groups[i].Chains, min(g.N, 4))
		for _, c := range s.Groups[i].Chains {
			require.Equal(t, "Event.Wait", c.What)
			require.Equal(t, g.Kind, c.Backtrace.Tasks[0])
			require.Equal(t, g.Root, c.Backtrace.Tasks[len(c.Backtrace.Tasks)-1])
		}
	}
	ex.env.CancelWaiting(errCause)
	require.Empty(t, ex.env.Survey(asked))
}

// The objects with the most waiters are shown, with their names, and with the holder of a Mutex.
func TestSurveyShowsObjects(t *testing.T) {
	ex := newManual(t, func(error) {})
	var orders, stock coro.Mutex
	coro.NameWaitable(&orders, "orders")
	jobs := coro.NewChan[int](2)
	permits := coro.NewSemaphore(10)
	done := new(coro.Event)
	require.True(t, permits.TryAcquire(8))

	inner := waiter("receives", func(f coro.AnyFrame, at int) coro.Step { return jobs.Recv(f, at, nil) })
	holds := coro.Define("holds", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			return orders.Lock(f, 1)
		case 1:
			return coro.Await(f, 2, inner, 0, nil)
		}
		return f.Return(0)
	})
	require.NoError(t, coro.Go(ex, awaiter("root", holds), 0))
	ex.runAll()
	require.True(t, stock.TryLock())
	launch := func(n int, op operation) {
		waits := waiter("waits", op)
		for range n {
			require.NoError(t, coro.Go(ex, waits, 0))
		}
		ex.runAll()
	}
	launch(30, orders.Lock)
	launch(20, stock.Lock)
	launch(10, func(f coro.AnyFrame, at int) coro.Step { return permits.Acquire(f, at, 3) })
	launch(5, done.Wait)
	launch(4, func(f coro.AnyFrame, at int) coro.Step { return coro.Suspend(f, at, coro.NewWaker()) })

	s := ex.env.Survey(coro.SurveyOptions{Objects: 10})
	var got []string
	for _, o := range s.Objects {
		got = append(got, fmt.Sprint(o.Waiting, " ", o.What, " ", o.Name, " ", o.State))
	}
	require.Equal(t, []string{
		"30 Mutex.Lock orders locked", "20 Mutex.Lock  locked", "10 Semaphore.Acquire  2 of 10 permits free", "5 Event.Wait  ", "1 Chan.Recv  0 of 2 values",
	}, got)
	for i, object := range []any{&orders, &stock, permits, done, jobs} {
		require.Equal(t, fmt.Sprintf("%p", object), fmt.Sprintf("%#x", s.Objects[i].Address))
	}
	h := s.Objects[0].Holder
	require.NotNil(t, h)
	require.Equal(t, "holds", h.Kind.Name)
	require.NotNil(t, h.Waiting)
	require.Equal(t, "Chan.Recv: receives < holds < root", described(*h.Waiting))
	require.Nil(t, s.Objects[1].Holder, "TryLock has no task")

	few := ex.env.Survey(coro.SurveyOptions{Objects: 2}).Objects
	require.Equal(t, s.Objects[:2], few)

	// The mutex is handed over to a task that is ready and does not wait.
	orders.Unlock()
	h = ex.env.Survey(coro.SurveyOptions{Objects: 1}).Objects[0].Holder
	require.Equal(t, "waits", h.Kind.Name)
	require.Nil(t, h.Waiting)
	coro.NameWaitable(&orders, "")
	require.Empty(t, ex.env.Survey(coro.SurveyOptions{Objects: 1}).Objects[0].Name)
	ex.env.CancelWaiting(errCause)
	ex.runAll()
}

// A task in a Select waits for the objects of all cases, and is one task.
func TestSurveyOfSelects(t *testing.T) {
	clock := newStampClock(t)
	ex := newManual(t, func(error) {})
	var event coro.Event
	c := coro.NewChan[int](0)
	k := coro.Define("selects", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, &f.State, event.WaitCase(), c.RecvCase(nil))
		}
		return f.Return(0)
	})
	for range 20 {
		require.NoError(t, coro.Go(ex, k, 0))
	}
	ex.runAll()
	ex.env.Survey(coro.SurveyOptions{})
	clock.pass(time.Minute)
	s := ex.env.Survey(coro.SurveyOptions{Objects: 3, Chains: 100})
	require.Len(t, s.Groups, 1)
	require.Equal(t, "Select", s.Groups[0].What)
	require.Equal(t, 20, s.Groups[0].N)
	require.Len(t, s.Groups[0].Chains, 20)
	require.Equal(t, 20, s.Groups[0].Ages.AtLeast[2])
	waiting := make(map[string]int)
	for _, o := range s.Objects {
		waiting[o.What] = o.Waiting
	}
	require.Equal(t, map[string]int{"Event.Wait": 20, "Chan.Recv": 20}, waiting)
	event.Set()
	ex.runAll()
	require.Empty(t, ex.env.Survey(coro.SurveyOptions{Objects: 3}))
	require.Zero(t, liveIn(ex.arena))
}

// Objects of which few tasks wait each do not push the others out, however many there are.
func TestSurveyOfManyObjects(t *testing.T) {
	ex := newManual(t, func(error) {})
	events := make([]coro.Event, 1000)
	for i := range events {
		for range 1 + i%17 {
			require.NoError(t, coro.Go(ex, waiter("waits", events[i].Wait), 0))
		}
	}
	ex.runAll()
	objects := ex.env.Survey(coro.SurveyOptions{Objects: 10}).Objects
	require.Len(t, objects, 10)
	for _, o := range objects {
		require.Equal(t, 17, o.Waiting)
	}
	ex.env.CancelWaiting(errCause)
}

// A survey's memory does not depend on how many tasks wait.
func TestSurveyAllocatesForGroups(t *testing.T) {
	ex := newManual(t, func(error) {})
	var event coro.Event
	waits := waiter("waits", event.Wait)
	allocations := func() float64 {
		return testing.AllocsPerRun(10, func() { ex.env.Survey(coro.SurveyOptions{Objects: 10, Chains: 16}) })
	}
	launch := func(n int) {
		for range n {
			require.NoError(t, coro.Go(ex, waits, 0))
		}
		ex.runAll()
	}
	launch(1000)
	few := allocations()
	launch(20_000)
	require.InDelta(t, few, allocations(), few/4)
	ex.env.CancelWaiting(errCause)
}

// The name of an object goes with it.
func TestNamesOfObjectsAreForgotten(t *testing.T) {
	before := coro.WaitableNames()
	func() {
		for range 100 {
			e := new(coro.Event)
			coro.NameWaitable(e, "first")
			coro.NameWaitable(e, "second")
		}
	}()
	require.Eventually(t, func() bool { runtime.GC(); return coro.WaitableNames() == before }, time.Minute, time.Millisecond)
	require.PanicsWithValue(t, "coro: NameWaitable of nil", func() { coro.NameWaitable[coro.Mutex](nil, "") })
}

// Surveys disturb nothing: tasks of all sorts wait, resume and are cancelled meanwhile.
func TestSurveysUnderLoad(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(3))
	var m coro.Mutex
	c := coro.NewChan[int](1)
	permits := coro.NewSemaphore(2)
	const tasks, rounds = 60, 50
	var all sync.WaitGroup
	all.Add(tasks)
	k := coro.Define("busy", func(f *coro.Frame[[2]int, int]) coro.Step {
		if f.Err() != nil && !errors.Is(f.Err(), context.DeadlineExceeded) {
			t.Error(f.Err())
		}
		switch f.At() {
		case 1:
			m.Unlock()
		case 3:
			permits.Release(1)
		case 2, 4, 5:
		case 0:
		default:
			t.Error(f.At())
		}
		if f.State[0]++; f.State[0] > rounds {
			all.Done()
			return f.Return(0)
		}
		switch f.State[0] % 5 {
		case 0:
			return m.Lock(f, 1)
		case 1:
			return coro.Sleep(f, 2, 100*time.Microsecond)
		case 2:
			return permits.Acquire(f, 3, 1)
		case 3:
			return coro.Select(f, 4, &f.State[1], c.SendCase(1), coro.After(time.Millisecond))
		default:
			return coro.Select(f, 5, &f.State[1], c.RecvCase(nil), coro.After(time.Millisecond))
		}
	})
	for i := range tasks {
		if i%2 == 0 {
			require.NoError(t, coro.Go(pool, k, [2]int{}))
			continue
		}
		require.NoError(t, coro.RunAsync(pool, coro.Context(t.Context()))(k.With([2]int{})))
	}
	end := make(chan none)
	go func() {
		defer close(end)
		all.Wait()
	}()
	for {
		for _, g := range pool.Environment().Survey(coro.SurveyOptions{Objects: 3, Chains: 2}).Groups {
			require.True(t, strings.HasPrefix(g.Kind.Name, "busy"))
		}
		select {
		case <-end:
			return
		default:
		}
	}
}

// Counted tasks count how often they resume after a wait.
func TestWakesAreCounted(t *testing.T) {
	ex := newManual(t, func(error) {})
	var events [3]coro.Event
	k := coro.Define("woken", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 3 {
			return f.Return(0)
		}
		return events[f.At()].Wait(f, f.At()+1)
	})
	require.NoError(t, coro.RunAsync(ex, coro.Counted())(k.With(0)))
	require.NoError(t, coro.Go(ex, k, 0)) // not counted
	for i := range events {
		ex.runAll()
		events[i].Set()
	}
	ex.runAll()
	require.EqualValues(t, 3, k.Stats().Wakes)
	require.Zero(t, liveIn(ex.arena))
}
