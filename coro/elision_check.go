package coro

// Writes to an elided frame after its task has ended, in builds with the tag framecheck.
//
// An elided frame is neither allocated nor freed, so a checked arena does not see its end. When
// the task of one ends, its memory is filled with endedByte, as a checked arena fills freed
// memory, and noted in endedRooms under the address at which the room of the parent begins: the
// elided child and all that was elided in it. The memory is verified when it is used again, by
// the next child, by the timer of a Sleep or by a waitNode, and when the parent ends. The memory of these two is
// filled in the same way when its time is over.
//
// All of this is behind the constant framecheck.Enabled, and costs nothing in other builds.

import (
	"fmt"
	"sync"
	"unsafe"
)

// endedByte is the byte of which poisonWord is made.
const endedByte = poisonWord & 0xff

// endedRoom is what is known of memory in the room behind a frame.
type endedRoom struct {
	last *kind   // of the task that had the room last; nil if that was a timer or a waitNode
	size uintptr // so many bytes have been in use, and are filled with endedByte while nothing is there
}

// endedRooms has the rooms in which elided frames or timers were, by their addresses. A room
// leaves it when the frame ends that it belongs to. Any goroutine uses it.
var endedRooms struct {
	mu    sync.Mutex
	rooms map[uintptr]endedRoom // guarded by mu
}

// room returns the address of the room behind the state of h.
func (h *header) room() unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(h), h.kind.get().behind)
}

// verifyRoom panics if the room of h was written to since it was in use last. The owner of h
// calls it before the room is used again.
func (h *header) verifyRoom() {
	at := h.room()
	endedRooms.mu.Lock()
	r, ok := endedRooms.rooms[uintptr(at)]
	endedRooms.mu.Unlock()
	if !ok {
		return
	}
	for i, b := range unsafe.Slice((*byte)(at), r.size) {
		if b != endedByte {
			h.forgetRoom() // one report is enough
			panic(r.report(h, i, b))
		}
	}
}

// report returns the text of the panic if the i-th byte of the room of h, r, is b.
func (r endedRoom) report(h *header, i int, b byte) string {
	name := quote(h.kind.get().name)
	if r.last == nil {
		return fmt.Sprintf("coro: write after free: byte %d of the room behind the state of task %s is %#02x, where the timer of its Sleep, or the links of its wait, were: write no further than the state, and do not keep addresses of elided frames", i, name, b)
	}
	what := fmt.Sprintf("byte %d", i)
	switch begin := int(headerSize); {
	case i < begin:
		what += " of the header"
	case i < int(r.last.behind):
		what = fmt.Sprintf("byte %d of the state", i-begin)
	default:
		what += ", in what was elided in it,"
	}
	return fmt.Sprintf("coro: write after free: %s of an elided frame of task %s, which task %s awaited, is %#02x, and the task has ended: do not use a frame, its State or an address in it once its task has ended",
		what, quote(r.last.name), name, b)
}

// forgetRoom takes the room of h out of endedRooms, and returns how much of it was in use.
func (h *header) forgetRoom() uintptr {
	at := uintptr(h.room())
	endedRooms.mu.Lock()
	defer endedRooms.mu.Unlock()
	size := endedRooms.rooms[at].size
	delete(endedRooms.rooms, at)
	return size
}

// roomEnded is called when the memory at the beginning of a room, size bytes, is not used any
// more: the elided frame of a task of kind k or, if k is nil, a timer or a waitNode. Its owner calls it.
func roomEnded(at unsafe.Pointer, size uintptr, k *kind) {
	memory := unsafe.Slice((*byte)(at), size)
	for i := range memory {
		memory[i] = endedByte
	}
	endedRooms.mu.Lock()
	defer endedRooms.mu.Unlock()
	if endedRooms.rooms == nil {
		endedRooms.rooms = make(map[uintptr]endedRoom)
	}
	r := endedRooms.rooms[uintptr(at)]
	if k == nil && r.last != nil {
		k = r.last // these are smaller than any frame: a stale address is more likely one in the frame
	}
	endedRooms.rooms[uintptr(at)] = endedRoom{k, max(size, r.size)}
}

// endRoom is called when the frame of h is about to be freed, or ends if it is elided. It
// verifies the room of h and, if h is elided, fills its memory.
func (h *header) endRoom() {
	h.verifyRoom()
	k, used := h.kind.get(), h.forgetRoom()
	if h.layout&flagElided != 0 {
		roomEnded(unsafe.Pointer(h), roundToUnits(k.behind)+used, k)
	}
}

// endTimer is roomEnded for the timer n, which is in the room of its task's frame.
func endTimer(n *sleeper, tags uintptr) {
	units := timerUnits
	switch {
	case tags&timerSelect != 0:
		units = afterUnits
	case tags&timerListed != 0:
		units = sleeperUnits
	}
	roomEnded(unsafe.Pointer(n), uintptr(units)*elisionUnit, nil)
}
