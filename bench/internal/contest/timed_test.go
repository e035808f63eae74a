package contest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
)

// clock is a Runner whose operation takes a known time.
type clock struct {
	each time.Duration
	did  []int
	fail error
	shut int
}

func (c *clock) open() (contest.Runner, error) {
	return contest.Runner{
		Do: func(n int) error {
			c.did = append(c.did, n)
			time.Sleep(c.each * time.Duration(n))
			return c.fail
		},
		Close: func() error { c.shut++; return nil },
	}, nil
}

func TestTimed(t *testing.T) {
	c := &clock{each: 100 * time.Microsecond}
	m, err := contest.Timed(4, c.open)(contest.Plan{For: 5 * time.Millisecond})
	require.NoError(t, err)
	require.IsIncreasing(t, c.did)
	require.Equal(t, 1, c.did[0])
	require.Equal(t, 1, c.shut)
	require.GreaterOrEqual(t, m["ns"], 25_000.) // a sleep does not end too early
}

func TestTimedOnce(t *testing.T) {
	c := &clock{}
	_, err := contest.Timed(1, c.open)(contest.Plan{Size: 1000})
	require.NoError(t, err)
	require.Equal(t, []int{10, 1000}, c.did)
}

func TestTimedFails(t *testing.T) {
	c := &clock{fail: errors.New("wrong")}
	for _, plan := range []contest.Plan{{}, {Size: 10}} {
		c.shut = 0
		m, err := contest.Timed(1, c.open)(plan)
		require.EqualError(t, err, "wrong")
		require.Nil(t, m)
		require.Equal(t, 1, c.shut)
	}
	_, err := contest.Timed(1, func() (contest.Runner, error) { return contest.Runner{}, contest.Missing("a %s", "thing") })(contest.Plan{})
	require.ErrorIs(t, err, contest.ErrMissing)
	require.EqualError(t, err, "missing: a thing")
	_, err = contest.Timed(1, func() (contest.Runner, error) {
		return contest.Runner{Do: func(int) error { return nil }, Close: func() error { return errors.New("left") }}, nil
	})(contest.Plan{})
	require.EqualError(t, err, "close: left")
}

func TestCheck(t *testing.T) {
	require.NoError(t, contest.Check("the sum", 3, 3))
	require.EqualError(t, contest.Check("the sum", 2, 3), "check failed: the sum is 2, want 3")
}
