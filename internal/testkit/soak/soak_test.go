package soak

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/testkit/resident"
)

// plantVariable is the variable that gives a child of the test binary its fault.
const plantVariable = "FRAMEARENA_TEST_PLANT"

func TestMain(m *testing.M) {
	if IsChild() {
		Shrink()
		Plant(Fault(os.Getenv(plantVariable)))
		os.Exit(Child())
	}
	os.Exit(m.Run())
}

func TestCleanSoak(t *testing.T) {
	t.Parallel()
	seen := 0
	sum, err := Run(t.Context(), Options{Seed: 1, Duration: 2 * time.Second, Progress: func(Summary) { seen++ }})
	require.NoError(t, err)
	require.Empty(t, sum.Violations)
	require.False(t, sum.Interrupted)
	require.Positive(t, sum.Rounds)
	require.Equal(t, sum.Rounds, sum.Round)
	require.GreaterOrEqual(t, seen, sum.Rounds)
	require.Len(t, sum.Loads, loadCount)
	for i, l := range sum.Loads {
		require.Equal(t, loadNames[i], l.Name)
		require.Positive(t, l.Runs, l.Name)
	}
}

// Each fault is found, and found again by the command in its violation.
func TestPlantedFaultsAreFound(t *testing.T) {
	const seed = 7
	round := "framearena soak -seed 7 -round 2" + builtWith()
	for _, c := range []struct {
		fault     Fault
		what      string // of the violation
		details   string
		stall     time.Duration
		reproduce string
	}{
		{BrokenAllocator, "allocators: planted: fuzz: WrongAccount", "", time.Minute, round},
		{WrongTree, "right is", "", time.Minute, round},
		{LostWake, "tasks that were woken have gone on", "", 10 * time.Second, round},
		{LostFrame, "of 128 bytes there are", "", 10 * time.Second, round},
		{Growth, "resident memory grows", "", time.Minute, "framearena soak -seed 7 -rounds 50" + builtWith()},
		{Stall, "nothing is done any more", "runFaults", 3 * time.Second, round},
		{Crash, "the process has died", "goroutine", time.Minute, round},
		{Silence, "the process said nothing any more", "", 2 * time.Second, round},
	} {
		t.Run(string(c.fault), func(t *testing.T) {
			t.Parallel()
			o := Options{Seed: seed, Duration: 3 * time.Second, Rounds: 3, Stall: c.stall, env: []string{plantVariable + "=" + string(c.fault)}}
			if c.fault == Growth {
				if resident.Bytes() == 0 {
					t.Skip("the system does not report the memory of a process")
				}
				o.Duration, o.Rounds = 0, 50 // the race detector's memory grows too, at first
			}
			violation := func(o Options) Violation {
				sum, err := Run(t.Context(), o)
				require.NoError(t, err)
				require.Len(t, sum.Violations, 1)
				v := sum.Violations[0]
				require.Contains(t, v.What, c.what)
				require.Contains(t, v.Details, c.details)
				return v
			}
			v := violation(o)
			require.True(t, strings.HasPrefix(v.Reproduce, c.reproduce), v.Reproduce)
			violation(repeated(t, o, v.Reproduce))
		})
	}
}

// repeated returns o with the options of a command line.
func repeated(t *testing.T, o Options, line string) Options {
	line, _, _ = strings.Cut(line, " (")
	fields := strings.Fields(line)
	require.Equal(t, []string{"framearena", "soak"}, fields[:2])
	o.Duration, o.Rounds = 0, 0
	for i := 2; i < len(fields); i += 2 {
		var err error
		switch fields[i] {
		case "-seed":
			_, err = fmt.Sscan(fields[i+1], &o.Seed)
		case "-round":
			_, err = fmt.Sscan(fields[i+1], &o.Round)
		case "-rounds":
			_, err = fmt.Sscan(fields[i+1], &o.Rounds)
		default:
			require.Fail(t, line)
		}
		require.NoError(t, err)
	}
	return o
}

// An interrupted soak has not failed.
func TestInterruptedSoak(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	sum, err := Run(ctx, Options{Seed: 1, Duration: time.Hour, Progress: func(s Summary) {
		if s.Round == 2 {
			cancel()
		}
	}})
	require.NoError(t, err)
	require.Empty(t, sum.Violations)
	require.True(t, sum.Interrupted)
}

// One round can be run alone.
func TestOneRound(t *testing.T) {
	sum, err := Run(t.Context(), Options{Seed: 3, Round: 5})
	require.NoError(t, err)
	require.Empty(t, sum.Violations)
	require.Equal(t, 1, sum.Rounds)
	require.Equal(t, 5, sum.Round)
}

func TestGrowth(t *testing.T) {
	series := func(n int, at func(i int) uint64) *memorySeries {
		var r memorySeries
		for i := range n {
			r.samples = append(r.samples, at(i))
		}
		return &r
	}
	const mib = 1 << 20
	for _, c := range []struct {
		name   string
		grows  bool
		judged bool
		r      *memorySeries
	}{
		{"no rounds", false, false, series(0, nil)},
		{"too few rounds", false, false, series(minWarmUp+minJudged-1, func(i int) uint64 { return uint64(1+i) << 30 })},
		{"flat", false, true, series(100, func(i int) uint64 { return 300*mib + uint64(i%7)*10*mib })},
		{"warms up", false, true, series(100, func(i int) uint64 { return 300*mib + uint64(min(i, 20))*50*mib })},
		{"grows", true, true, series(100, func(i int) uint64 { return 300*mib + uint64(i)*10*mib })},
		{"the system does not say", false, false, series(100, func(int) uint64 { return 0 })},
	} {
		require.Equal(t, c.judged, c.r.figures().Judged, c.name)
		require.Equal(t, c.grows, c.r.growth() != nil, c.name)
	}
}
