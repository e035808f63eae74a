package shop_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/examples/orders/shop"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/task"
)

var times = shop.Times{Reminder: time.Hour, Release: 2 * time.Hour, Expiry: 24 * time.Hour}

// sequence is what happens to an order, the same for both shops.
type sequence struct {
	name               string
	paid, cancelled    time.Duration // 0: it is not
	outcome            shop.Outcome
	ends               time.Duration
	reminded, released int64
}

var sequences = []sequence{
	{"is paid at once", time.Minute, 0, shop.Paid, time.Minute, 0, 0},
	{"is paid after the reminder", 90 * time.Minute, 0, shop.Paid, 90 * time.Minute, 1, 0},
	{"is paid after the release", 3 * time.Hour, 0, shop.Paid, 3 * time.Hour, 1, 1},
	{"expires", 0, 0, shop.Expired, 24 * time.Hour, 1, 1},
	{"is cancelled", 0, 2 * time.Minute, shop.Cancelled, 2 * time.Minute, 0, 0},
	{"is paid too late", 25 * time.Hour, 0, shop.Expired, 24 * time.Hour, 1, 1},
}

// play plays the sequence in a bubble, whose time passes while all goroutines wait.
func (s sequence) play(t *testing.T, in shop.Shop, clerk *shop.Clerk) {
	begin := time.Now()
	o, err := in.Place()
	require.NoError(t, err)
	if s.paid > 0 {
		defer time.AfterFunc(s.paid, o.Pay).Stop()
	}
	if s.cancelled > 0 {
		defer time.AfterFunc(s.cancelled, o.Cancel).Stop()
	}
	outcome, err := o.Wait(context.Background())
	require.NoError(t, err)
	require.Equal(t, s.outcome, outcome)
	require.InDelta(t, s.ends, time.Since(begin), float64(10*time.Millisecond))
	require.Equal(t, s.reminded, clerk.Reminded.Load())
	require.Equal(t, s.released, clerk.Released.Load())
	o.Pay() // these have no effect now
	o.Cancel()
}

func TestTasks(t *testing.T) {
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := executor.NewPool(executor.WithWorkers(1))
				clerk := new(shop.Clerk)
				tasks := &shop.Tasks{Executor: pool, Times: times, Clerk: clerk}
				s.play(t, tasks, clerk)
				require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
			})
		})
	}
}

func TestPlain(t *testing.T) {
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := executor.NewPool(executor.WithWorkers(1))
				clerk := new(shop.Clerk)
				plain := &shop.Plain{Executor: pool, Times: times, Clerk: clerk}
				s.play(t, plain, clerk)
				require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
			})
		})
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
}

func TestGoroutines(t *testing.T) {
	for _, s := range sequences {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clerk := new(shop.Clerk)
				goroutines := &shop.Goroutines{Times: times, Clerk: clerk}
				s.play(t, goroutines, clerk)
			})
		})
	}
}

func TestADay(t *testing.T) {
	pool := executor.NewPool()
	clerk := new(shop.Clerk)
	for _, s := range []shop.Shop{
		&shop.Tasks{Executor: pool, Times: times, Clerk: clerk},
		&shop.Plain{Executor: pool, Times: times, Clerk: clerk},
		&shop.Goroutines{Times: times, Clerk: clerk},
	} {
		full := 0
		books, err := shop.Day(s, 400, func() { full++ })
		require.NoError(t, err)
		require.Equal(t, shop.Books{Paid: 300, Cancelled: 100}, books)
		require.Equal(t, 1, full)
	}
	require.NoError(t, pool.Close())
}

// An order that waits when its executor is closed ends with the executor's error.
func TestTheShopCloses(t *testing.T) {
	tasks := func(loop *executor.Loop) shop.Shop {
		return &shop.Tasks{Executor: loop, Times: times, Clerk: new(shop.Clerk)}
	}
	plain := func(loop *executor.Loop) shop.Shop {
		return &shop.Plain{Executor: loop, Times: times, Clerk: new(shop.Clerk)}
	}
	for _, open := range []func(*executor.Loop) shop.Shop{tasks, plain} {
		loop := executor.NewLoop()
		s := open(loop)
		o, err := s.Place()
		require.NoError(t, err)
		loop.RunUntilIdle()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = o.Wait(ended)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, loop.Close())
		_, err = o.Wait(t.Context())
		require.ErrorIs(t, err, executor.ErrClosed)
		_, err = s.Place()
		require.ErrorIs(t, err, executor.ErrClosed)
	}
}

// The frames of the plain form are not larger than those of steps written by hand.
func TestFrameSizes(t *testing.T) {
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "attend"), framesize.Of(t, "tasks.go", "order"))
}
