package coro

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// A child that fits behind its parent's state is elided: its frame is placed there,
// and neither allocated nor freed. The parent awaits it, so it ends before the parent
// resumes, and the room is free when the parent awaits the next child. How room is
// counted is in header.go.

// elide makes the frame of a child of h, of kind k. h has room for it: h.layout >= k.need.
func (h *header) elide(k *kind) *header {
	if framecheck.Enabled {
		h.verifyRoom()
	}
	c := (*header)(unsafe.Add(unsafe.Pointer(h), h.kind.get().behind))
	c.layout = h.layout&^(flagMask&^inheritedFlags) - k.need | flagElided
	return c
}

// neverElided is the need of a kind whose frames are not placed behind any other.
const neverElided = math.MaxUint32

// KindOption is an option of [Define], [DefineHeld] and [DefineSeq].
type KindOption func(*kind)

// NeverElided makes every task of the kind have a frame of its own, even if it would fit behind
// its parent's state.
func NeverElided() KindOption { return func(k *kind) { k.need = neverElided } }

// roomBehind returns the room behind a frame of kind k in memory of capacity bytes, as a
// layout.
func roomBehind(k *kind, capacity uintptr) uint32 {
	if capacity <= k.behind {
		return 0
	}
	return uint32(min((capacity-k.behind)/elisionUnit, maxRoom)) << roomShift
}

func roundToUnits(size uintptr) uintptr { return (size + elisionUnit - 1) &^ (elisionUnit - 1) }

// AwaitElided is [Await], but panics if the child does not fit behind f's state. It is for
// programs that rely on elision. [RootFrameSize] gives the root of a tree more room.
func AwaitElided[S, R, CS, CR any](f *Frame[S, R], at int, k *Kind[CS, CR], args CS, result *CR) Step {
	f.header.mustHaveRoom(&k.kind)
	return Await(f, at, k, args, result)
}

func (h *header) mustHaveRoom(k *kind) {
	if k.need == neverElided {
		panic("coro: task " + quote(k.name) + " is never elided: it is defined so, or larger than 1 MiB; use Await")
	}
	if h.layout < k.need {
		panic(fmt.Sprintf("coro: task %s cannot be elided: its frame takes %d bytes and task %s has room for %d behind its state; give the root a larger frame with RootFrameSize, or use Await",
			quote(k.name), k.behind, quote(h.kind.get().name), h.layout>>roomShift*elisionUnit))
	}
}

// ChainSize returns the size of a root's frame, in bytes, in which a whole chain of tasks has
// room. The first kind is the root's, and each task awaits one of the next kind. Where a task
// awaits several kinds, one after the other, name the largest.
func ChainSize(chain ...interface{ FrameSize() uintptr }) uintptr {
	n := uintptr(0)
	for _, k := range chain {
		n += roundToUnits(k.FrameSize())
	}
	return n
}
