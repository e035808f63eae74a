package coro

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/offheap"
	"github.com/framearena/framearena/internal/timerwheel"
)

const tickLen = 1 << timerwheel.TickShift

// newTimerNodes returns nodes that do not move.
//
//go:noinline
func newTimerNodes(n int) []timerwheel.Node { return make([]timerwheel.Node, n) }

func saturated(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// fakeClock is a clock with one alarm, whose time is set by the test.
type fakeClock struct {
	time atomic.Int64

	mu     sync.Mutex // guards what follows
	f      func()
	set    bool
	at     int64
	resets int
}

func (c *fakeClock) Now() time.Duration { return time.Duration(c.time.Load()) }

func (c *fakeClock) now() int64 { return c.time.Load() }

func (c *fakeClock) NewAlarm(f func()) Alarm {
	c.f = f
	return c
}

func (c *fakeClock) Reset(d time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.set
	c.set, c.at = true, saturated(c.now(), int64(d))
	c.resets++
	return was
}

func (c *fakeClock) Stop() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	was := c.set
	c.set = false
	return was
}

// takeAlarm returns whether the alarm has to go off, which it then has.
func (c *fakeClock) takeAlarm() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.set || c.at > c.now() {
		return false
	}
	c.set = false
	return true
}

// advance moves the time, and calls f, on this goroutine, as long as it has to.
func (c *fakeClock) advance(to int64) {
	c.time.Store(to)
	for c.takeAlarm() {
		c.f()
	}
}

var errTimersClosed = errors.New("closed")

// newFakeTimers returns timers that add the what of nodes that are due to fired.
func newFakeTimers(fired *[]int) (*timers, *fakeClock) {
	c := new(fakeClock)
	return newTimers(c, func(due []offheap.Link[timerwheel.Node]) {
		for i := range due {
			*fired = append(*fired, int(due[i].Get().What))
		}
	}), c
}

func TestTimersFireInOrder(t *testing.T) {
	var fired []int
	timers, c := newFakeTimers(&fired)
	nodes := newTimerNodes(5)
	for i, ticks := range []int64{7, 3, 3, 9000, 1} {
		nodes[i].What = uintptr(i)
		require.True(t, timers.add(&nodes[i], timers.after(time.Duration(ticks*tickLen))))
	}
	require.Equal(t, 5, timers.len())
	c.advance(tickLen - 1)
	require.Empty(t, fired)
	c.advance(3 * tickLen)
	require.Equal(t, []int{4, 1, 2}, fired)
	require.False(t, timers.remove(&nodes[1]), "it has fired")
	require.True(t, timers.remove(&nodes[0]))
	require.False(t, timers.remove(&nodes[0]), "it was removed")
	c.advance(9000*tickLen - 1)
	require.Equal(t, []int{4, 1, 2}, fired)
	c.advance(9000 * tickLen)
	require.Equal(t, []int{4, 1, 2, 3}, fired)
	require.Zero(t, timers.len())
	require.False(t, c.set, "nothing is armed when the wheel is empty")
}

func TestTimersSetTheAlarmSeldom(t *testing.T) {
	var fired []int
	timers, c := newFakeTimers(&fired)
	nodes := newTimerNodes(10_000)
	for i := range nodes {
		timers.add(&nodes[i], int64(i+1)*1e6)
	}
	require.Equal(t, 1, c.resets, "later ones do not set it")
	for i := range nodes {
		require.True(t, timers.remove(&nodes[i]))
	}
	require.Equal(t, 1, c.resets)
	c.advance(1e15)
	require.Empty(t, fired)
	require.Equal(t, 1, c.resets, "the alarm goes off for nothing, and that is all")
	require.False(t, c.set)

	timers.add(&nodes[0], 2e15)
	timers.add(&nodes[1], 2e15-1) // the same tick
	timers.add(&nodes[2], 3e15)
	require.Equal(t, 2, c.resets)
	timers.add(&nodes[3], 2e15-2*tickLen)
	require.Equal(t, 3, c.resets, "an earlier one does")
	c.advance(4e15)
	require.Len(t, fired, 4)
}

