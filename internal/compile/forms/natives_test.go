package forms

import (
	"context"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/task"
)

// counting is an allocator that counts frames, and refuses them from some on.
type counting struct {
	memory  arena.FrameAllocator
	frames  int
	refuses int // the frame that is the first to be refused; 0: none
}

func (c *counting) Allocate(size uintptr) unsafe.Pointer {
	c.frames++
	if c.refuses > 0 && c.frames >= c.refuses {
		return nil
	}
	return c.memory.Allocate(size)
}

func (c *counting) Deallocate(p unsafe.Pointer, size uintptr) { c.memory.Deallocate(p, size) }

// A function with deferred calls that does not wait has no frame, and allocates nothing.
func TestNativeDefersAllocateNothing(t *testing.T) {
	ex := executor.NewInline()
	defer ex.Close()
	var mu sync.Mutex
	c := &counting{memory: ex.Arena()}
	sum, err := task.Run(context.Background(), ex, task.Call2(guardedOften, &mu, 1), task.Allocator(c))
	require.NoError(t, err)
	require.Equal(t, 500*1+500*(2+3), sum)
	require.Equal(t, 1, c.frames, "that of the root")

	if race.Enabled {
		return // the race detector makes pools forget
	}
	require.Zero(t, testing.AllocsPerRun(20, func() {
		_, _ = task.Run(context.Background(), ex, task.Call2(guardedOften, &mu, 1))
	}))
}

// When there is no memory for the frame of a function that has to wait, its deferred calls run, as in a
// panic, and so do those of its caller.
func TestNativeDefersWithoutMemory(t *testing.T) {
	for refused := 2; refused <= 6; refused++ {
		ex := executor.NewInline()
		c := &counting{memory: ex.Arena(), refuses: refused}
		p := &plan{suspends: func(int) bool { return true }, act: func(int) error { return nil }}
		_, err := task.Run(context.Background(), ex, task.Call2(nativeExhausted, p, 3), task.Allocator(c))
		require.ErrorIs(t, err, arena.ErrExhausted)
		require.Equal(t, []string{"1: bottom", "end 0", "end 1", "end 2", "end 3"}, p.log, "frame %d", refused)
		require.NoError(t, ex.Close())
	}
}

// A literal that Timeout calls in place allocates nothing if it does not wait.
func TestInPlaceLiteralsAllocateNothing(t *testing.T) {
	if race.Enabled {
		return // the race detector makes pools forget
	}
	ex := executor.NewInline()
	defer ex.Close()
	sum, err := task.Run(context.Background(), ex, task.Call2(timedMany, time.Hour, 1))
	require.NoError(t, err)
	require.Equal(t, 1000+1500, sum)
	require.Zero(t, testing.AllocsPerRun(20, func() {
		_, _ = task.Run(context.Background(), ex, task.Call2(timedMany, time.Hour, 1))
	}))
}

// BenchmarkDefers is a call of a function with three deferred calls, which does not wait.
func BenchmarkDefers(b *testing.B) {
	ex := executor.NewInline()
	defer ex.Close()
	var mu sync.Mutex
	for b.Loop() {
		_, _ = task.Run(context.Background(), ex, task.Call2(guardedOften, &mu, 1))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/call")
}
