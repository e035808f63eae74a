package main

import (
	"errors"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/stretchr/testify/require"
)

func TestCrowds(t *testing.T) {
	for _, s := range crowdSorts {
		t.Run(s.name, func(t *testing.T) {
			c, err := s.open()
			require.NoError(t, err)
			var stages []string
			row, err := measureCrowd(c, s, 5000, func(stage string) { stages = append(stages, stage) })
			require.NoError(t, err)
			require.Equal(t, s.name, row.Name)
			require.Equal(t, []string{"creating", "collecting garbage", "finishing"}, stages)
		})
	}
}

func TestSuspendedTaskHasTheSmallestFrame(t *testing.T) {
	require.EqualValues(t, 72, unsafe.Sizeof(workloads.Activity{}))
	require.LessOrEqual(t, suspendedTask.FrameSize(), uintptr(128))
	require.Equal(t, suspendedTask.FrameSize(), framesize.Of(t, "suspended_plain.go", "suspended"))
}

func TestTasksAreSuspendedUntilTheyFinish(t *testing.T) {
	c, err := newTaskCrowd()
	require.NoError(t, err)
	finished.Store(0)
	require.NoError(t, c.create(100))
	require.Zero(t, finished.Load())
	require.ErrorIs(t, c.(*taskCrowd).arena.Close(), arena.ErrLeak)
	c.finish()
	require.Equal(t, workloads.SumOfIDs(100), finished.Load())
	require.NoError(t, c.close())
}

func TestDamagedActivityDoesNotCount(t *testing.T) {
	finished.Store(0)
	a := workloads.Activity{ID: 7}
	a.Fill()
	finish(&a)
	require.EqualValues(t, 7, finished.Load())
	a.Words[3]++
	finish(&a)
	require.EqualValues(t, 7, finished.Load())
}

// brokenCrowd loses an activity or leaves something behind.
type brokenCrowd struct {
	crowd
	lost   uint64
	closes error
}

func (c brokenCrowd) finish() {
	c.crowd.finish()
	finished.Add(-c.lost)
}

func (c brokenCrowd) close() error { return errors.Join(c.crowd.close(), c.closes) }

func TestFailedChecksOfCrowds(t *testing.T) {
	for _, c := range []struct {
		broken brokenCrowd
		says   string
	}{
		{brokenCrowd{lost: 9}, "check failed: the ids of what finished add up to 46, want 55"},
		{brokenCrowd{closes: arena.ErrLeak}, "check failed: arena: frames are live"},
	} {
		tasks, err := newTaskCrowd()
		require.NoError(t, err)
		c.broken.crowd = tasks
		_, err = measureCrowd(c.broken, crowdSorts[0], 10, func(string) {})
		require.EqualError(t, err, c.says)
	}
}

func TestResidentMemory(t *testing.T) {
	bytes, source := residentMemory(0)
	require.NotZero(t, bytes)
	require.NotEmpty(t, source)
	bytes, source = accountedMemory(0)
	require.NotZero(t, bytes)
	require.NotEmpty(t, source)
}
