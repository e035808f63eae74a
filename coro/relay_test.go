package coro_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/race"
)

// relayFIFO is the simplest RelayQueue. It counts calls of Push.
type relayFIFO struct {
	mu     sync.Mutex
	queue  coro.RunQueue
	busy   bool
	pushes int
}

func (q *relayFIFO) Push(t coro.Runnable) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queue.Push(t)
	q.pushes++
	wasIdle := !q.busy
	q.busy = true
	return wasIdle
}

func (q *relayFIFO) Pop() (coro.Runnable, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	t, ok := q.queue.Pop()
	q.busy = ok
	return t, ok
}

func (q *relayFIFO) idle() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return !q.busy
}

// relayed returns a Relay on depth-1 others on base.
func relayed(base coro.Executor, depth int) *coro.Relay {
	r := coro.NewRelay(base, new(relayFIFO), nil)
	for range depth - 1 {
		r = coro.NewRelay(r, new(relayFIFO), nil)
	}
	return r
}

func TestRelayIsOneTaskOfItsBase(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		ex := newStepwise(t, nil)
		r := relayed(ex, depth)
		var order []int
		twice := coro.Define("twice", func(f *coro.Frame[int, none]) coro.Step {
			order = append(order, f.State)
			if f.At() == 0 {
				return coro.Yield(f, 1)
			}
			return f.Return(none{})
		})
		require.False(t, ex.runOne())
		for i := range 3 {
			require.NoError(t, coro.Go(r, twice, i))
		}
		require.Equal(t, 1, ex.queue.Len())
		require.True(t, ex.runOne())
		require.Equal(t, []int{0, 1, 2, 0, 1, 2}, order)
		require.False(t, ex.runOne(), "it was idle at the end of its turn")

		// Many take more than one turn, all Relays together.
		order = nil
		for i := range coro.TurnLength {
			require.NoError(t, coro.Go(r, twice, i))
		}
		require.True(t, ex.runOne())
		require.GreaterOrEqual(t, coro.TurnLength, len(order))
		ex.runAll()
		for i, n := range order {
			require.Equal(t, i%coro.TurnLength, n)
		}
		require.Zero(t, liveIn(ex.arena))
		n, ok := coro.KeptRelays()
		require.True(t, ok)
		require.Zero(t, n)
	}
}

// A turn ends, however much there is to do.
func TestRelayGivesWay(t *testing.T) {
	ex := newStepwise(t, func(err error) { require.True(t, err == errCause) })
	r := relayed(ex, 1)
	steps := 0
	forever := coro.Define("forever", func(f *coro.Frame[none, none]) coro.Step {
		steps++
		return coro.Yield(f, 0)
	})
	require.NoError(t, coro.Go(r, forever, none{}))
	own := 0
	other := coro.Define("other", func(f *coro.Frame[none, none]) coro.Step {
		own++
		return f.Return(none{})
	})
	for i := range 10 {
		require.NoError(t, coro.Go(ex, other, none{}))
		require.True(t, ex.runOne())
		require.True(t, ex.runOne())
		require.Equal(t, (i+1)*coro.TurnLength, steps)
		require.Equal(t, i+1, own)
	}
	ex.cancelAll(errCause)
	require.Zero(t, liveIn(ex.arena))
}

// To cancel the turn is to cancel the tasks, also those that their handlers launch.
func TestRelayCancel(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		var handled []error
		var r *coro.Relay
		k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
		ex := newStepwise(t, func(err error) {
			if handled = append(handled, err); len(handled) == 2 {
				_ = coro.Go(r, k, none{})
			}
		})
		r = relayed(ex, depth)
		for range 3 {
			require.NoError(t, coro.Go(r, k, none{}))
		}
		ex.cancelAll(errCause)
		require.Equal(t, []error{errCause, errCause, errCause, errCause}, handled)
		require.Zero(t, liveIn(ex.arena))
		require.Zero(t, r.Live())

		require.NoError(t, coro.Go(r, k, none{}), "it was idle")
		ex.runAll()
		require.Zero(t, liveIn(ex.arena))
	}
}

// If a handler panics while tasks are cancelled, the other tasks are left to the closer.
func TestRelayCancelWithAPanic(t *testing.T) {
	handled := 0
	ex := newStepwise(t, func(err error) {
		if handled++; handled == 1 {
			panic(err)
		}
	})
	r := relayed(ex, 2)
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	for range 3 {
		require.NoError(t, coro.Go(r, k, none{}))
	}
	require.PanicsWithValue(t, errCause, func() { ex.cancelAll(errCause) })
	ex.env.Close(errCause)
	ex.env.CancelWaiting(errCause)
	require.Equal(t, 3, handled)
	require.Zero(t, liveIn(ex.arena))
}

