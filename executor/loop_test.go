package executor_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// driven is a Loop that a goroutine drives until it is closed. The goroutine is
// replaced when a task ends it.
type driven struct {
	*executor.Loop
	stop context.CancelFunc
	done chan none
}

func newDriven(opts ...executor.LoopOption) driven {
	ctx, cancel := context.WithCancel(context.Background())
	d := driven{executor.NewLoop(opts...), cancel, make(chan none)}
	go d.drive(ctx)
	return d
}

func (d driven) drive(ctx context.Context) {
	exits := true
	defer func() {
		if exits {
			go d.drive(ctx)
			return
		}
		close(d.done)
	}()
	_ = d.Loop.Run(ctx)
	exits = false
}

func (d driven) Close() error {
	if err := d.Loop.Close(); errors.Is(err, executor.ErrInStep) {
		return err
	} else {
		d.stop()
		<-d.done
		return err
	}
}

// steps is a task that yields as often as its state says, and counts its steps.
func stepsOf(n *int) *coro.Kind[int, none] {
	return coro.Define("steps", func(f *coro.Frame[int, none]) coro.Step {
		*n++
		if f.State--; f.State < 0 {
			return f.Return(none{})
		}
		return coro.Yield(f, 0)
	})
}

func TestLoopIsDriven(t *testing.T) {
	l := executor.NewLoop()
	n := 0
	k := stepsOf(&n)
	require.False(t, l.RunOne())
	require.Zero(t, l.RunUntilIdle())
	require.Zero(t, l.RunFor(time.Hour))
	require.NoError(t, coro.Go(l, k, 4))
	require.Zero(t, n)
	require.True(t, l.RunOne())
	require.Equal(t, 1, n)
	require.Equal(t, 1, l.RunFor(0))
	require.Equal(t, 2, n)
	require.Equal(t, 1, l.RunFor(-1))
	require.Equal(t, 3, n)
	require.Equal(t, 2, l.RunUntilIdle())
	require.Equal(t, 5, n)
	require.False(t, l.RunOne())
	require.NoError(t, coro.Go(l, k, 4))
	require.Equal(t, 5, l.RunFor(time.Hour))

	// It returns though there is no end of tasks.
	forever := coro.Define("forever", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 0) })
	require.NoError(t, coro.RunAsync(l, coro.OnError(func(err error) { require.True(t, err == executor.ErrClosed) }))(forever.With(none{})))
	require.GreaterOrEqual(t, l.RunFor(time.Millisecond), 1)
	require.NoError(t, l.Close())
	require.False(t, l.RunOne())
	require.True(t, l.Run(context.Background()) == executor.ErrClosed)
}

func TestLoopOrder(t *testing.T) {
	l := executor.NewLoop()
	var order []int
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step {
		order = append(order, f.State)
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(none{})
	})
	for i := range 3 {
		require.NoError(t, coro.Go(l, k, i))
	}
	require.True(t, l.RunOne())
	require.NoError(t, coro.Go(l, k, 3))
	require.Equal(t, 7, l.RunUntilIdle())
	require.Equal(t, []int{0, 1, 2, 0, 3, 1, 2, 3}, order)
	require.NoError(t, l.Close())
}

// There is a notice whenever tasks are ready and nobody drives, and no other.
func TestLoopNotice(t *testing.T) {
	calls := 0
	l := executor.NewLoop(executor.WithNotify(func() { calls++ }))
	notice := func() bool {
		select {
		case <-l.Ready():
			return true
		default:
			return false
		}
	}
	n := 0
	k := stepsOf(&n)
	require.False(t, notice())
	require.NoError(t, coro.Go(l, k, 1))
	require.NoError(t, coro.Go(l, k, 1))
	require.Equal(t, 1, calls)
	require.True(t, notice())
	require.False(t, notice())

	require.True(t, l.RunOne())
	require.Equal(t, 2, calls, "there is more")
	require.True(t, notice())
	require.Equal(t, 3, l.RunUntilIdle())
	require.Equal(t, 2, calls)
	require.False(t, notice())

	launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
		if err := coro.Go(l, k, 0); err != nil {
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(l, launcher, none{}))
	require.Equal(t, 3, calls)
	require.Equal(t, 2, l.RunUntilIdle())
	require.Equal(t, 3, calls, "who drives sees it")
	require.NoError(t, l.Close())
}

