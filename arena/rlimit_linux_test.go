//go:build !race && !framearena_heap

package arena_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// limitedChild is set in the child process of TestSystemHasNoMoreMemory.
const limitedChild = "FRAMEARENA_TEST_LIMITED"

// The system really refuses: in a child process that may have only so much
// address space.
func TestSystemHasNoMoreMemory(t *testing.T) {
	if os.Getenv(limitedChild) != "" {
		withoutMemory(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSystemHasNoMoreMemory$", "-test.v")
	cmd.Env = append(os.Environ(), limitedChild+"=1", "GOMEMLIMIT=off", "GODEBUG=")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: TestSystemHasNoMoreMemory", "%s", output)
}

// refusedChild is set in the child process of TestManyRefusals.
const refusedChild = "FRAMEARENA_TEST_REFUSED"

// When the system refuses memory, the Go heap cannot grow either, and the Go runtime ends
// the process when it has to. A program that asks again and again must not get there.
func TestManyRefusals(t *testing.T) {
	if os.Getenv(refusedChild) != "" {
		refusedOften(t)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestManyRefusals$", "-test.v")
	cmd.Env = append(os.Environ(), refusedChild+"=1", "GOMEMLIMIT=off", "GODEBUG=")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	require.Contains(t, string(output), "--- PASS: TestManyRefusals", "%s", output)
}

func refusedOften(t *testing.T) {
	startThreads(16)
	runtime.GC()
	debug.SetGCPercent(-1) // what a refusal allocates stays
	warmUp(t)
	const margin = 24 << 20
	a := open(t)
	c := a.NewCache()
	defer c.Close()
	frames := make([]unsafe.Pointer, 0, 64<<20/128+margin/128)
	limit := addressSpace(t) + margin
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}))
	for p := c.Allocate(128); p != nil; p = c.Allocate(128) {
		frames = append(frames, p)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 300_000 {
		if c.Allocate(128) != nil {
			t.Fatal("a frame was handed out: the system does not refuse")
		}
	}
	for range 20_000 {
		if a.Allocate(128) != nil || a.Allocate(60_000) != nil || a.Allocate(1<<30) != nil {
			t.Fatal("a frame was handed out: the system does not refuse")
		}
	}
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(256<<10), "bytes of the Go heap that refusals took")
	require.EqualValues(t, 1+300_000+3*20_000, a.Stats().Refusals)
	freeAll(c, frames, 128)
	requireAccounts(t, a, [bins.Classes]int{})
}

func withoutMemory(t *testing.T) {
	// The Go runtime does not survive a refusal. What it will need it gets before
	// there is a limit: threads, and a heap that has room and is not collected,
	// since the collector would want memory for itself.
	startThreads(16)
	runtime.GC()
	debug.SetGCPercent(-1)
	warmUp(t)
	const (
		margin = 150 << 20
		size   = 16_000
		most   = margin / (16 << 10)
	)
	first, second := make([]unsafe.Pointer, 0, most), make([]unsafe.Pointer, 0, most)

	a := open(t)
	c := a.NewCache()
	defer c.Close()
	kept := frame{c.Allocate(1000), 1000, 1}
	large := frame{a.Allocate(1 << 20), 1 << 20, 2}
	kept.fill()
	large.fill()

	limit := addressSpace(t) + margin
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit}))

	require.Nil(t, a.Allocate(margin+1), "a large frame that nobody has room for")
	require.EqualValues(t, 1, a.Stats().Refusals)
	for p := c.Allocate(size); p != nil; p = c.Allocate(size) {
		*(*byte)(p) = 1
		first = append(first, p)
	}
	require.Greater(t, len(first), most/2)
	require.Less(t, len(first), most*2)
	require.EqualValues(t, 2, a.Stats().Refusals)
	mapped := a.Stats().MappedBytes
	require.Nil(t, c.Allocate(60_000), "a slab for another class")
	require.Nil(t, a.Allocate(4*slab.Size), "a mapping")
	require.EqualValues(t, 4, a.Stats().Refusals)
	require.Equal(t, mapped, a.Stats().MappedBytes)

	// Frames that were allocated before still work.
	require.NoError(t, kept.check())
	require.NoError(t, large.check())
	p := c.Allocate(600)
	require.NotNil(t, p, "a class that has frames")
	c.Deallocate(p, 600)

	// Freed frames can be allocated again, by another cache as well.
	half := len(first) / 2
	for _, p := range first[half:] {
		c.Deallocate(p, size)
	}
	c.Publish()
	other := a.NewCache()
	defer other.Close()
	for p := other.Allocate(size); p != nil; p = other.Allocate(size) {
		second = append(second, p)
	}
	require.Equal(t, len(first)-half, len(second))
	require.EqualValues(t, 5, a.Stats().Refusals)
	a.Deallocate(large.p, large.size)
	q := a.Allocate(1 << 20)
	require.NotNil(t, q, "the pages of the large frame have gone back")
	a.Deallocate(q, 1<<20)

	for _, p := range first[:half] {
		a.Deallocate(p, size)
	}
	for _, p := range second {
		c.Deallocate(p, size)
	}
	require.NoError(t, kept.check())
	c.Deallocate(kept.p, kept.size)
	requireAccounts(t, a, [bins.Classes]int{})
}

// startThreads makes the runtime have n idle threads.
func startThreads(n int) {
	var all, running sync.WaitGroup
	running.Add(n)
	for range n {
		all.Go(func() {
			runtime.LockOSThread() // so that each needs a thread of its own
			defer runtime.UnlockOSThread()
			running.Done()
			running.Wait()
		})
	}
	all.Wait()
}

// warmUp does what the test does, so that what happens once only has happened.
func warmUp(t *testing.T) {
	a := open(t)
	c := a.NewCache()
	for _, size := range []uintptr{16_000, 1 << 20} {
		p := c.Allocate(size)
		c.Deallocate(p, size)
	}
	c.Close()
	require.NotZero(t, addressSpace(t))
	// Room for what the arena and testify allocate.
	room := make([][]byte, 0, 256)
	for range cap(room) {
		room = append(room, make([]byte, 32<<10))
	}
	runtime.KeepAlive(room)
	room = nil
	runtime.GC()
}

// addressSpace returns the size of the process's address space in bytes.
func addressSpace(t *testing.T) uint64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmSize:")
	require.True(t, found)
	var kilobytes uint64
	_, err = fmt.Sscan(after, &kilobytes)
	require.NoError(t, err)
	return kilobytes << 10
}