// What the base refuses, the Relay refuses, and takes later.
func TestRelayOnABaseThatRefuses(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		var handled []error
		ex := newStepwise(t, func(err error) { handled = append(handled, err) })
		r := relayed(ex, depth)
		ran := 0
		k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
			if ran++; f.State == 1 && f.At() == 0 {
				ex.refuse = errCause // the yield is to the Relay, which is busy
				return coro.Yield(f, 1)
			}
			return f.Return(none{})
		})
		ex.refuse = errCause
		for range 2 {
			require.True(t, coro.Go(r, k, 0) == errCause)
			_, err := coro.Run(context.Background(), r, k.With(0))
			require.True(t, err == errCause)
		}
		ex.refuse = nil
		require.NoError(t, coro.Go(r, k, 1))
		ex.runAll()
		require.Equal(t, 2, ran)

		// At the end of the turn, the base refuses that: its tasks are cancelled.
		ex.refuse = nil
		long := coro.Define("long", func(f *coro.Frame[none, none]) coro.Step {
			ex.refuse = errCause
			return coro.Yield(f, 0)
		})
		require.NoError(t, coro.Go(r, long, none{}))
		require.NoError(t, coro.Go(r, long, none{}))
		ex.runAll()
		require.Equal(t, []error{errCause, errCause}, handled)
		require.Zero(t, liveIn(ex.arena))
		require.Zero(t, r.Live())
	}
}

// refusing refuses a post only after another one has been made meanwhile.
type refusing struct {
	*stepwise
	meanwhile func()
}

func (e *refusing) Post(coro.Runnable) error {
	e.meanwhile()
	return errCause
}

// A task that was posted while the base was about to refuse the turn is left to the closer.
func TestRelayPostsWhileTheBaseRefuses(t *testing.T) {
	var handled []error
	ex := &refusing{stepwise: newStepwise(t, func(err error) { handled = append(handled, err) })}
	ex.stepwise.env = coro.NewEnvironment(ex, ex.stepwise.arena, func(err error) { handled = append(handled, err) })
	q := new(relayFIFO)
	r := coro.NewRelay(ex, q, nil)
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	var between []error
	ex.meanwhile = func() {
		for range 2 {
			between = append(between, coro.Go(r, k, none{}))
		}
	}
	require.True(t, coro.Go(r, k, none{}) == errCause)
	require.Equal(t, []error{nil, nil}, between)
	require.True(t, q.idle())
	require.Empty(t, handled)
	require.Equal(t, int64(2), r.Live())
	ex.env.Close(errCause)
	ex.env.CancelWaiting(errCause)
	require.Equal(t, []error{errCause, errCause}, handled)
	require.Zero(t, liveIn(ex.arena))
	require.Zero(t, r.Live())
}

// localQueue is the Local of a stepwise's worker.
type localQueue struct {
	coro.RunQueue
	from []coro.Origin
}

func (q *localQueue) PushLocal(t coro.Runnable, from coro.Origin) {
	q.Push(t)
	q.from = append(q.from, from)
}

// With a worker that has a queue of its own, a woken task goes to its Relay, and the
// turn, not the task, to that queue.
func TestRelayOnAWorkerWithAQueue(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		ex := newStepwise(t, nil)
		local := new(localQueue)
		ex.worker.SetLocalQueue(ex.env, local)
		r := relayed(ex, depth)
		var e coro.Event
		var order []int
		waits := coro.Define("waits", func(f *coro.Frame[int, none]) coro.Step {
			order = append(order, f.State)
			if f.At() == 0 {
				return e.Wait(f, 1)
			}
			return f.Return(none{})
		})
		require.NoError(t, coro.Go(r, waits, 1))
		require.NoError(t, coro.Go(r, waits, 2))
		ex.runAll()
		require.Equal(t, []int{1, 2}, order)
		require.Zero(t, local.Len())

		// A wake that a park makes is one on the worker.
		c := coro.NewChan[int](0)
		receives := coro.Define("receives", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 0 {
				return c.Recv(f, 1, &f.State)
			}
			order = append(order, f.State)
			return f.Return(none{})
		})
		sends := coro.Define("sends", func(f *coro.Frame[int, none]) coro.Step {
			if f.At() == 0 {
				return c.Send(f, 1, f.State)
			}
			return f.Return(none{})
		})
		for range 2 {
			require.NoError(t, coro.Go(r, receives, 0))
		}
		ex.runAll()
		for i := range 2 {
			require.NoError(t, coro.Go(ex, sends, 3+i))
		}
		ex.runAll()
		require.Equal(t, []coro.Origin{coro.OriginWoken}, local.from, "once: it was busy for the second")
		run := func() {
			for {
				t, ok := local.Pop()
				if !ok {
					return
				}
				ex.worker.Run(t)
			}
		}
		run()
		require.Equal(t, []int{1, 2, 3, 4}, order)

		// The turn yields to that queue too.
		yields := coro.Define("yields", func(f *coro.Frame[int, none]) coro.Step {
			if f.State--; f.State < 0 {
				return f.Return(none{})
			}
			return coro.Yield(f, 0)
		})
		local.from = nil
		require.NoError(t, coro.Go(r, yields, 2*coro.TurnLength))
		ex.runAll()
		require.Contains(t, local.from, coro.OriginYielded)
		run()
		e.Set()
		ex.runAll()
		require.Equal(t, []int{1, 2, 3, 4, 1, 2}, order)
		require.Zero(t, liveIn(ex.arena))
		require.Zero(t, r.Live())
	}
}

