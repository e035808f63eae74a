package task_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/task"
)

const rounds = 100

// endless is a script that does one wait again and again, for as long as more says.
func endless(more *int, wait func(*task.T) error) *script[task.None] {
	s := &script[task.None]{calls: repeat(rounds+1, func(t *task.T) (task.None, error) { return task.None{}, wait(t) })}
	s.done = func(_ int, _ task.None, err error) error {
		if *more--; *more == 0 && err == nil {
			return errTest
		}
		return err
	}
	return s
}

// In the steady state, a wait in a task allocates nothing on the Go heap.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	var m task.Mutex
	sem := task.NewSemaphore(1)
	var e task.Event
	ping, pong := task.NewChan[int](0), task.NewChan[int](0)

	for _, c := range []struct {
		name string
		wait func(*task.T) error
		wake func() // ends the wait, on another goroutine; nil: it ends by itself
	}{
		{name: "Yield", wait: func(t *task.T) error { return t.Yield() }},
		{name: "Sleep", wait: func(t *task.T) error { return t.Sleep(time.Microsecond) }},
		{"Mutex", m.Lock, m.Unlock},
		{"Semaphore", func(t *task.T) error { return sem.Acquire(t, 1) }, func() { sem.Release(1) }},
		{"Event", func(t *task.T) error { e.Reset(); return e.Wait(t) }, e.Set},
		{"Chan.Send", func(t *task.T) error { return ping.Send(t, 1) }, func() { ping.TryRecv() }},
		{"Chan.Recv", func(t *task.T) error { _, err := pong.Recv(t); return err }, func() { pong.TrySend(1) }},
		{"Select", func(t *task.T) error {
			_, err := task.Select(t, task.Recv(pong, nil), task.Done(&e))
			return err
		}, func() { pong.TrySend(1) }},
		{"Suspend", func(t *task.T) error {
			return task.Suspend(t, func(w task.Waker) { w.Wake() })
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ex := executor.NewInline()
			defer func() { require.NoError(t, ex.Close()) }()
			m.TryLock()
			sem.TryAcquire(1)
			e.Reset()
			defer func() { m.Unlock(); sem.Release(1) }()
			play := func() {
				more := rounds
				if c.wake == nil {
					_, err := task.Run(context.Background(), ex, task.Call1(playNone, endless(&more, c.wait)))
					require.ErrorIs(t, err, errTest)
					return
				}
				failed := 0
				require.NoError(t, task.Go(ex, task.Call1(playNone, endless(&more, c.wait)), task.OnError(func(error) { failed++ })))
				for range rounds {
					c.wake() // the task runs on this goroutine
				}
				require.Equal(t, 1, failed)
			}
			play()
			require.Less(t, testing.AllocsPerRun(5, play), rounds/2.0) // those are of the launch
		})
	}
}

// Launching a compiled function allocates nothing.
func TestLaunchAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	s := errorsOf(func(*task.T) error { return nil })
	require.Zero(t, testing.AllocsPerRun(1000, func() { _ = task.Go(ex, task.Call1(playNone, s)) }))
	require.Zero(t, testing.AllocsPerRun(1000, func() { _, _ = task.Run(context.Background(), ex, task.Call1(playNone, s)) }))
}
