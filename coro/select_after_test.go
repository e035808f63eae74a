package coro_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

type waitsOrGets struct {
	chosen, got int
	d           time.Duration
}

// recvOrAfter receives from ch or waits for d, and returns what it received or -1.
func recvOrAfter(ch *coro.Chan[int]) *coro.Kind[waitsOrGets, int] {
	return coro.Define("recv or after", func(f *coro.Frame[waitsOrGets, int]) coro.Step {
		s := &f.State
		switch {
		case f.At() == 0:
			return coro.Select(f, 1, &s.chosen, ch.RecvCase(&s.got), coro.After(s.d))
		case f.Err() != nil:
			return f.Fail(f.Err())
		case s.chosen == 1:
			return f.Return(-1)
		}
		return f.Return(s.got)
	})
}

func TestSelectAfter(t *testing.T) {
	for _, c := range []struct {
		d, sent time.Duration
		want    int
	}{
		{time.Second, 2 * time.Second, -1},
		{2 * time.Second, time.Second, 7},
		{0, time.Second, -1},
		{-1, time.Second, -1},
		{1<<63 - 1, time.Hour, 7},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ex := executor.NewPool()
				ch := coro.NewChan[int](1)
				k := recvOrAfter(ch)
				began := time.Now()
				time.AfterFunc(c.sent, func() { ch.TrySend(7) })
				got, err := coro.Run(context.Background(), ex, k.With(waitsOrGets{d: c.d}))
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				ends := min(max(c.d, 0), c.sent)
				require.GreaterOrEqual(t, time.Since(began), ends)
				require.Less(t, time.Since(began), ends+time.Millisecond)
				time.Sleep(2 * time.Hour) // what was left would go off now
				require.NoError(t, ex.Close(), "no frame is live")
			})
		})
	}
}

// One After is good for many Selects, of several tasks at a time, and twice in one.
func TestSelectAfterIsForManySelects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ex := executor.NewInline()
		never := coro.NewChan[int](0)
		after := coro.After(time.Minute)
		k := coro.Define("twice", func(f *coro.Frame[int, int]) coro.Step {
			switch f.At() {
			case 0:
				return coro.Select(f, 1, &f.State, never.RecvCase(nil), after)
			case 1:
				return coro.Select(f, 2, &f.State, coro.Case{}, never.RecvCase(nil), after, after)
			case 2:
				return coro.Select(f, 3, &f.State, coro.Case{}, after)
			}
			return f.Return(f.State)
		})
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				got, err := coro.Run(context.Background(), ex, k.With(0))
				require.NoError(t, err)
				require.Equal(t, 1, got)
			})
		}
		all.Wait()
		require.GreaterOrEqual(t, time.Since(began), 3*time.Minute)
		require.Less(t, time.Since(began), 3*time.Minute+4*time.Millisecond)
		require.NoError(t, ex.Close())
	})
}

// Of several Afters, the one that is due first happens, also beside other cases, behind a state
// that leaves no room, and in a tree that may end.
func TestSelectOfTheSoonestAfter(t *testing.T) {
	t.Run("room", soonestAfter[[0]byte])
	t.Run("no room", soonestAfter[[72]byte])
}

