package coro_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// offloadFrame is of a task that does one offload, for an int.
type offloadFrame = coro.Frame[int, int]

// offloads is all of them. Each block returns one that has to wait, and what ends it;
// after that, left checks that what was not given to a task is there for another.
var offloads = []struct {
	name  string
	block func() (do func(f *offloadFrame) coro.Step, finish func(), left func() bool)
	want  int

	late bool // it may begin after its end
}{
	{"Blocking", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		c := make(chan int, 1)
		return func(f *offloadFrame) coro.Step {
			return coro.Blocking(f, 1, func() (int, error) { return <-c + 1, nil }, &f.State)
		}, func() { c <- 8 }, func() bool { return true }
	}, 9, false},
	{"RecvFrom", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		c := make(chan int, 1)
		return func(f *offloadFrame) coro.Step { return coro.RecvFrom(f, 1, c, &f.State) },
			func() { c <- 9 },
			func() bool { return <-c == 9 }
	}, 9, true},
	{"SendTo", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		c := make(chan int, 1)
		c <- 7
		return func(f *offloadFrame) coro.Step { return coro.SendTo(f, 1, c, 9) },
			func() {
				if <-c != 7 {
					panic("not what was in it")
				}
			},
			func() bool { return len(c) == 0 }
	}, 0, true},
	{"WaitContext", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		ctx, cancel := context.WithCancel(context.Background())
		return func(f *offloadFrame) coro.Step { return coro.WaitContext(f, 1, ctx) },
			cancel,
			func() bool { return true }
	}, 0, true},
	{"Handle.Await", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		event := new(coro.Event)
		h, err := coro.Start(elsewhere(), waiting(event.Wait, func(error) {}).With(0))
		if err != nil {
			panic(err)
		}
		return func(f *offloadFrame) coro.Step { return h.Await(f, 1, &f.State) },
			event.Set,
			func() bool { v, err := h.Result(); return v == 9 && err == nil }
	}, 9, true},
	{"AwaitOn", func() (func(*offloadFrame) coro.Step, func(), func() bool) {
		event := new(coro.Event)
		call := waiting(event.Wait, func(error) {}).With(0)
		return func(f *offloadFrame) coro.Step { return coro.AwaitOn(f, 1, elsewhere(), call, &f.State) },
			event.Set,
			func() bool { return liveIn(elsewhere().Arena()) == 0 }
	}, 9, false},
}

// elsewhere is where what offloads wait for happens, if that is a task.
var elsewhere = sync.OnceValue(func() *executor.Inline { return executor.NewInline() })

