package arena_test

import (
	"bytes"
	"runtime"
	"sync"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

const notLive = "arena: Heap.Deallocate of a frame that is not live: freed twice, or another allocator's"

func TestHeapSizes(t *testing.T) {
	var h arena.Heap
	var live []frame
	for i, size := range append(boundaries()[1:], 64<<10+1, 5<<20) {
		f := frame{h.Allocate(size), size, uint64(i)}
		require.NotNil(t, f.p)
		require.Zero(t, uintptr(f.p)%16)
		require.Empty(t, bytes.Trim(f.bytes(), "\x00"), "a new frame is zero")
		f.fill()
		live = append(live, f)
		require.Equal(t, i+1, h.Live())
	}
	requireHeapApart(t, live)
	for i, f := range live {
		require.NoError(t, f.check())
		h.Deallocate(f.p, f.size)
		require.Equal(t, len(live)-i-1, h.Live())
	}
}

// requireHeapApart fails the test if frames overlap.
func requireHeapApart(t *testing.T, frames []frame) {
	t.Helper()
	for i, f := range frames {
		for _, g := range frames[:i] {
			apart := uintptr(f.p)+f.size <= uintptr(g.p) || uintptr(g.p)+g.size <= uintptr(f.p)
			require.True(t, apart, "%v overlaps %v", f, g)
		}
	}
}

func TestHeapRefusesWhatWouldEndTheProcess(t *testing.T) {
	var h arena.Heap
	for _, size := range []uintptr{1<<30 + 1, ^uintptr(0) >> 1, ^uintptr(0) - 15, ^uintptr(0)} {
		require.Nil(t, h.Allocate(size))
	}
	require.Zero(t, h.Live())
}

// Frames are referred to by address alone, and must be kept from the collector all
// the same.
func TestHeapKeepsLiveFramesAlive(t *testing.T) {
	var h arena.Heap
	type link struct {
		next  uintptr
		value uint64
	}
	const size, frames = unsafe.Sizeof(link{}), 10_000
	var head uintptr
	for i := range uint64(frames) {
		n := (*link)(h.Allocate(size))
		n.next, n.value = head, i
		head = uintptr(unsafe.Pointer(n))
	}
	for range 2 {
		runtime.GC()
		for range 1000 { // takes what is free, and writes to it
			garbage = make([]byte, size+16)
			for i := range garbage {
				garbage[i] = 0xff
			}
		}
	}
	for i := range uint64(frames) {
		n := *(**link)(unsafe.Pointer(&head))
		require.Equal(t, frames-1-i, n.value)
		head = n.next
		h.Deallocate(unsafe.Pointer(n), size)
	}
	require.Zero(t, h.Live())
}

var garbage []byte

func TestHeapLeavesFreedFramesToTheCollector(t *testing.T) {
	var h arena.Heap
	const size = 1 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 64 {
		p := h.Allocate(size)
		h.Deallocate(p, size)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(32*size))
}

func TestHeapMisusePanics(t *testing.T) {
	var h, other arena.Heap
	p, q := h.Allocate(100), h.Allocate(100)
	foreign := other.Allocate(100)
	h.Deallocate(p, 100)
	require.PanicsWithValue(t, notLive, func() { h.Deallocate(p, 100) }, "freed twice")
	require.PanicsWithValue(t, notLive, func() { h.Deallocate(foreign, 100) }, "another allocator's")
	require.PanicsWithValue(t, notLive, func() { h.Deallocate(unsafe.Add(q, 16), 84) }, "inside a frame")
	r := h.Allocate(100) // takes the place of p in the table
	require.PanicsWithValue(t, notLive, func() { h.Deallocate(p, 100) }, "freed twice, and the place is taken")
	require.Equal(t, 2, h.Live())
	require.Equal(t, 1, other.Live())
	h.Deallocate(q, 100)
	h.Deallocate(r, 100)
	other.Deallocate(foreign, 100)
	require.Zero(t, h.Live()+other.Live())
}

func TestHeapOnManyGoroutines(t *testing.T) {
	var h arena.Heap
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for _, f := range load(t, &h, uint64(g), rounds(20_000)) {
				h.Deallocate(f.p, f.size)
			}
		})
	}
	all.Wait()
	require.Zero(t, h.Live())
}
