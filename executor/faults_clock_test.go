package executor_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/testclock"
)

// jumpingClock is a clock that knows which times it has shown.
type jumpingClock struct {
	testclock.Clock

	mu    sync.Mutex      // guards times, and is held while the clock is set
	times []time.Duration // the last one is what the clock shows
}

func newJumpingClock() *jumpingClock { return &jumpingClock{times: []time.Duration{0}} }

// started returns the time, and the number that passed takes.
func (c *jumpingClock) started() (now time.Duration, since int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.times[len(c.times)-1], len(c.times) - 1
}

// passed reports whether d has passed from some time on that it was since.
func (c *jumpingClock) passed(d time.Duration, since int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	latest := time.Duration(math.MinInt64)
	for _, now := range slices.Backward(c.times[since:]) {
		latest = max(latest, now)
		if latest >= now+d {
			return true
		}
	}
	return false
}

func (c *jumpingClock) jump(t time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.times = append(c.times, t)
	c.Set(t)
}

// jumps are ways for a clock to get from one time to the next.
var jumps = []struct {
	name string
	next func(r *rand.Rand, now time.Duration) time.Duration
}{
	{"goes", func(r *rand.Rand, now time.Duration) time.Duration {
		return now + time.Duration(r.Int64N(int64(10*time.Millisecond)))
	}},
	{"jumps by an hour", func(r *rand.Rand, now time.Duration) time.Duration {
		if r.IntN(4) == 0 {
			return now + time.Hour
		}
		return now + time.Millisecond
	}},
	{"stands still", func(r *rand.Rand, now time.Duration) time.Duration {
		return now + time.Duration(r.IntN(4)/3)*20*time.Millisecond
	}},
	{"goes back", func(r *rand.Rand, now time.Duration) time.Duration {
		return max(0, now+time.Duration(r.Int64N(int64(50*time.Millisecond)))-20*time.Millisecond)
	}},
	{"goes back by an hour", func(r *rand.Rand, now time.Duration) time.Duration {
		if r.IntN(8) == 0 {
			return now - time.Hour // also to before the start
		}
		return now + 20*time.Minute*time.Duration(r.IntN(2))
	}},
}

// alarms are ways for an alarm to go off, now that its time may have come.
var alarms = []struct {
	name string
	ring func(r *rand.Rand, c *jumpingClock)
}{
	{"in time", func(_ *rand.Rand, c *jumpingClock) { c.Ring() }},
	{"late", func(r *rand.Rand, c *jumpingClock) {
		if r.IntN(5) == 0 {
			c.Ring()
		}
	}},
	{"early", func(_ *rand.Rand, c *jumpingClock) { c.RingFalsely(); c.Ring() }},
	{"twice", func(_ *rand.Rand, c *jumpingClock) { c.Ring(); c.RingFalsely(); c.RingFalsely() }},
	{"twice at a time", func(_ *rand.Rand, c *jumpingClock) {
		var both sync.WaitGroup
		both.Go(c.Ring)
		both.Go(c.RingFalsely)
		c.Ring()
		both.Wait()
	}},
}

// tick is what real clocks' timers are rounded up to.
const tick = 1 << 18 * time.Nanosecond

type clocked struct {
	how    int
	d      time.Duration
	due    time.Duration
	since  int
	chosen int
}

