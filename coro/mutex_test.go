package coro_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A plain counter under a Mutex, with tasks that yield, wait and are cancelled while
// they have it or want it, on two pools.
func TestMutexExcludes(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		func() {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			const tasks = 60
			each := scaled(300)
			var mutex coro.Mutex
			var counter, inside int // guarded by mutex
			root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
				switch f.At() {
				default:
					if f.State == each {
						return f.Return(f.State)
					}
					return mutex.Lock(f, 1)
				case 1:
					if f.Err() != nil {
						return f.Return(f.State)
					}
					if inside++; inside != 1 {
						t.Error("two tasks have the mutex")
					}
					counter++
					f.State++
					if f.State%3 == 0 {
						return coro.Yield(f, 2)
					}
				case 2:
				}
				inside--
				mutex.Unlock()
				return coro.Yield(f, 0)
			})
			pools := []*executor.Pool{newPool(t), newPool(t, executor.WithWorkers(3))}
			var wg sync.WaitGroup
			counts := make([]int, tasks)
			for i := range tasks {
				wg.Go(func() {
					ctx, cancel := context.WithCancel(context.Background())
					defer cancel()
					if i%3 == 0 {
						go cancel()
					}
					var err error
					if counts[i], err = coro.Run(ctx, pools[i%2], root.With(0)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			sum := 0
			for _, n := range counts {
				sum += n
			}
			require.Equal(t, sum, counter)
			require.True(t, mutex.TryLock(), "the lock is not lost")
			require.False(t, mutex.TryLock())
			mutex.Unlock()
		}()
	}
}

func TestMutexIsFirstComeFirstServed(t *testing.T) {
	ex := newInline(t)
	var mutex coro.Mutex
	var order strings.Builder
	root := coro.Define("root", func(f *coro.Frame[byte, none]) coro.Step {
		switch f.At() {
		case 0:
			return mutex.Lock(f, 1)
		case 1:
			order.WriteByte(f.State)
			return coro.Yield(f, 2)
		default:
			mutex.Unlock()
			if f.State == 'a' { // does not get in before the others
				f.State = 'A'
				return mutex.Lock(f, 1)
			}
			return f.Return(none{})
		}
	})
	require.True(t, mutex.TryLock())
	for _, name := range []byte("abcd") {
		require.NoError(t, coro.Go(ex, root, name))
	}
	require.Empty(t, order.String())
	mutex.Unlock()
	require.Equal(t, "abcdA", order.String())
}

func TestMutexMisuse(t *testing.T) {
	var mutex coro.Mutex
	const message = "coro: Unlock of a Mutex that is not locked: each Lock that succeeded, that is with a nil Err, allows one Unlock"
	require.PanicsWithValue(t, message, mutex.Unlock)
	require.True(t, mutex.TryLock())
	mutex.Unlock()
	require.PanicsWithValue(t, message, mutex.Unlock)
}

// What a step must not do with something to wait for.
func TestMisuseOfAWait(t *testing.T) {
	type frame = coro.Frame[int, int]
	const (
		notRunning = "coro: a wait with a frame whose task is not running, or after a wait or an Await in the same step: use a frame only in its own step function, and return a Step at once"
		notItsOwn  = ` returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once`
	)
	leaf := coro.Define("leaf", func(f *frame) coro.Step { return f.Return(1) })
	var mutex coro.Mutex
	var kept coro.Step
	var outer *frame
	tests := []struct {
		name string
		step func(f *frame) coro.Step
		want string
	}{
		{"waits after an Await", func(f *frame) coro.Step {
			coro.Await(f, 1, leaf, 1, nil) //framearena:ignore on purpose
			return mutex.Lock(f, 1)
		}, notRunning},
		{"returns a Step of before", func(f *frame) coro.Step {
			if f.At() == 0 {
				kept = mutex.Lock(f, 1)
				return kept
			}
			mutex.Unlock()
			return kept
		}, `coro: task "root"` + notItsOwn},
		{"awaits after a wait", func(f *frame) coro.Step {
			s := mutex.Lock(f, 1)
			coro.Await(f, 1, leaf, 1, nil) //framearena:ignore on purpose
			return s
		}, `coro: task "root" did not return the Step of a wait, of Yield, or of Fail: write return before such a call`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ex := newInline(t)
			_, err := coro.Run(context.Background(), ex, coro.Define("root", tt.step).With(0))
			requireMisuse(t, err, tt.want)
			require.Zero(t, liveIn(ex.Arena()))
			require.True(t, mutex.TryLock(), "a wait whose Step does not count has not happened")
			mutex.Unlock()
		})
	}
	t.Run("the parent's frame", func(t *testing.T) {
		child := coro.Define("child", func(*frame) coro.Step { return mutex.Lock(outer, 1) })
		root := coro.Define("root", func(f *frame) coro.Step {
			if f.At() == 0 {
				outer = f //framearena:ignore on purpose
				return coro.Await(f, 1, child, 0, nil)
			}
			return f.Fail(f.Err())
		})
		_, err := coro.Run(context.Background(), newInline(t), root.With(0))
		requireMisuse(t, err, notRunning)
	})
}