func TestTimersThatNeverFire(t *testing.T) {
	var fired []int
	timers, c := newFakeTimers(&fired)
	c.advance(5e9)
	nodes := newTimerNodes(2)
	require.Equal(t, int64(math.MaxInt64), timers.after(math.MaxInt64))
	timers.add(&nodes[0], timers.after(math.MaxInt64))
	require.False(t, c.set, "no alarm for what never happens")
	timers.add(&nodes[1], timers.after(-1))
	c.advance(5e9 + tickLen) // what is over already is late by less than a tick, too
	require.Len(t, fired, 1)
	require.False(t, c.set)
	require.True(t, timers.remove(&nodes[0]))
}

// An alarm that goes off too early, as it seems when the clock has gone back, is set
// again.
func TestTimersWithAClockThatGoesBack(t *testing.T) {
	var fired []int
	timers, c := newFakeTimers(&fired)
	nodes := newTimerNodes(2)
	timers.add(&nodes[0], 1e9)
	c.advance(5e8)
	c.advance(2e8)
	require.True(t, timers.remove(&nodes[0]))
	timers.add(&nodes[0], 1e9)
	c.Stop()
	c.f()
	require.True(t, c.set)
	c.advance(3e9)
	require.Len(t, fired, 1)
	c.time.Store(1e9)
	timers.add(&nodes[1], 2e9)
	for range 5 {
		c.advance(2e9)
	}
	require.Len(t, fired, 1, "time has not caught up")
	require.Less(t, c.resets, 10)
	c.advance(3e9)
	require.Len(t, fired, 2)
}

// What is due besides does not wait for a fire that does not return.
func TestTimersGoOnWhenFireIsStuck(t *testing.T) {
	c := new(fakeClock)
	var fired atomic.Int64
	stuck, entered := make(chan struct{}), make(chan struct{})
	timers := newTimers(c, func(due []offheap.Link[timerwheel.Node]) {
		if fired.Add(int64(len(due))) == timerBatchLen {
			close(entered)
			<-stuck
		}
	})
	nodes := newTimerNodes(5 * timerBatchLen)
	for i := range nodes {
		timers.add(&nodes[i], tickLen)
	}
	c.time.Store(tickLen)
	require.True(t, c.takeAlarm())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.f()
	}()
	<-entered
	require.EqualValues(t, timerBatchLen, fired.Load())
	c.advance(tickLen + fireTime)
	require.EqualValues(t, len(nodes), fired.Load())
	close(stuck)
	<-ended
	require.Zero(t, timers.len())
	require.False(t, c.set)
}

func TestTimersClose(t *testing.T) {
	c := new(fakeClock)
	entered, leave := make(chan struct{}), make(chan struct{})
	var returned atomic.Bool
	timers := newTimers(c, func(due []offheap.Link[timerwheel.Node]) {
		close(entered)
		<-leave
		returned.Store(true)
	})
	nodes := newTimerNodes(4)
	timers.add(&nodes[0], tickLen)
	timers.add(&nodes[1], 5*tickLen)
	timers.add(&nodes[2], 6*tickLen)
	go c.advance(tickLen)
	<-entered
	closed := make(chan bool)
	go func() {
		timers.close(errTimersClosed)
		closed <- returned.Load()
	}()
	for timers.add(&nodes[3], 9*tickLen) { // until close has begun
		require.True(t, timers.remove(&nodes[3]))
		runtime.Gosched()
	}
	close(leave)
	require.True(t, <-closed, "close waits for fire")
	timers.close(errTimersClosed)
	require.False(t, timers.add(&nodes[3], 9*tickLen))
	require.False(t, c.set)
	c.time.Store(10 * tickLen)
	c.f() // an alarm that went off as it was stopped
	require.Equal(t, 2, timers.len(), "nothing fires")
	require.False(t, c.set)
	require.True(t, timers.remove(&nodes[1]))
	timers.withdraw(func(n *timerwheel.Node) bool { return n == &nodes[2] })
	require.Zero(t, timers.len())
}

// Each time that a node is added, exactly one gets it: remove, or fire.
func TestTimersUnderStress(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		stressTimers(t)
	}
}

