package main

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/task"
)

func TestTheory(t *testing.T) {
	tests := []struct {
		tellers     int
		load        float64
		waits, wait float64 // wait is in units of the mean time of service
	}{
		{1, 0.5, 0.5, 1},             // load, and load/(1-load)
		{1, 0.9, 0.9, 9},             //
		{2, 0.5, 1.0 / 3, 1.0 / 3},   // computed by hand
		{3, 0.8, 0.647191, 1.078652}, // from tables
		{10, 0.9, 0.668731, 0.668731},
	}
	for _, test := range tests {
		const service = 2 * time.Minute
		th := theoryOf(test.tellers, test.load, service)
		require.InDelta(t, test.waits, th.waits, 1e-5)
		require.InDelta(t, test.wait*service.Seconds(), th.wait, 1e-3)
		require.Equal(t, th.waits, th.longer(0))
		require.Less(t, th.longer(time.Hour), th.longer(time.Minute))
	}
}

// simulate runs a scenario to its end.
func simulate(t *testing.T, s scenario) result {
	b, err := s.open()
	require.NoError(t, err)
	require.Equal(t, s.customers, b.loop.Environment().Live())
	r, err := b.run()
	require.NoError(t, err)
	require.NoError(t, b.loop.Close()) // an arena.ErrLeak if a frame were live
	require.Equal(t, s.customers, r.customers)
	return r
}

// A seed decides everything, so this test always passes or never does.
func TestAgainstTheory(t *testing.T) {
	customers, tolerance := 300_000, 0.1
	if testing.Short() {
		customers, tolerance = 8000, 0.25
	}
	tests := []struct {
		tellers int
		load    float64
	}{{1, 0.5}, {2, 0.7}, {3, 0.8}, {10, 0.8}}
	for _, test := range tests {
		s := scenario{customers: customers, tellers: test.tellers, load: test.load, service: 3 * time.Minute, seed: 1}
		r, th := simulate(t, s), theoryOf(s.tellers, s.load, s.service)
		require.InEpsilon(t, s.load, r.service/(r.end.Seconds()*float64(s.tellers)), tolerance)
		require.InEpsilon(t, th.waits, float64(r.waited)/float64(customers), tolerance)
		require.InEpsilon(t, th.wait, r.wait/float64(customers), tolerance, "%+v", test)
		for minutes := 1; minutes < 4; minutes++ {
			require.InDelta(t, th.longer(time.Duration(minutes)*time.Minute), r.longer(minutes), tolerance/2)
		}
	}
}

func TestASeedDecidesAll(t *testing.T) {
	s := scenario{customers: 3000, tellers: 4, load: 0.9, service: time.Minute, seed: 5}
	first, again := simulate(t, s), simulate(t, s)
	require.Equal(t, first, again)
	s.seed = 6
	require.NotEqual(t, first.digest, simulate(t, s).digest)
}

// Customers in plain Go get the same result, to the nanosecond.
func TestPlainGo(t *testing.T) {
	s := scenario{customers: 3000, tellers: 4, load: 0.9, service: time.Minute, seed: 5}
	steps := simulate(t, s)
	s.plain = true
	require.Equal(t, steps, simulate(t, s))
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
}

// frames returns the memory of the frames of a bank before the first customer comes.
func frames(t *testing.T, s scenario) (bytes uint64) {
	b, err := s.open()
	require.NoError(t, err)
	for _, class := range b.loop.Arena().Stats().Classes {
		bytes += class.Live * uint64(class.Size)
	}
	require.NoError(t, b.loop.Close())
	return bytes
}

func TestPlainGoHasTheSameFrames(t *testing.T) {
	s := scenario{customers: 1000, tellers: 4, load: 0.9, service: time.Minute, seed: 5}
	steps := frames(t, s)
	if !framecheck.Enabled { // which adds guards to frames
		require.EqualValues(t, 128*1000, steps)
	}
	s.plain = true
	require.Equal(t, steps, frames(t, s))
}

// Timers and queues are in the frames, so customers need no memory of the Go heap. The limit
// is not 0 because a sync.Pool drops some of its values under the race detector.
func TestNothingIsAllocatedByCustomers(t *testing.T) {
	for _, plain := range []bool{false, true} {
		testNothingIsAllocated(t, scenario{customers: 5000, tellers: 3, load: 0.8, service: time.Minute, seed: 1, plain: plain})
	}
}

func testNothingIsAllocated(t *testing.T, s scenario) {
	b, err := s.open()
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = b.run()
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	require.NoError(t, b.loop.Close())
	require.Less(t, after.Mallocs-before.Mallocs, uint64(s.customers))
}

func TestCloseWhileCustomersAreThere(t *testing.T) {
	for _, plain := range []bool{false, true} {
		testClose(t, scenario{customers: 3000, tellers: 2, load: 0.95, service: time.Minute, seed: 1, plain: plain})
	}
}

func testClose(t *testing.T, s scenario) {
	b, err := s.open()
	require.NoError(t, err)
	for b.loop.RunFor(time.Hour); b.result.customers < s.customers/2; b.loop.RunFor(time.Hour) {
	}
	require.NotZero(t, b.loop.Environment().Live())
	require.NoError(t, b.loop.Close()) // an arena.ErrLeak if a frame were live
	_, err = b.run()
	require.ErrorIs(t, err, executor.ErrClosed)
}

func TestMoreCustomersThanMemory(t *testing.T) {
	a, err := arena.New(arena.WithMaxBytes(2 << 20)) // one slab
	require.NoError(t, err)
	s := scenario{customers: 20_000, tellers: 2, load: 0.5, service: time.Minute, seed: 1}
	_, err = s.open(executor.WithArena(a))
	require.ErrorIs(t, err, arena.ErrExhausted)
	require.NoError(t, a.Close())
}

func TestTheCommand(t *testing.T) {
	s := scenario{customers: 2000, tellers: 3, load: 0.8, service: 3 * time.Minute, seed: 1, plain: true}
	var out bytes.Buffer
	require.NoError(t, run(s, &out))
	s.plain = false
	out.Reset()
	require.NoError(t, run(s, &out))
	require.Regexp(t, `^2000 customers were made in `, out.String())
	require.Regexp(t, `(?m)^customers have to wait +\d+\.\d\d% +64\.72%$`, out.String())
	require.Regexp(t, `\ndigest [0-9a-f]{16}, the same`, out.String())

	for _, wrong := range []func(*scenario){
		func(s *scenario) { s.customers = 0 },
		func(s *scenario) { s.tellers = 0 },
		func(s *scenario) { s.load = 1 },
		func(s *scenario) { s.service = 0 },
		func(s *scenario) { s.service = 1_000_000 * time.Hour },
	} {
		s := s
		wrong(&s)
		require.Error(t, run(s, &out))
	}
}

// The frames of the plain form are not larger than those of steps written by hand.
func TestFrameSizes(t *testing.T) {
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "call"), framesize.Of(t, "bank.go", "visit"))
}
