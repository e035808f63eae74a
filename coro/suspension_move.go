package coro

// Frames that move while their functions are suspended, for tests of compiled code. No variables
// refer to their own frame, and nothing refers to a frame that awaits another but that other: by its
// parent, and by where its result goes. So a frame can be copied elsewhere if these two are changed.
// The old memory is filled, so that code is found that has kept an address. The held part of a
// function with deferred calls stays where it is, since these refer to it.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// movedByte is what memory is filled with that a frame has left, or that its function does not need
// any more.
const movedByte = 0xA5

// moveFrames moves the frames that were made in the step, h, whose step it is, and those that wait
// for it, as far up as all are compiled. h is nil if the frames do not belong to the step's task.
// moveFrames returns what has become of h.
func (s *Suspension) moveFrames(h *header) *header {
	if s.ending {
		return h // the canceller knows it by its address
	}
	inner := h
	if h != nil {
		s.overwriteDead(h)
	}
	if s.innermost != 0 {
		inner = s.innermost.get()
		s.outermost.get().parent.set(h)
	}
	moved := s.moveChain(inner)
	if s.innermost != 0 {
		s.innermost.set(moved[inner])
		s.outermost.set(moved[s.outermost.get()])
	}
	if h == nil {
		return nil
	}
	s.w.current = uintptr(unsafe.Pointer(moved[h]))
	return moved[h]
}

// moveChain moves inner and the frames above it, and returns where to.
func (s *Suspension) moveChain(inner *header) map[*header]*header {
	moved := map[*header]*header{}
	result := &s.result
	for h := inner; h != nil; h = h.parent.get() {
		if !h.isMovable() {
			moved[h] = h
			break
		}
		to := s.move(h, result)
		moved[h] = to
		result = &to.result
	}
	for h, to := range moved {
		if p, ok := moved[h.parent.get()]; ok {
			to.parent.set(p)
		}
	}
	for h, to := range moved {
		if h != to {
			s.leaveMemory(h)
		}
	}
	return moved
}

func (h *header) isMovable() bool {
	const fixed = flagElided | flagRefused | flagSeq | flagGroup | flagLingering | flagProxy
	k := h.kind.get()
	return h.layout&fixed == 0 && (k.compiled || k == &passKind.kind)
}

// move returns a copy of h, in memory of its own, and changes *result, the address where what h
// awaits puts its result.
func (s *Suspension) move(h *header, result *uintptr) *header {
	k, env := h.kind.get(), h.env.get()
	var to *header
	switch {
	case h.layout&flagCustom != 0:
		to = (*header)(env.allocator.Allocate(h.memorySize()))
	default:
		to = (*header)(s.w.cache.Allocate(h.memorySize()))
	}
	if to == nil {
		panic(errNoFrame)
	}
	copy(h.bytesOf(to), h.bytesOf(h))
	follow(result, uintptr(unsafe.Pointer(to))-uintptr(unsafe.Pointer(h)), uintptr(unsafe.Pointer(h)), k.size)
	if h.layout&flagHeld != 0 && !k.hasCleanup {
		by, from, size := k.held.relocate(s.w, to)
		follow(result, by, from, size)
	}
	return to
}

// follow adds by to *p if that is within size bytes from the given address.
func follow(p *uintptr, by, from, size uintptr) {
	if *p-from < size {
		*p += by
	}
}

// leaveMemory frees the memory that h has moved from.
func (s *Suspension) leaveMemory(h *header) {
	env, layout, size := h.env.get(), h.layout, h.memorySize()
	if framecheck.Enabled {
		h.endRoom()
	}
	fillMoved(h.bytesOf(h))
	if layout&flagCustom != 0 {
		env.allocator.Deallocate(unsafe.Pointer(h), size)
	} else {
		s.w.cache.Deallocate(unsafe.Pointer(h), size)
	}
}

// memorySize returns how much memory h has, as it was allocated.
func (h *header) memorySize() uintptr {
	k := h.kind.get()
	switch {
	case h.layout&flagDetached == flagRoot:
		return h.env.get().rootFrameSize(k)
	case h.layout&flagCustom != 0:
		return k.size
	}
	return k.capacity
}

// bytesOf returns the memory of a frame of h's kind that lies at to.
func (h *header) bytesOf(to *header) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(to)), h.kind.get().size)
}

func fillMoved(b []byte) {
	for i := range b {
		b[i] = movedByte
	}
}

// overwriteDead fills what is dead in the state of h, which is being suspended: its function has
// told CompiledFrame.State the size of what lives.
func (s *Suspension) overwriteDead(h *header) {
	if !framecheck.Enabled || !h.kind.get().compiled {
		return
	}
	state := h.bytesOf(h)[headerSize:]
	if h.layout&flagHeld != 0 {
		state = state[:len(state)-int(unsafe.Sizeof(uintptr(0)))]
	}
	fillMoved(state[min(int(s.live), len(state)):])
}
