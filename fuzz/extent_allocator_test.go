package fuzz

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// extents is a small first-fit allocator: free extents in a table that is sorted by address,
// split and coalesced. A header of 16 bytes in front of each frame has the length of its
// block, twice. It has at most one fault, of a kind that allocators in the wild have had.
type extents struct {
	fault  extentFault
	chunks [][]byte  // keep the chunks reachable
	lost   []uintptr // the same, with the fault heldByInteger
	free   []extent  // sorted
	room   int       // entries that free has room for
	live   int
}

// extent is free memory. fresh memory was never used, and is zero.
type extent struct {
	at, size uintptr
	fresh    bool
}

// extentInfo is the header of a block.
type extentInfo struct{ check, size uintptr }

type extentFault int

const (
	noExtentFault extentFault = iota
	keepsRightNeighbour
	heldByInteger
	smallAtLargeSizes
	splitMisaligns
	headerTooNear
	staysFresh
	tableCopiesHalf
)

const (
	extentChunk  = 64 << 10
	extentHeader = 16
	extentMost   = 60 << 10         // the largest frame
	extentSlack  = extentChunk / 32 // frames of one chunk: which one is used in part may change
)

func newExtents(f extentFault) func(testing.TB) arena.FrameAllocator {
	return func(testing.TB) arena.FrameAllocator { return &extents{fault: f, room: 512} }
}

var (
	extentPromises = Promises{extentBasics, Zeroed()}
	extentBasics   = Promises{
		MaxSize(extentMost), Recycles(extentMost, extentSlack),
		LiveFrames(func(e *extents) int { return e.live }),
	}
)

// block returns the length of the block of a frame.
func (e *extents) block(size uintptr) uintptr {
	switch {
	case e.fault == smallAtLargeSizes && size > 40<<10 && size < 60<<10:
		return (size+extentHeader+15)&^15 - 64 // classes are 64 bytes apart
	case e.fault == headerTooNear && size > 1100 && size < 2000 && size%16 == 1:
		return size + extentHeader - 1
	}
	return (max(size, 1) + extentHeader + 15) &^ 15
}

func (e *extents) Allocate(size uintptr) unsafe.Pointer {
	if size > extentMost {
		return nil
	}
	n := e.block(size)
	i := slices.IndexFunc(e.free, func(x extent) bool { return x.size >= n })
	if i < 0 {
		i = e.addChunk()
	}
	x := &e.free[i]
	at, fresh := x.at, x.fresh
	rest := n
	if e.fault == splitMisaligns && size > 2100 && size < 4000 && size%16 == 8 && x.size > 2*n {
		rest -= 8
	}
	x.at, x.size = x.at+rest, x.size-rest
	if x.size == 0 {
		e.free = slices.Delete(e.free, i, i+1)
	}
	block := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	*(*extentInfo)(block) = extentInfo{check: ^n, size: n}
	p := unsafe.Add(block, extentHeader)
	if !fresh {
		clear(unsafe.Slice((*byte)(p), size))
	}
	e.live++
	return p
}

// addChunk adds a chunk and returns the index of its extent.
func (e *extents) addChunk() int {
	chunk := make([]byte, extentChunk+256) // faults may write behind the end
	at := uintptr(unsafe.Pointer(unsafe.SliceData(chunk)))
	if e.fault == heldByInteger {
		e.lost = append(e.lost, at)
	} else {
		e.chunks = append(e.chunks, chunk)
	}
	return e.insert(extent{(at + 15) &^ 15, extentChunk, true})
}

// insert adds an extent and returns its index.
func (e *extents) insert(x extent) int {
	if len(e.free) == e.room {
		e.room *= 2
		if e.fault == tableCopiesHalf {
			e.free = e.free[:len(e.free)/2]
		}
	}
	i, _ := slices.BinarySearchFunc(e.free, x.at, func(f extent, at uintptr) int {
		if f.at < at {
			return -1
		}
		return 1
	})
	e.free = slices.Insert(e.free, i, x)
	return i
}

func (e *extents) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
	e.live--
	block := unsafe.Add(p, -extentHeader)
	info := *(*extentInfo)(block)
	if info.check != ^info.size {
		panic("the header of a block was overwritten")
	}
	x := extent{at: uintptr(block), size: info.size}
	i := e.insert(x)
	if i+1 < len(e.free) && e.free[i].at+e.free[i].size == e.free[i+1].at {
		e.free[i].size += e.free[i+1].size
		if e.fault == staysFresh && e.free[i+1].size > extentChunk/2 {
			e.free[i].fresh = e.free[i+1].fresh
		}
		if e.fault != keepsRightNeighbour {
			e.free = slices.Delete(e.free, i+1, i+2)
		}
	}
	if i > 0 && e.free[i-1].at+e.free[i-1].size == e.free[i].at {
		e.free[i-1].size += e.free[i].size
		e.free[i-1].fresh = false
		e.free = slices.Delete(e.free, i, i+1)
	}
}