// Whatever clock and alarm do, no timer of a Sleep, a Timeout or an After goes off early by the
// clock, none twice, and none is lost. If the clock does not go back, those of one jump go off
// in the order of their times.
func TestJumpingClocks(t *testing.T) {
	cause := errors.New("cancelled")
	for _, kind := range faulty {
		for _, jump := range jumps {
			for _, alarm := range alarms {
				t.Run(kind.name+", clock "+jump.name+", alarm "+alarm.name, func(t *testing.T) {
					for seed := range uint64(1 + scaled(20)) {
						clock := newJumpingClock()
						r := rand.New(rand.NewPCG(seed, 1))
						ex := kind.make(executor.WithArena(newArena(t)), executor.WithClock(clock))
						_, isInline := ex.(*executor.Inline)
						var ordered atomic.Bool // one goroutine does everything, also what went has
						ordered.Store(isInline && !strings.HasPrefix(jump.name, "goes back") && alarm.name != "twice at a time")
						var went []time.Duration // of tasks that nobody cancelled, in this jump
						var ended, early atomic.Int64
						forever := coro.Define("forever", func(f *coro.Frame[none, none]) coro.Step {
							if f.At() == 0 {
								return coro.Sleep(f, 1, 1<<62)
							}
							return f.Fail(f.Err())
						})
						k := coro.Define("clocked", func(f *coro.Frame[clocked, none]) coro.Step {
							s := &f.State
							if f.At() == 0 {
								now, since := clock.started()
								s.due, s.since = now+s.d, since
								switch s.how {
								case 0:
									return coro.Sleep(f, 1, s.d)
								case 1:
									return coro.Select(f, 1, &s.chosen, coro.After(s.d))
								}
								return coro.AwaitCall(f, 1, forever.With(none{}), nil, coro.Timeout(s.d))
							}
							err := f.Err()
							if s.how == 2 && errors.Is(err, context.DeadlineExceeded) {
								err = nil
							}
							switch {
							case err == nil && !clock.passed(s.d, s.since):
								early.Add(1)
							case err == nil:
								if ordered.Load() {
									went = append(went, s.due)
								}
							case errors.Is(err, cause):
							default:
								t.Error(err)
							}
							ended.Add(1)
							return f.Return(none{})
						})
						ctx, cancel := context.WithCancelCause(context.Background())
						const each = 4
						launched := int64(0)
						var background sync.WaitGroup
						for i := range 30 {
							for range each {
								call := k.With(clocked{how: r.IntN(3), d: time.Duration(1+r.Int64N(60)) * time.Millisecond})
								opts := []coro.LaunchOption{}
								if r.IntN(3) == 0 {
									opts = append(opts, coro.Context(ctx))
								}
								require.NoError(t, coro.RunAsync(ex, opts...)(call))
								launched++
							}
							if i == 20 {
								ordered.Store(false)
								background.Go(func() { cancel(cause) })
							}
							clock.jump(jump.next(r, clock.Now()))
							if !ordered.Load() {
								alarm.ring(r, clock)
							} else {
								went = went[:0]
								alarm.ring(r, clock)
								latest := time.Duration(0)
								for _, due := range went {
									require.Greater(t, due, latest-tick, "%v", went)
									latest = max(latest, due)
								}
							}
						}
						background.Wait()
						cancel(cause)
						// The clock moves beyond the latest time so far.
						drained := make(chan error)
						go func() { drained <- ex.Drain(context.Background()) }()
						for waiting := true; waiting; {
							clock.jump(clock.Now() + 24*time.Hour)
							clock.Ring()
							select {
							case err := <-drained:
								require.NoError(t, err)
								waiting = false
							default:
								time.Sleep(10 * time.Microsecond)
							}
						}
						require.Equal(t, launched, ended.Load(), "each once")
						require.Zero(t, early.Load(), "early by the clock, seed %d", seed)
						require.NoError(t, ex.Close())
						require.Zero(t, ex.Environment().Live())
						require.Zero(t, ex.Arena().Stats().Total.Live)
					}
				})
			}
		}
	}
}

// brokenChild is set, to what breaks, in the child processes of TestBrokenClocks.
const brokenChild = "FRAMEARENA_TEST_BROKEN_CLOCK"

// brokenClock dies in the method of that name, when that is called for the n-th time.
type brokenClock struct {
	testclock.Clock
	method string
	left   int
	die    func()
}

func (c *brokenClock) breaks(method string) {
	if method == c.method {
		if c.left--; c.left == 0 {
			c.die()
		}
	}
}

func (c *brokenClock) Now() time.Duration {
	c.breaks("Now of a Clock")
	return c.Clock.Now()
}

func (c *brokenClock) NewAlarm(f func()) coro.Alarm {
	c.breaks("NewAlarm of a Clock")
	return &brokenAlarm{c.Clock.NewAlarm(f), c}
}

type brokenAlarm struct {
	coro.Alarm
	clock *brokenClock
}

func (a *brokenAlarm) Reset(d time.Duration) bool {
	a.clock.breaks("Reset of an Alarm")
	return a.Alarm.Reset(d)
}

func (a *brokenAlarm) Stop() bool {
	a.clock.breaks("Stop of an Alarm")
	return a.Alarm.Stop()
}

// A clock that panics in the middle of a Sleep is not taken for a step that does: the timer may
// be in a frame, and the locks are not free. The process ends, and says why.
func TestBrokenClocks(t *testing.T) {
	broken := []struct {
		name, method, says string
		n                  int
		die                func()
	}{
		{"Now", "Now of a Clock", "panicked with the task failed", 2, func() { panic(errTask) }},
		{"NewAlarm", "NewAlarm of a Clock", "panicked with the task failed", 1, func() { panic(errTask) }},
		{"Reset", "Reset of an Alarm", "called runtime.Goexit", 1, runtime.Goexit},
		{"Stop", "Stop of an Alarm", "panicked with the task failed", 1, func() { panic(errTask) }},
	}
	for _, b := range broken {
		if os.Getenv(brokenChild) == b.name {
			c := &brokenClock{method: b.method, left: b.n, die: b.die}
			ex := executor.NewInline(executor.WithClock(c))
			k := napping(func(time.Duration) {})
			alone(func() { _ = coro.Go(ex, k, time.Hour) })
			alone(func() { c.Advance(2 * time.Hour) })
			_ = ex.Close()
			return
		}
	}
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestBrokenClocks$")
			cmd.Env = append(os.Environ(), brokenChild+"="+b.name)
			output, err := cmd.CombinedOutput()
			require.Error(t, err, "%s", output)
			require.Contains(t, string(output), "panic: coro: "+b.method+" "+b.says+": it is called with locks held, so it must return")
		})
	}
}