// A Relay that only frames refer to is kept, and collected when they are gone.
func TestRelayIsKeptByItsTasks(t *testing.T) {
	ex := newStepwise(t, nil)
	var e coro.Event
	waits := coro.Define("waits", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return e.Wait(f, 1)
		}
		return f.Return(none{})
	})
	collected := make(chan int, 10)
	for i := range 10 {
		r := relayed(ex, 2)
		runtime.AddCleanup(r, func(i int) { collected <- i }, i)
		require.NoError(t, coro.Go(r, waits, 0))
		require.NoError(t, coro.RunAsync(r)(waits.With(0)))
		require.NoError(t, coro.RunAsync(r, coro.Context(context.Background()))(waits.With(0)))
	}
	ex.runAll()
	for range 3 {
		runtime.GC()
	}
	require.Empty(t, collected)
	n, ok := coro.KeptRelays()
	require.True(t, ok)
	require.Equal(t, 10, n)

	e.Set()
	ex.runAll()
	require.Zero(t, liveIn(ex.arena))
	n, ok = coro.KeptRelays()
	require.True(t, ok)
	require.Zero(t, n)
	for i := 0; i < 10; { // the stack may still have one for a while
		runtime.GC()
		select {
		case <-collected:
			i++
		case <-time.After(time.Millisecond):
		}
	}
}

// Roots that are refused on many goroutines at once leave nothing kept.
// wordExecutor queues tasks as words, as a Pool does: the collector does not see them there.
type wordExecutor struct {
	env   *coro.Environment
	words []uintptr
}

func (e *wordExecutor) Post(t coro.Runnable) error {
	e.words = append(e.words, t.Word())
	return nil
}

func (e *wordExecutor) Environment() *coro.Environment { return e.env }

func (e *wordExecutor) runOne(w *coro.Worker) {
	word := e.words[0]
	e.words = e.words[1:]
	w.Run(coro.RunnableOf(word))
}

// A turn that was yielded may be the last that refers to a Relay, when all its tasks have ended.
func TestRelayIsKeptWhileItsTurnIsQueued(t *testing.T) {
	for depth := 1; depth <= 3; depth++ {
		ex := new(wordExecutor)
		a, err := arena.New()
		require.NoError(t, err)
		ex.env = coro.NewEnvironment(ex, a, nil)
		w := coro.NewWorker(a)
		k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
		collected := make(chan struct{})
		func() {
			r := relayed(ex, depth)
			runtime.AddCleanup(r, func(c chan struct{}) { close(c) }, collected)
			for range coro.TurnLength - (depth - 1) { // the turns of the Relays above count too
				require.NoError(t, coro.Go(r, k, none{}))
			}
		}()
		ex.runOne(w)
		require.Len(t, ex.words, 1, "the turn was yielded")
		require.Zero(t, ex.env.Live())
		for range 3 {
			runtime.GC()
		}
		select {
		case <-collected:
			require.Fail(t, "the Relay was collected while its turn is queued")
		case <-time.After(10 * time.Millisecond):
		}
		n, ok := coro.KeptRelays()
		require.True(t, ok)
		require.Equal(t, depth, n)

		ex.runOne(w)
		require.Empty(t, ex.words)
		n, ok = coro.KeptRelays()
		require.True(t, ok)
		require.Zero(t, n)
		w.Close()
		for waiting := true; waiting; { // the stack may still have it for a while
			runtime.GC()
			select {
			case <-collected:
				waiting = false
			case <-time.After(time.Millisecond):
			}
		}
		require.NoError(t, a.Close())
	}
}

func TestRelayKeptCount(t *testing.T) {
	ex := &refusing{stepwise: newStepwise(t, nil), meanwhile: runtime.Gosched}
	r := coro.NewRelay(ex, new(relayFIFO), nil)
	k := coro.Define("task", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				_ = coro.Go(r, k, none{})
				if _, ok := coro.KeptRelays(); !ok {
					t.Error("the list is broken")
				}
			}
		})
	}
	wg.Wait()
	// Those that were taken while another one was about to be refused:
	ex.env.Close(errCause)
	ex.env.CancelWaiting(errCause)
	require.Zero(t, r.Live())
	n, ok := coro.KeptRelays()
	require.True(t, ok)
	require.Zero(t, n)
}

func TestRelayAllocations(t *testing.T) {
	if race.Enabled {
		return // everything allocates more
	}
	for depth := 1; depth <= 3; depth++ {
		ex := newStepwise(t, nil)
		r := relayed(ex, depth)
		k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
			if f.State--; f.State < 0 {
				return f.Return(none{})
			}
			return coro.Yield(f, 0)
		})
		require.Zero(t, testing.AllocsPerRun(100, func() {
			for range 3 {
				if err := coro.Go(r, k, coro.TurnLength); err != nil {
					t.Fatal(err)
				}
			}
			ex.runAll()
		}))
	}
}