func soonestAfter[S any](t *testing.T) {
	type state struct {
		chosen int
		_      S
	}
	never := coro.NewChan[int](0)
	for name, c := range map[string]struct {
		cases []coro.Case
		want  int
		ends  time.Duration
	}{
		"one":           {[]coro.Case{coro.After(time.Hour)}, 0, time.Hour},
		"two":           {[]coro.Case{coro.After(time.Hour), coro.After(time.Minute)}, 1, time.Minute},
		"beside others": {[]coro.Case{coro.After(time.Hour), never.RecvCase(nil), coro.After(time.Minute), coro.After(time.Hour)}, 2, time.Minute},
		"at once":       {[]coro.Case{coro.After(time.Hour), never.RecvCase(nil), coro.After(-1), coro.After(1)}, 2, 0},
		"or by default": {[]coro.Case{coro.After(time.Hour), coro.Default()}, 1, 0},
	} {
		for _, ends := range []string{"in time", "cancelled", "closed", "may be cancelled"} {
			t.Run(name+", "+ends, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ex := executor.NewPool(executor.WithWorkers(2))
					var seen int
					k := coro.Define("selects", func(f *coro.Frame[state, int]) coro.Step {
						if f.At() == 0 {
							f.State.chosen = 77
							return coro.Select(f, 1, &f.State.chosen, c.cases...)
						}
						seen = f.State.chosen
						if f.Err() != nil {
							return f.Fail(f.Err())
						}
						return f.Return(f.State.chosen)
					}, coro.HasCleanup())
					ctx := context.Background()
					if ends == "cancelled" || ends == "may be cancelled" {
						var cancel context.CancelFunc
						ctx, cancel = context.WithCancel(ctx)
						defer cancel()
						if ends == "cancelled" {
							time.AfterFunc(time.Second, cancel)
						}
					}
					if ends == "closed" {
						time.AfterFunc(time.Second, func() { require.NoError(t, ex.Close()) })
					}
					began := time.Now()
					got, err := coro.Run(ctx, ex, k.With(state{}))
					if c.ends > time.Second && (ends == "cancelled" || ends == "closed") {
						require.Error(t, err)
						require.Equal(t, -1, seen)
						require.Equal(t, time.Second, time.Since(began))
					} else {
						require.NoError(t, err)
						require.Equal(t, c.want, got)
						require.GreaterOrEqual(t, time.Since(began), c.ends)
						require.Less(t, time.Since(began), c.ends+time.Millisecond)
					}
					time.Sleep(2 * time.Hour)
					require.NoError(t, ex.Close(), "no frame is live")
				})
			})
		}
	}
}

// A context, a value, the time and Close come at about the same time.
func TestSelectAfterAgainstEverything(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 8
	}
	for round := range rounds {
		ex := executor.NewPool(executor.WithWorkers(3))
		ch := coro.NewChan[int](0)
		k := recvOrAfter(ch)
		var runners sync.WaitGroup
		for i := range 6 {
			runners.Add(1)
			go func() {
				defer runners.Done()
				for j := range 60 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration((i+j)%6)*300*time.Microsecond)
					_, _ = coro.Run(ctx, ex, k.With(waitsOrGets{d: time.Duration(j%5) * 300 * time.Microsecond}))
					cancel()
				}
			}()
		}
		for i := range 300 {
			ch.TrySend(i)
			if i == 50*(round%7) {
				require.NoError(t, ex.Close(), "no frame is live")
			}
			time.Sleep(20 * time.Microsecond)
		}
		require.NoError(t, ex.Close())
		runners.Wait()
	}
}

func TestSelectAfterAllocatesNothing(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	ex := newInline(t)
	ch := coro.NewChan[int](1)
	k := recvOrAfter(ch)
	ctx := context.Background()
	for _, sends := range []bool{false, true} {
		run := func() {
			d := time.Duration(1)
			if sends {
				ch.TrySend(1)
				d = time.Hour
			}
			if _, err := coro.Run(ctx, ex, k.With(waitsOrGets{d: d})); err != nil {
				t.Error(err)
			}
		}
		for range 10 {
			run()
		}
		require.Zero(t, testing.AllocsPerRun(100, run))
	}
}

func ExampleAfter() {
	ex := executor.NewInline()
	defer ex.Close()
	jobs := coro.NewChan[int](0)
	type state struct{ chosen, job int }
	worker := coro.Define("worker", func(f *coro.Frame[state, string]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), coro.After(10*time.Millisecond))
		}
		if s.chosen == 1 {
			return f.Return("no job in time")
		}
		return f.Return("a job")
	})
	fmt.Println(coro.Run(context.Background(), ex, worker.With(state{})))
	// Output: no job in time <nil>
}

