package executor_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Closing an executor without a handler prints a few errors and one line with all others.
func TestCloseSumsUpErrors(t *testing.T) {
	waits := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step { return coro.Sleep(f, 0, time.Hour) })
	queued := coro.Define("queued", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	for name, open := range map[string]func() interface {
		coro.Executor
		Close() error
	}{
		"pool": func() interface {
			coro.Executor
			Close() error
		} {
			return executor.NewPool(executor.WithWorkers(2))
		},
		"loop": func() interface {
			coro.Executor
			Close() error
		} {
			return executor.NewLoop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			const tasks = 3000
			printed := stderrOf(t, func() {
				ex := open()
				for range tasks {
					require.NoError(t, coro.Go(ex, waits, none{}))
				}
				if loop, ok := ex.(*executor.Loop); ok {
					loop.RunUntilIdle()
					for range tasks {
						require.NoError(t, coro.RunAsync(loop)(queued.With(none{})))
					}
				}
				require.NoError(t, ex.Close())
			})
			lines := strings.Split(strings.TrimSuffix(printed, "\n"), "\n")
			require.LessOrEqual(t, len(lines), 12, printed)
			sum := 0
			for _, line := range lines {
				var n int
				if strings.HasPrefix(line, "coro: a task failed: executor: closed") {
					require.Contains(t, line, "(print_errors_test.go:")
					n = 1
				} else {
					_, err := fmt.Sscanf(line, "coro: %d more failed: ", &n)
					require.NoError(t, err, line)
					require.Contains(t, line, "× executor: closed [")
				}
				sum += n
			}
			if name == "loop" {
				require.Equal(t, 2*tasks, sum)
				require.Contains(t, printed, fmt.Sprintf("%d× executor: closed [waits (", tasks))
			} else {
				require.Equal(t, tasks, sum)
			}
		})
	}
}

// A handler gets each error.
func TestHandlersGetEachError(t *testing.T) {
	n := 0
	loop := executor.NewLoop(executor.WithErrorHandler(func(error) { n++ }))
	fails := coro.Define("fails", func(f *coro.Frame[none, none]) coro.Step { return f.Fail(errors.New("no")) })
	for range 100 {
		require.NoError(t, coro.Go(loop, fails, none{}))
	}
	loop.RunUntilIdle()
	require.NoError(t, loop.Close())
	require.Equal(t, 100, n)
}

// Errors are told apart by kind and text; further sorts are counted together. An executor that
// stays open prints what it has counted when a second has passed.
func TestErrorsOfASecondAreSummedUp(t *testing.T) {
	var number int
	fails := coro.Define("fails", func(f *coro.Frame[none, none]) coro.Step {
		number++
		switch {
		case number%2 == 0:
			return f.Fail(errors.New("even\nsecond line"))
		case number < 400:
			return f.Fail(errors.New("odd"))
		default:
			return f.Fail(fmt.Errorf("error %d", number))
		}
	})
	printed := stderrOf(t, func() {
		loop := executor.NewLoop()
		for range 500 {
			require.NoError(t, coro.Go(loop, fails, none{}))
		}
		loop.RunUntilIdle()
		time.Sleep(1100 * time.Millisecond)
		for range 11 {
			require.NoError(t, coro.Go(loop, fails, none{}))
		}
		loop.RunUntilIdle()
		require.NoError(t, loop.Close())
	})
	require.Contains(t, printed, "coro: 490 more failed: 245× even [fails (")
	require.Contains(t, printed, "; 195× odd [fails (")
	require.Contains(t, printed, "; 32× other errors\n")
	require.Contains(t, printed, "coro: 1 more failed: 1× error 511 [")
}