// Nothing is lost between posts from many goroutines and a goroutine that waits.
func TestLoopRun(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			l := executor.NewLoop()
			ctx, cancel := context.WithCancelCause(context.Background())
			result := make(chan error)
			go func() { result <- l.Run(ctx) }()
			alone := 0 // not atomic: one goroutine runs all
			k := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
				alone++
				if f.State--; f.State > 0 {
					return coro.Yield(f, 0)
				}
				return f.Return(7)
			})
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() {
					for range scaled(500) {
						got, err := coro.Run(context.Background(), l, k.With(2))
						if got != 7 || err != nil {
							t.Errorf("got %d, %v", got, err)
						}
					}
				})
			}
			wg.Wait()
			cancel(errTask)
			require.True(t, <-result == errTask)
			require.Equal(t, 8*scaled(500)*2, alone)
			require.True(t, l.Run(ctx) == errTask)
			require.NoError(t, l.Close())
		}()
	}
}

// The goroutine that receives from Ready drives, whichever it is.
func TestLoopReadyFromManyGoroutines(t *testing.T) {
	l := executor.NewLoop()
	stop := make(chan none)
	driver := make(chan none)
	go func() {
		defer close(driver)
		for {
			select {
			case <-l.Ready():
				l.RunOne()
			case <-stop:
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range scaled(300) {
				got, err := coro.Run(context.Background(), l, countTo(n%4))
				if got != n%4 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	<-driver
	require.NoError(t, l.Close())
}

func TestLoopDrivenTwice(t *testing.T) {
	const twice = "executor: a Loop is driven by two at a time, or by one of its own tasks: let one goroutine drive it, outside of tasks"
	l := executor.NewLoop()
	for _, tt := range []struct {
		do   func()
		want string
	}{
		{func() { l.RunOne() }, twice},
		{func() { l.RunUntilIdle() }, twice},
		{func() { l.RunFor(1) }, twice},
		{func() { _ = l.Run(context.Background()) }, twice},
	} {
		var got error
		k := coro.Define("drives", func(f *coro.Frame[none, none]) coro.Step {
			tt.do()
			return f.Return(none{})
		})
		require.NoError(t, coro.RunAsync(l, coro.OnError(func(err error) { got = err }))(k.With(none{})))
		require.True(t, l.RunOne())
		var p *coro.PanicError
		require.ErrorAs(t, got, &p)
		require.Equal(t, tt.want, p.Value)
	}
	require.NoError(t, l.Close())
}

// What a task that ends the goroutine, or a handler that panics, leaves in the queue
// runs when the Loop is driven again, and there is a notice of it.
func TestLoopExceptions(t *testing.T) {
	var handled []error
	a := newArena(t)
	l := executor.NewLoop(executor.WithArena(a), executor.WithErrorHandler(func(err error) {
		if handled = append(handled, err); err == errTask {
			panic(err)
		}
	}))
	n := 0
	k := stepsOf(&n)
	require.NoError(t, errors.Join(
		coro.Go(l, leaving, none{}), coro.Go(l, k, 0),
		coro.Go(l, failing, none{}), coro.Go(l, k, 0),
		coro.Go(l, k, 0),
	))
	returned := false
	var wg sync.WaitGroup
	wg.Go(func() {
		l.RunUntilIdle()
		returned = true
	})
	wg.Wait()
	require.False(t, returned)
	require.Len(t, handled, 1)
	require.ErrorIs(t, handled[0], coro.ErrGoexit)
	require.Zero(t, n)
	<-l.Ready()
	require.PanicsWithValue(t, errTask, func() { l.RunUntilIdle() })
	require.Equal(t, 1, n)
	<-l.Ready()
	require.True(t, l.RunOne())
	require.Equal(t, 2, n)
	require.NoError(t, l.Close())
	require.Len(t, handled, 3)
	require.True(t, handled[2] == executor.ErrClosed)
	require.Zero(t, a.Stats().Total.Live)
}

// Posts and wakes at the time of Close are taken or refused, and leave nothing.
func TestLoopCloseDuringPosts(t *testing.T) {
	for range scaled(200) {
		a := newArena(t)
		var taken, ended atomic.Int64
		l := executor.NewLoop(executor.WithArena(a), executor.WithErrorHandler(func(err error) {
			ended.Add(1)
			if err != executor.ErrClosed {
				t.Error(err)
			}
		}))
		var e coro.Event
		waits := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step {
			e.Reset()
			return e.Wait(f, 0)
		})
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				for coro.Go(l, waits, none{}) == nil {
					taken.Add(1)
					e.Set()
				}
			})
		}
		for taken.Load() < 20 {
			l.RunFor(0)
		}
		require.NoError(t, l.Close())
		wg.Wait()
		require.Equal(t, taken.Load(), ended.Load())
		require.Zero(t, a.Stats().Total.Live)
	}
}