// An After takes nothing that would have to come back: if it is not used, if the task does not get
// to wait since it panics, or if it is cancelled and has a step that would wait.
func TestSelectAfterThatIsNotWaitedForTakesNothing(t *testing.T) {
	event := new(coro.Event)
	panicking := coro.Define("panics", func(f *coro.Frame[int, none]) coro.Step {
		coro.Select(f, 1, &f.State, event.WaitCase(), coro.After(time.Hour)) //framearena:ignore on purpose
		panic("in the middle")
	})
	tidy := coro.Define("tidy", func(f *coro.Frame[int, none]) coro.Step { // each time
		return coro.Select(f, 1, &f.State, event.WaitCase(), coro.After(time.Hour))
	}, coro.HasCleanup())
	ex := executor.NewInline(executor.WithErrorHandler(func(error) {}))
	for range 50 {
		require.NoError(t, coro.Go(ex, panicking, 0))
		require.NoError(t, coro.Go(ex, tidy, 0))
	}
	require.Equal(t, 2*50, liveIn(ex.Arena()), "a frame and a block for each that waits")
	require.NoError(t, ex.Close(), "no frame is live")
	if !race.Enabled {
		require.Zero(t, testing.AllocsPerRun(100, func() { caseSink = coro.After(time.Hour) }))
	}
}

var caseSink coro.Case

// What is good for one Select may be in that Select twice: it happens once, and nothing is left.
func TestSelectOfTheSameCaseTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, ready := range []string{"at once", "later", "another case", "the context ends"} {
			d := map[string]time.Duration{"at once": 0, "later": time.Second}[ready]
			if ready == "another case" || ready == "the context ends" {
				d = time.Hour
			}
			ex := executor.NewPool()
			ch := coro.NewChan[int](0)
			other := coro.NewChan[int](0)
			waker := coro.NewWaker()
			var event coro.Event
			wake := func() {
				event.Set()
				waker.Wake()
			}
			cases := map[string]func() coro.Case{
				"After":    func() coro.Case { return coro.After(d) },
				"SendCase": func() coro.Case { return ch.SendCase(7) },
				"Waker":    waker.WaitCase,
				"Event":    event.WaitCase,
			}
			if ready == "at once" {
				wake()
			}
			for name, newCase := range cases {
				ctx, cancel := context.WithCancel(context.Background())
				k := coro.Define("twice", func(f *coro.Frame[int, int]) coro.Step {
					if f.At() == 0 {
						c := newCase()
						return coro.Select(f, 1, &f.State, c, other.RecvCase(nil), c)
					}
					return f.Return(f.State)
				})
				var received []int
				if ready == "at once" && name == "SendCase" {
					require.NoError(t, coro.Go(ex, receiver(ch, &received), 0))
					synctest.Wait()
				}
				time.AfterFunc(time.Second, func() {
					switch ready {
					case "later":
						wake()
						if name == "SendCase" {
							received = append(received, must(ch.TryRecv()))
						}
					case "another case":
						require.True(t, other.TrySend(1))
					case "the context ends":
						cancel()
					}
				})
				chosen, err := coro.Run(ctx, ex, k.With(0))
				cancel()
				require.NoError(t, err)
				switch ready {
				case "another case":
					require.Equal(t, 1, chosen, name)
				case "the context ends":
					require.Equal(t, -1, chosen, name)
				default:
					require.Contains(t, []int{0, 2}, chosen, name)
				}
				time.Sleep(2 * time.Hour) // timers that were left would go off now
				if name == "SendCase" && chosen%2 == 0 {
					synctest.Wait() // for the receiver
					require.Equal(t, []int{7}, received)
				}
			}
			require.NoError(t, ex.Close(), "no frame is live")
		}
	})
}

func receiver(ch *coro.Chan[int], received *[]int) *coro.Kind[int, none] {
	return coro.Define("receiver", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return ch.Recv(f, 1, &f.State)
		}
		*received = append(*received, f.State)
		return f.Return(none{})
	})
}

func must[T any](v T, ok bool) T {
	if !ok {
		panic("no value")
	}
	return v
}

// A SendCase that another task's Select has is refused.
func TestSendCaseOfAnotherSelect(t *testing.T) {
	ex := newInline(t)
	ch, stop := coro.NewChan[int](0), coro.NewChan[int](0)
	shared := ch.SendCase(7)
	k := coro.Define("sender", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return coro.Select(f, 1, nil, stop.RecvCase(nil), shared)
		}
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, k, 0))
	_, err := coro.Run(context.Background(), ex, k.With(0))
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Equal(t, `coro: task "sender": a SendCase is good for one Select: make another one`, p.Value)
	require.Equal(t, 7, must(ch.TryRecv()))
	_, err = coro.Run(context.Background(), ex, k.With(0))
	require.ErrorAs(t, err, &p)
}