func stressTimers(t *testing.T) {
	const adders, perAdder = 6, 40
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	c := new(fakeClock)
	nodes := newTimerNodes(adders * perAdder)
	var done [adders * perAdder]atomic.Bool // fire has had the node, and given it back
	var fires, removes, adds, early atomic.Int64
	timers := newTimers(c, func(due []offheap.Link[timerwheel.Node]) {
		for i := range due {
			n := due[i].Get()
			if c.now() < n.When {
				early.Add(1)
			}
			n.When = -1 // it is ours
			fires.Add(1)
			done[n.What].Store(true)
		}
	})
	var wg sync.WaitGroup
	for g := range adders {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(g), 6))
			var added [perAdder]bool
			settle := func(i int, wait bool) {
				k := g*perAdder + i
				if timers.remove(&nodes[k]) {
					removes.Add(1)
				} else if wait || done[k].Load() {
					for !done[k].Load() {
						runtime.Gosched()
					}
					done[k].Store(false)
				} else {
					return
				}
				added[i] = false
			}
			for range rounds {
				i := random.IntN(perAdder)
				if added[i] {
					settle(i, random.IntN(2) == 0)
					continue
				}
				n := &nodes[g*perAdder+i]
				*n = timerwheel.Node{What: uintptr(g*perAdder + i)}
				if !timers.add(n, timers.after(time.Duration(random.Int64N(int64(1)<<(10+random.IntN(26)))))) {
					t.Error("refused")
				}
				adds.Add(1)
				added[i] = true
			}
			for i := range added {
				if added[i] {
					settle(i, true)
				}
			}
		})
	}
	ended := make(chan struct{})
	var rings sync.WaitGroup
	rings.Go(func() {
		random := rand.New(rand.NewPCG(1, 7))
		for {
			select {
			case <-ended:
				return
			default:
			}
			c.time.Add(random.Int64N(4 * tickLen))
			if c.takeAlarm() {
				rings.Go(c.f)
			}
			runtime.Gosched()
		}
	})
	wg.Wait()
	close(ended)
	rings.Wait()
	timers.close(errTimersClosed)
	require.Zero(t, timers.len())
	require.Zero(t, early.Load())
	require.Equal(t, adds.Load(), fires.Load()+removes.Load())
	require.NoError(t, timers.wheel.Validate())
}

func TestTimersAreNotEarly(t *testing.T) {
	c := newSystemClock()
	nodes := newTimerNodes(300)
	var early atomic.Int64
	var wg sync.WaitGroup
	wg.Add(len(nodes))
	timers := newTimers(c, func(due []offheap.Link[timerwheel.Node]) {
		for i := range due {
			if int64(c.Now()) < due[i].Get().When {
				early.Add(1)
			}
			wg.Done()
		}
	})
	for i := range nodes {
		require.True(t, timers.add(&nodes[i], timers.after(time.Duration(i%100)*200*time.Microsecond)))
	}
	wg.Wait()
	require.Zero(t, early.Load())
	timers.close(errTimersClosed)
}

func TestTimersInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		fired := make(chan time.Duration, 10)
		timers := newTimers(newSystemClock(), func(due []offheap.Link[timerwheel.Node]) {
			for range due {
				fired <- time.Since(begin)
			}
		})
		nodes := newTimerNodes(5)
		for i, d := range []time.Duration{time.Hour, time.Second, 24 * 365 * 100 * time.Hour, math.MaxInt64, 1} {
			timers.add(&nodes[i], timers.after(d))
		}
		for _, d := range []time.Duration{1, time.Second, time.Hour, 24 * 365 * 100 * time.Hour} {
			require.Equal(t, time.Duration(timers.wheel.TickTime(int64(d))), <-fired)
		}
		require.Equal(t, 1, timers.len())
		timers.close(errTimersClosed)
		require.True(t, timers.remove(&nodes[3]))
	})
}

func TestTimersAllocateNothing(t *testing.T) {
	c := new(fakeClock)
	timers := newTimers(c, func(due []offheap.Link[timerwheel.Node]) {})
	nodes := newTimerNodes(200)
	require.Zero(t, testing.AllocsPerRun(50, func() {
		for i := range nodes {
			timers.add(&nodes[i], timers.after(time.Duration(i)*time.Millisecond))
		}
		for i := range nodes[:50] {
			timers.remove(&nodes[i])
		}
		c.advance(c.now() + 1e9)
	}))
	require.Zero(t, timers.len())

	// Those of the real clock neither.
	real := newTimers(newSystemClock(), func(due []offheap.Link[timerwheel.Node]) {})
	defer real.close(errTimersClosed)
	require.Zero(t, testing.AllocsPerRun(50, func() {
		real.add(&nodes[0], math.MaxInt64/2)
		real.remove(&nodes[0])
		real.ring()
	}))
}
