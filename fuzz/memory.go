package fuzz

import (
	"bytes"
	"slices"
	"sync"
	"testing"
	"unsafe"
)

// Memory is an [arena.FrameAllocator] on the Go heap. It is the allocator to put below the
// one under test, if that takes its memory from another. A Memory finds these faults of its
// user:
//
//   - a write beside a block, or to a block that was given back ([OutsideWrite]);
//   - giving back something that is not a live block, or has another size ([BadReturn]);
//   - blocks that are still live when the test's cleanups have run ([Lost]).
//
// Programs of [Check], [Fuzz] and [Replay] make it refuse memory at times.
//
// Blocks are aligned to 16 bytes and never to more, and are not zeroed. Any number of
// goroutines may use a Memory.
type Memory struct {
	t testing.TB

	mu         sync.Mutex // guards the fields below
	live       map[unsafe.Pointer]*block
	addresses  []uintptr // of the live blocks, sorted
	bytes      uintptr   // of the live blocks, as asked for
	freed      []*block  // given back lately, oldest first; still checked for writes
	freedBytes uintptr   // of the blocks in freed
	limited    bool
	left       uintptr // bytes that Allocate still hands out, if limited
	first      *violation
}

// block is memory that a Memory handed out, with a guard on either side.
type block struct {
	memory []byte // the guard in front, size bytes, and the guard behind
	size   uintptr
}

const (
	guard      = 64 // bytes in front of each block, and behind it
	guardByte  = 0xE7
	freshByte  = 0xE5
	returnByte = 0xE3

	maxBlock = 1 << 30 // Allocate refuses more

	// maxFreedBytes bounds the memory of Memory.freed.
	maxFreedBytes = 4 << 20
)

// NewMemory returns a Memory that reports to t. If t is the testing.TB that the kit has
// passed to a constructor, what the Memory finds fails the run; any other t gets an error
// when its cleanups run. A cleanup of the user that gives blocks back must be registered
// after the call of NewMemory: cleanups run last in, first out, and the Memory looks for
// live blocks in its own.
func NewMemory(t testing.TB) *Memory {
	must(t != nil, "NewMemory without a testing.TB: pass the one that the constructor got")
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

// Allocate returns a block of size bytes, or nil if the kit makes the Memory refuse, or if
// size is more than 1 GiB.
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
	i, _ := slices.BinarySearch(m.addresses, uintptr(p))
	m.addresses = slices.Insert(m.addresses, i, uintptr(p))
	m.bytes += size
	return p
}

// Deallocate takes a block back. size is the size that was asked for. A nil p is ignored.
func (m *Memory) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		return
	}
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
	i, _ := slices.BinarySearch(m.addresses, uintptr(p))
	m.addresses = slices.Delete(m.addresses, i, i+1)
	m.bytes -= b.size
	fill(b.memory[guard:guard+b.size], returnByte)
	m.freed = append(m.freed, b)
	for m.freedBytes += b.size; m.freedBytes > maxFreedBytes; m.freed = m.freed[1:] {
		m.checkFreed(m.freed[0])
		m.freedBytes -= m.freed[0].size
	}
}

// Live returns the number of live blocks.
func (m *Memory) Live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.live)
}

// Bytes returns the size of all live blocks in bytes, as it was asked for.
func (m *Memory) Bytes() uintptr {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes
}

// refuseAfter makes Allocate refuse after it has handed out n more bytes.
func (m *Memory) refuseAfter(n uintptr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited, m.left = true, n
}

// grant ends the effect of refuseAfter.
func (m *Memory) grant() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited = false
}

// contains reports whether the frame lies inside a live block.
func (m *Memory) contains(f *frame) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, found := slices.BinarySearch(m.addresses, f.begin())
	if !found {
		i--
	}
	if i < 0 {
		return false
	}
	b := m.live[*(*unsafe.Pointer)(unsafe.Pointer(&m.addresses[i]))]
	return f.end() <= m.addresses[i]+b.size
}

// found returns the first fault so far, or nil.
func (m *Memory) found() *violation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.first
}

// check checks all guards, and the blocks in freed. It returns the first fault so far, or
// nil.
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

// end checks once more, and reports live blocks as Lost.
func (m *Memory) end() {
	m.check()
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.live); n > 0 {
		m.report(Lost, "%d blocks, of %d bytes together, were never given back to the allocator below", n, m.bytes)
	}
}

// checkGuards reports a write beside a block. The caller holds mu.
func (m *Memory) checkGuards(b *block) {
	if i := firstOther(b.memory[:guard], guardByte); i >= 0 {
		m.report(OutsideWrite, "%d bytes in front of a block of %d bytes of the allocator below, a byte was written", guard-i, b.size)
	}
	if i := firstOther(b.memory[guard+b.size:], guardByte); i >= 0 {
		m.report(OutsideWrite, "%d bytes behind the end of a block of %d bytes of the allocator below, a byte was written", i, b.size)
	}
}

// checkFreed reports a write to a block in freed, or beside it. The caller holds mu.
func (m *Memory) checkFreed(b *block) {
	m.checkGuards(b)
	if i := firstOther(b.memory[guard:guard+b.size], returnByte); i >= 0 {
		m.report(OutsideWrite, "byte %d of a block of %d bytes was written after the block had been given back to the allocator below", i, b.size)
	}
}

// report records a fault, if it is the first. The caller holds mu.
func (m *Memory) report(i Invariant, format string, args ...any) {
	if m.first == nil {
		m.first = violated(i, format, args...)
	}
}

// fill sets all bytes of b.
func fill(b []byte, with byte) {
	if len(b) == 0 {
		return
	}
	b[0] = with
	for n := 1; n < len(b); n *= 2 {
		copy(b[n:], b[:n])
	}
}

// firstOther returns the offset of the first byte that differs from should, or -1.
func firstOther(b []byte, should byte) int {
	if bytes.Count(b, []byte{should}) == len(b) {
		return -1
	}
	return slices.IndexFunc(b, func(b byte) bool { return b != should })
}