// offload returns a kind of tasks that do one.
func offload(do func(f *offloadFrame) coro.Step, opts ...coro.KindOption) *coro.Kind[int, int] {
	return coro.Define("offload", func(f *offloadFrame) coro.Step {
		if f.At() == 0 {
			return do(f)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	}, opts...)
}

func TestOffload(t *testing.T) {
	for _, tt := range offloads {
		t.Run(tt.name, func(t *testing.T) {
			do, finish, _ := tt.block()
			ex := newManual(t, nil)
			end := start(context.Background(), ex, offload(do).With(0))
			require.Zero(t, ex.runAll(), "it does not go on by itself")
			require.Positive(t, liveIn(ex.arena))
			finish()
			ex.await(1)
			require.Equal(t, 1, ex.runAll())
			got, err := end()
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			require.Zero(t, liveIn(ex.arena))
		})
		if !tt.late {
			continue
		}
		t.Run(tt.name+", nothing to wait for", func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errCause) // which it is too late for
			do, finish, _ := tt.block()
			finish()
			got, err := coro.Run(ctx, newInline(t), offload(do).With(0))
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestTheContextEndsDuringAnOffload(t *testing.T) {
	for _, tt := range offloads {
		t.Run(tt.name, func(t *testing.T) {
			do, finish, left := tt.block()
			ex := newManual(t, nil)
			ctx, cancel := context.WithCancelCause(context.Background())
			end := start(ctx, ex, offload(do).With(0))
			cancel(errCause)
			ex.await(1)
			require.Equal(t, 1, ex.runAll())
			_, err := end()
			require.True(t, err == errCause)
			require.Zero(t, liveIn(ex.arena))
			finish()
			require.True(t, left())
			require.Zero(t, ex.runAll())
		})
		t.Run(tt.name+", before it", func(t *testing.T) {
			do, finish, left := tt.block()
			ctx, cancel := context.WithCancelCause(context.Background())
			cancel(errCause)
			_, err := coro.Run(ctx, newInline(t), offload(do).With(0))
			require.True(t, err == errCause)
			finish()
			require.True(t, left())
		})
		t.Run(tt.name+", after its end", func(t *testing.T) {
			do, finish, _ := tt.block()
			ex := newManual(t, nil)
			ctx, cancel := context.WithCancelCause(context.Background())
			end := start(ctx, ex, offload(do).With(0))
			finish()
			ex.await(1)
			cancel(errCause)
			require.Equal(t, 1, ex.runAll())
			got, err := end()
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
		// The task is on its way to learn that the context has ended.
		t.Run(tt.name+", and then it ends", func(t *testing.T) {
			do, finish, left := tt.block()
			ex := newManual(t, nil)
			ctx, cancel := context.WithCancelCause(context.Background())
			end := start(ctx, ex, offload(do).With(0))
			cancel(errCause)
			ex.await(1)
			finish()
			require.Equal(t, 1, ex.runAll())
			if _, err := end(); err != nil {
				require.True(t, err == errCause)
				require.True(t, left())
			}
		})
	}
}

func TestWaitContextOfTheTree(t *testing.T) {
	for range scaled(200) {
		ctx, cancel := context.WithCancelCause(context.Background())
		ex := newManual(t, nil)
		end := start(ctx, ex, offload(func(f *offloadFrame) coro.Step { return coro.WaitContext(f, 1, ctx) }).With(3))
		cancel(errCause)
		ex.await(1)
		require.Equal(t, 1, ex.runAll())
		got, err := end()
		require.NoError(t, err)
		require.Equal(t, 3, got)
	}
}

func TestCloseDuringAnOffload(t *testing.T) {
	for _, m := range makers {
		for _, tt := range offloads {
			for _, elided := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %s, elided: %t", m.name, tt.name, elided), func(t *testing.T) {
					a := newArena(t)
					var handled error
					ex := m.make(executor.WithArena(a), executor.WithErrorHandler(func(err error) { handled = err }))
					do, finish, left := tt.block()
					begun := make(chan none)
					k := offload(func(f *offloadFrame) coro.Step {
						go func() { begun <- none{} }()
						return do(f)
					})
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					launch := coro.RunAsync(ex, coro.Context(ctx))
					if elided {
						launch = coro.RunAsync(ex, coro.Context(ctx), coro.RootFrameSize(1024))
					}
					require.NoError(t, launch(k.With(0)))
					<-begun
					require.NoError(t, ex.Close())
					require.True(t, handled == executor.ErrClosed)
					require.Zero(t, liveIn(a))
					require.NoError(t, a.Close())
					if tt.name == "Blocking" {
						finish()
					}
					awaitNoOffloads()
					if tt.name != "Blocking" {
						finish()
						require.True(t, left())
					}
				})
			}
		}
	}
}

// awaitNoOffloads waits until no goroutine is on an offload any more.
func awaitNoOffloads() {
	stacks := make([]byte, 1<<20)
	for bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("coro.(*offload[")) {
		runtime.Gosched()
	}
}

// Post refuses a task whose offload has ended: it is cancelled with the others.
func TestOffloadOfARefusedTask(t *testing.T) {
	errRefused := errors.New("refused")
	for _, tt := range offloads {
		t.Run(tt.name, func(t *testing.T) {
			var handled error
			ex := newManual(t, func(err error) { handled = err })
			do, finish, _ := tt.block()
			require.NoError(t, coro.Go(ex, offload(do), 0))
			ex.runAll()
			ex.setRefuse(errRefused)
			finish()
			ex.env.Close(errRefused)
			ex.env.CancelWaiting(errRefused)
			require.True(t, handled == errRefused)
			require.Zero(t, liveIn(ex.arena))
		})
	}
}

// Values go through Go channels while contexts end: none is lost, none comes twice.
func TestGoChannelsConserveValues(t *testing.T) {
	for _, capacity := range []int{0, 1, 8} {
		ex := newPool(t, executor.WithWorkers(3))
		c := make(chan int, capacity)
		var sent, received atomic.Int64
		type moving struct{ left, v int }
		send := coro.Define("send", func(f *coro.Frame[moving, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				sent.Add(int64(s.left))
			}
			if s.left--; s.left < 0 {
				return f.Return(0)
			}
			return coro.SendTo(f, 1, c, s.left)
		})
		recv := coro.Define("recv", func(f *coro.Frame[moving, int]) coro.Step {
			s := &f.State
			if f.At() == 1 {
				if f.Err() != nil {
					return f.Fail(f.Err())
				}
				received.Add(int64(s.v))
			}
			if s.left--; s.left < 0 {
				return f.Return(0)
			}
			return coro.RecvFrom(f, 1, c, &s.v)
		})
		var wg sync.WaitGroup
		for i := range 4 {
			for _, k := range []*coro.Kind[moving, int]{send, recv} {
				wg.Go(func() {
					for round := range scaled(100) {
						ctx, cancel := context.WithCancelCause(context.Background())
						go func() {
							for range (round*7 + i) % 50 {
								runtime.Gosched()
							}
							cancel(errCause)
						}()
						if _, err := coro.Run(ctx, ex, k.With(moving{left: 20})); err != nil && err != errCause {
							t.Error(err)
						}
						cancel(nil)
					}
				})
			}
		}
		wg.Wait()
		for len(c) > 0 {
			received.Add(int64(<-c))
		}
		// On a busy machine all contexts may have ended before anything was sent.
		for _, k := range []*coro.Kind[moving, int]{send, recv} {
			wg.Go(func() {
				if _, err := coro.Run(context.Background(), ex, k.With(moving{left: 20})); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, sent.Load(), received.Load())
		require.Positive(t, sent.Load())
	}
}

func TestGoChannelClosed(t *testing.T) {
	var c chan int
	recv := offload(func(f *offloadFrame) coro.Step { return coro.RecvFrom(f, 1, c, &f.State) })
	send := offload(func(f *offloadFrame) coro.Step { return coro.SendTo(f, 1, c, 1) })
	for _, waits := range []bool{false, true} {
		for _, k := range []*coro.Kind[int, int]{recv, send} {
			if waits && k == send && race.Enabled {
				continue // to close a channel that is sent to is reported, rightly
			}
			c = make(chan int)
			ex := newManual(t, nil)
			if !waits {
				close(c)
			}
			end := start(context.Background(), ex, k.With(0))
			if waits {
				close(c)
				ex.await(1)
				ex.runAll()
			}
			_, err := end()
			if k == recv {
				require.ErrorIs(t, err, coro.ErrChanClosed)
				continue
			}
			var p *coro.PanicError
			require.ErrorAs(t, err, &p)
			require.ErrorContains(t, p.Value.(error), "closed channel")
			require.Equal(t, "offload", p.Backtrace.Tasks[1].Name)
		}
	}
}

func TestGoChannelNil(t *testing.T) {
	for _, do := range []func(f *offloadFrame) coro.Step{
		func(f *offloadFrame) coro.Step { return coro.RecvFrom(f, 1, nil, &f.State) },
		func(f *offloadFrame) coro.Step { return coro.SendTo(f, 1, nil, 1) },
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		ex := newManual(t, nil)
		end := start(ctx, ex, offload(do).With(0))
		cancel(errCause)
		ex.await(1)
		ex.runAll()
		_, err := end()
		require.True(t, err == errCause)
	}
}

func TestBlockingFails(t *testing.T) {
	tests := []struct {
		name  string
		fn    func() (int, error)
		check func(t *testing.T, err error)
	}{
		{"an error", func() (int, error) { return 1, errLeaf }, func(t *testing.T, err error) { require.True(t, err == errLeaf) }},
		{"a panic", func() (int, error) { panic(errLeaf) }, func(t *testing.T, err error) {
			require.ErrorIs(t, err, errLeaf)
			requireBlockingPanic(t, err, "coro_test.TestBlockingFails")
		}},
		{"Goexit", func() (int, error) { leave(); return 1, nil }, func(t *testing.T, err error) {
			require.ErrorIs(t, err, coro.ErrGoexit)
			requireBlockingPanic(t, err, "coro_test.leave")
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newPool(t)
			k := offload(func(f *offloadFrame) coro.Step { return coro.Blocking(f, 1, tt.fn, &f.State) })
			for range 3 {
				_, err := coro.Run(context.Background(), ex, k.With(0))
				tt.check(t, err)
			}
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
}

func requireBlockingPanic(t *testing.T, err error, function string) {
	t.Helper()
	var p *coro.PanicError
	require.ErrorAs(t, err, &p)
	require.Contains(t, string(p.Stack), function)
	var names []string
	for _, k := range p.Backtrace.Tasks {
		names = append(names, k.Name)
	}
	require.Equal(t, []string{"coro.Blocking", "offload"}, names)
}

// What comes from a function whose task is gone goes nowhere: not into another task
// that has the same memory.
func TestBlockingIsAbandoned(t *testing.T) {
	ex := newManual(t, nil)
	finish := make(chan none)
	var functions sync.WaitGroup
	slow := offload(func(f *offloadFrame) coro.Step {
		functions.Add(1)
		return coro.Blocking(f, 1, func() (int, error) {
			defer functions.Done()
			<-finish
			return -1, errLeaf
		}, &f.State)
	})
	for range 10 {
		ctx, cancel := context.WithCancelCause(context.Background())
		end := start(ctx, ex, slow.With(0))
		cancel(errCause)
		ex.await(1)
		ex.runAll()
		_, err := end()
		require.True(t, err == errCause)
	}
	c := make(chan int)
	end := start(context.Background(), ex, offload(func(f *offloadFrame) coro.Step {
		return coro.Blocking(f, 1, func() (int, error) { return <-c, nil }, &f.State)
	}).With(0))
	close(finish)
	functions.Wait()
	c <- 5
	ex.await(1)
	ex.runAll()
	got, err := end()
	require.NoError(t, err)
	require.Equal(t, 5, got)
}

// Results and values of any type.
func TestOffloadsWithPointers(t *testing.T) {
	type held struct {
		text  string
		words []string
		c     chan []string
	}
	k := coro.DefineHeld("pointers", func(f *coro.Frame[none, string], h *held) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		runtime.GC()
		switch f.At() {
		case 0:
			text := h.text
			return coro.Blocking(f, 1, func() ([]string, error) { return strings.Fields(text), nil }, &h.words)
		case 1:
			return coro.SendTo(f, 2, h.c, h.words)
		case 2:
			h.words = nil
			return coro.RecvFrom(f, 3, h.c, &h.words)
		default:
			return f.Return(strings.Join(h.words, "+"))
		}
	})
	ex := newPool(t)
	for range 10 {
		got, err := coro.Run(context.Background(), ex, k.With(none{}, held{text: "a b  c", c: make(chan []string, 1)}))
		require.NoError(t, err)
		require.Equal(t, "a+b+c", got)
	}
}

func TestOffloadMisuse(t *testing.T) {
	var elsewhere int
	var words []string
	tests := []struct {
		name string
		do   func(f *offloadFrame) coro.Step
		want string
	}{
		{"no function", func(f *offloadFrame) coro.Step { return coro.Blocking[int](f, 1, nil, nil) },
			`coro: task "offload": Blocking needs a function`},
		{"no context", func(f *offloadFrame) coro.Step { return coro.WaitContext(f, 1, nil) }, //nolint:staticcheck // misuse
			`coro: task "offload": WaitContext needs a context`},
		{"elsewhere", func(f *offloadFrame) coro.Step {
			return coro.Blocking(f, 1, func() (int, error) { return 1, nil }, &elsewhere) //framearena:ignore on purpose
		}, `coro: task "offload": the result of "coro.Blocking" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`},
		{"pointers", func(f *offloadFrame) coro.Step { return coro.RecvFrom(f, 1, make(chan []string), &words) }, //framearena:ignore on purpose
			`coro: task "offload": the result of "coro.RecvFrom" must go to a field of a held part (or to nil), since its result type ([]string) holds a Go pointer: make the awaiting kind with DefineHeld`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := coro.Run(context.Background(), newInline(t), offload(tt.do).With(0))
			requireMisuse(t, err, tt.want)
		})
	}
}

// In the steady state offloads allocate nothing on the Go heap.
func TestOffloadAllocations(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random
	}
	type looping struct{ left, v int }
	c := make(chan int, 1)
	unbuffered := make(chan int)
	seven := func() (int, error) { return 7, nil }
	loop := func(do func(f *coro.Frame[looping, int]) coro.Step) *coro.Kind[looping, int] {
		return coro.Define("loop", func(f *coro.Frame[looping, int]) coro.Step {
			s := &f.State
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if s.left--; s.left < 0 {
				return f.Return(s.v)
			}
			return do(f)
		})
	}
	blocking := loop(func(f *coro.Frame[looping, int]) coro.Step { return coro.Blocking(f, 1, seven, &f.State.v) })
	buffered := loop(func(f *coro.Frame[looping, int]) coro.Step {
		if f.State.left%2 == 1 {
			return coro.SendTo(f, 1, c, 7)
		}
		return coro.RecvFrom(f, 1, c, &f.State.v)
	})
	receiving := loop(func(f *coro.Frame[looping, int]) coro.Step { return coro.RecvFrom(f, 1, unbuffered, &f.State.v) })
	stop := make(chan none)
	defer close(stop)
	go func() {
		for {
			select {
			case unbuffered <- 7:
			case <-stop:
				return
			}
		}
	}()
	ctx := context.Background()
	pool := newPool(t, executor.WithWorkers(2))
	for _, tt := range []struct {
		name string
		kind *coro.Kind[looping, int]
	}{{"Blocking", blocking}, {"a buffered Go channel", buffered}, {"an unbuffered Go channel", receiving}} {
		t.Run(tt.name, func(t *testing.T) {
			failures := 0
			run := func() {
				if v, err := coro.Run(ctx, pool, tt.kind.With(looping{left: 10})); v != 7 || err != nil {
					failures++
				}
			}
			for range 100 {
				run()
			}
			require.Zero(t, testing.AllocsPerRun(100, run))
			require.Zero(t, failures)
		})
	}
}
