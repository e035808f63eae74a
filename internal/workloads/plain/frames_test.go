package plain_test

import (
	"context"
	"net"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/internal/workloads/plain"
	"github.com/framearena/framearena/task"
)

// A function that waits with 72 bytes of variables has a frame of 128 bytes, launched or called; one
// that has made these variables for a call, and does not need them afterwards, too.
func TestFramesOfWaitingFunctions(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		return // frames are smaller
	}
	const n = 100
	for _, c := range []struct {
		name   string
		call   func(id uint64, until *task.Event) task.Call[bool]
		frames uint64 // of one
	}{
		{"launched", func(id uint64, until *task.Event) task.Call[bool] {
			return task.Call2(plain.Idle, plain.Words(id), until)
		}, 1},
		{"called", func(id uint64, until *task.Event) task.Call[bool] {
			return task.Call2(plain.IdleBelow, id, until)
		}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, err := arena.New()
			require.NoError(t, err)
			ex := executor.NewInline(executor.WithArena(a))
			var until task.Event
			var waiting []task.Handle[bool]
			for id := range uint64(n) {
				h, err := task.Start(ex, c.call(id, &until))
				require.NoError(t, err)
				waiting = append(waiting, h)
			}
			s := a.Stats()
			require.EqualValues(t, n*c.frames, s.Total.Live)
			if !framecheck.Enabled { // which takes more for each
				require.EqualValues(t, n*c.frames, s.Classes[bins.ClassOf(128)].Live)
			}
			until.Set()
			for _, h := range waiting {
				intact, err := h.WaitContext(context.Background())
				require.NoError(t, err)
				require.True(t, intact)
			}
			require.NoError(t, ex.Close())
			require.NoError(t, a.Close())
		})
	}
}

// A literal that returns what a function returns has no frame while that waits.
func TestChildrenThatReturnACallHaveOneFrame(t *testing.T) {
	const n = 100
	a, err := arena.New()
	require.NoError(t, err)
	ex := executor.NewInline(executor.WithArena(a))
	require.NoError(t, task.Go(ex, task.Do2(plain.Sleepers, n, time.Hour)))
	require.LessOrEqual(t, a.Stats().Total.Live, uint64(n+5), "the children, the root, and what they share")
	require.NoError(t, ex.Close())
	require.NoError(t, a.Close())
}

// Functions that need not wait have no frames, but for that of the task.
func TestNoFramesWithoutWaits(t *testing.T) {
	for name, launch := range map[string]func(ex coro.Executor, frames task.Option) error{
		"Chain": func(ex coro.Executor, frames task.Option) error {
			return task.Go(ex, task.Do2(plain.Chain, 100, 0), frames)
		},
		"Skynet": func(ex coro.Executor, frames task.Option) error {
			return task.Go(ex, task.Call2(plain.Skynet, 0, 100), frames)
		},
		"Timeouts": func(ex coro.Executor, frames task.Option) error {
			return task.Go(ex, task.Call1(plain.Timeouts, 100), frames)
		},
		"Selects": func(ex coro.Executor, frames task.Option) error {
			return task.Go(ex, task.Call1(plain.Selects, 100), frames)
		},
	} {
		ex := executor.NewInline()
		counting := arena.NewCounting(ex.Arena())
		require.NoError(t, launch(ex, task.Allocator(counting)))
		require.EqualValues(t, 1, counting.Stats().Allocated, name)
		require.NoError(t, ex.Close())
	}
}

func TestBlocks(t *testing.T) {
	ex := executor.NewInline()
	ok, err := task.Run(context.Background(), ex, task.Call1(plain.Blocks, 7))
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, ex.Close())
}

// A frame has room for what lives at one wait, the largest. Arguments are among that, and have no
// second place.
func TestFrameSizes(t *testing.T) {
	const header, link = 48, unsafe.Sizeof(uintptr(0))
	if link != 8 {
		return // headers are smaller
	}
	require.EqualValues(t, header+72+link, framesize.Of(t, "frames.go", "Idle"))
	require.EqualValues(t, header+8+link, framesize.Of(t, "frames.go", "IdleBelow"), "its argument, or the result of Idle")
	require.EqualValues(t, header+72+8, framesize.Of(t, "frames.go", "Blocks"), "one block, and n")
}

// The frames of compiled workloads are not larger than those of steps written by hand.
func TestFramesAreNotLargerThanByHand(t *testing.T) {
	for _, c := range []struct{ file, plain, hand string }{
		{"skynet.go", "Skynet", "skynet"},
		{"ping_pong.go", "PingPong", "rally"},
		{"ping_pong.go", "serve", "server"},
		{"ping_pong.go", "giveBack", "returner"},
		{"buffer.go", "Buffer", "buffer"},
		{"buffer.go", "Buffer.func1", "producer"},
		{"fan.go", "FanOutIn", "fan"},
		{"fan.go", "FanOutIn.func1", "fan source"},
		{"fan.go", "FanOutIn.func2", "fan out"},
		{"fan.go", "FanOutIn.func2.func1", "fan worker"},
		{"contention.go", "Contention", "contention"},
		{"contention.go", "add", "adder"},
		{"sleepers.go", "Sleepers", "sleepers"},
		{"sleepers.go", "sleep", "sleeper"},
		{"timeouts.go", "noTime", "quick"},
		{"selects.go", "Selects", "selecting"},
	} {
		require.LessOrEqual(t, framesize.Of(t, c.file, c.plain), framesize.Of(t, c.file, c.hand), "%s and %s", c.plain, c.hand)
	}
}

// discarding is a connection that takes everything.
type discarding struct{ net.Conn }

func (discarding) Write(b []byte) (int, error) { return len(b), nil }

// Functions that wait, and their callers, allocate nothing on the Go heap in the steady state, also if
// strings, slices, errors and connections are in their variables.
func TestWaitingAllocatesNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	names := []string{"Ada", "Grace", "Edsger"}
	ex := executor.NewInline()
	talk := func(n int) func() {
		call := func() {
			ok, err := task.Run(context.Background(), ex, task.Call3(plain.Talk, net.Conn(discarding{}), names, n))
			require.NoError(t, err)
			require.True(t, ok)
		}
		call()
		return call
	}
	require.Equal(t, testing.AllocsPerRun(5, talk(10)), testing.AllocsPerRun(5, talk(1000)), "but for those of the launch")
	require.NoError(t, ex.Close())
}

// So do the workloads, in each of their operations.
func TestWorkloadsAllocateNothing(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector makes pools forget")
	}
	const n = 1000
	ex := executor.NewInline()
	for _, w := range others {
		run := func(n int) func() {
			return func() {
				_, err := w.plain(ex, n)
				require.NoError(t, err)
			}
		}
		run(2 * n)()
		each := (testing.AllocsPerRun(5, run(2*n)) - testing.AllocsPerRun(5, run(n))) / n
		require.Less(t, each, 0.01, w.name)
	}
	require.NoError(t, ex.Close())
}
