package fuzz

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"unsafe"
)

// Memory is the allocator to put below the one under test, if that takes its memory
// from a [arena.FrameAllocator]. It watches what is done to it: bytes beside its blocks
// that were written ([OutsideWrite]), writing to a block that was given back (the same),
// giving back what is not live or has another size ([BadReturn]), and blocks that were
// not given back when the test's cleanups have run ([Lost]). Programs of [Check] and
// [Fuzz] refuse its memory now and then.
//
// Blocks are aligned to 16 bytes, on purpose to no more, and their contents are no
// zeroes. Any number of goroutines may use a Memory.
type Memory struct {
	t testing.TB

	mu         sync.Mutex // guards the rest
	live       map[unsafe.Pointer]*block
	bytes      uintptr
	freed      []*block // given back lately, oldest first
	freedBytes uintptr
	limited    bool
	left       uintptr // bytes that are still to be had, if limited
	first      *violation
}

// block is memory that a Memory handed out, with a guard on either side.
type block struct {
	memory []byte // all of it
	size   uintptr
}

const (
	guard      = 64 // bytes in front of and behind each block
	guardByte  = 0xE7
	freshByte  = 0xE5
	returnByte = 0xE3

	maxBlock = 1 << 30 // more is refused

	// maxFreedBytes bounds what is kept to see whether it is written to.
	maxFreedBytes = 4 << 20
)

// NewMemory returns a Memory that reports to t, at the end of the run if t is what the
// kit passed to a constructor. A cleanup that gives blocks back must be registered
// later than NewMemory is called, and is then done earlier.
func NewMemory(t testing.TB) *Memory {
	m := &Memory{t: t, live: make(map[unsafe.Pointer]*block)}
	r, ofKit := t.(*recorder)
	if ofKit {
		r.memories = append(r.memories, m)
	}
	t.Cleanup(func() {
		m.end()
		if v := m.found(); v != nil && !ofKit {
			t.Errorf("fuzz: %s: %s", v.invariant, v.text)
		}
	})
	return m
}

// Allocate returns a block, or nil while memory is refused.
func (m *Memory) Allocate(size uintptr) unsafe.Pointer {
	if size > maxBlock {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limited {
		if size > m.left {
			return nil
		}
		m.left -= size
	}
	b := &block{size: size}
	whole := make([]byte, guard+size+guard+48)
	// An address that is a multiple of 16 and not of 32.
	skip := (16 - uintptr(unsafe.Pointer(unsafe.SliceData(whole)))) & 31
	b.memory = whole[skip : skip+guard+size+guard]
	fill(b.memory, guardByte)
	fill(b.memory[guard:guard+size], freshByte)
	p := unsafe.Pointer(&b.memory[guard])
	m.live[p] = b
	m.bytes += size
	return p
}

// Deallocate takes a block back.
func (m *Memory) Deallocate(p unsafe.Pointer, size uintptr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.live[p]
	if b == nil {
		m.report(BadReturn, "%p, of %d bytes, was given back to the allocator below, which has no such live block", p, size)
		return
	}
	if b.size != size {
		m.report(BadReturn, "a block of %d bytes was given back with size %d", b.size, size)
	}
	m.checkGuards(b)
	delete(m.live, p)
	m.bytes -= b.size
	fill(b.memory[guard:guard+b.size], returnByte)
	m.freed = append(m.freed, b)
	for m.freedBytes += b.size; m.freedBytes > maxFreedBytes; m.freed = m.freed[1:] {
		m.checkFreed(m.freed[0])
		m.freedBytes -= m.freed[0].size
	}
}

// Live returns how many blocks are out.
func (m *Memory) Live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live)
}

// Bytes returns the size of the blocks that are out, as it was asked for.
func (m *Memory) Bytes() uintptr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

// refuseAfter lets n bytes more be had before Allocate refuses.
func (m *Memory) refuseAfter(n uintptr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited, m.left = true, n
}

// grant ends refuseAfter.
func (m *Memory) grant() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited = false
}

// contains reports whether the frame is inside one live block.
func (m *Memory) contains(f *frame) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b := m.live[f.p]; b != nil {
		return f.size <= b.size
	}
	for p, b := range m.live {
		if f.begin() >= uintptr(p) && f.end() <= uintptr(p)+b.size {
			return true
		}
	}
	return false
}

// found returns the first thing that was wrong.
func (m *Memory) found() *violation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first
}

// check looks at the guards of all blocks.
func (m *Memory) check() *violation {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, b := range m.live {
		m.checkGuards(b)
	}
	for _, b := range m.freed {
		m.checkFreed(b)
	}
	return m.first
}

// end is the last check: nothing may be live.
func (m *Memory) end() {
	m.check()
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.live); n > 0 {
		m.report(Lost, "%d blocks, of %d bytes together, were never given back to the allocator below", n, m.bytes)
	}
}

func (m *Memory) checkGuards(b *block) {
	if i := firstOther(b.memory[:guard], guardByte); i >= 0 {
		m.report(OutsideWrite, "%d bytes in front of a block of %d bytes of the allocator below, a byte was written", guard-i, b.size)
	}
	if i := firstOther(b.memory[guard+b.size:], guardByte); i >= 0 {
		m.report(OutsideWrite, "%d bytes behind the end of a block of %d bytes of the allocator below, a byte was written", i, b.size)
	}
}

func (m *Memory) checkFreed(b *block) {
	m.checkGuards(b)
	if i := firstOther(b.memory[guard:guard+b.size], returnByte); i >= 0 {
		m.report(OutsideWrite, "byte %d of a block of %d bytes was written after the block had been given back to the allocator below", i, b.size)
	}
}

// report keeps the first finding. The caller holds mu.
func (m *Memory) report(i Invariant, format string, args ...any) {
	if m.first == nil {
		m.first = violated(i, format, args...)
	}
}

func fill(b []byte, with byte) {
	if len(b) == 0 {
		return
	}
	b[0] = with
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// firstOther returns the offset of the first byte that is not as it should be, or -1.
func firstOther(b []byte, should byte) int {
	if bytes.Count(b, []byte{should}) == len(b) {
		return -1
	}
	return slices.IndexFunc(b, func(b byte) bool { return b != should })
}
