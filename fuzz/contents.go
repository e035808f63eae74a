package fuzz

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/cespare/xxhash/v2"
	"github.com/framearena/framearena/internal/race"
)

// frame is a live frame of the allocator under test. It belongs to who holds it; what
// the ledger reads of it never changes while it is live.
type frame struct {
	number int // in the program
	p      unsafe.Pointer
	size   uintptr

	serial uint64 // of what was written last
	sum    uint64 // fingerprint of that
}

func (f *frame) begin() uintptr { return uintptr(f.p) }
func (f *frame) end() uintptr   { return uintptr(f.p) + f.size }

func (f *frame) bytes() []byte { return unsafe.Slice((*byte)(f.p), f.size) }

// pattern is a sequence of words that depends on where and for whom a frame is: bytes
// of one frame that end up in another do not fit there.
type pattern uint64

func (f *frame) pattern() pattern {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], uint64(f.begin()))
	binary.LittleEndian.PutUint64(b[8:], uint64(f.size))
	binary.LittleEndian.PutUint64(b[16:], f.serial)
	return pattern(xxhash.Sum64(b[:]))
}

// next is a step of a multiplicative generator: quick, and no two words are alike. The
// top bit is set so that the collector, which may come across words of a frame on the
// Go heap, takes none for a pointer.
func (w *pattern) next() uint64 {
	*w = *w*0x9e3779b97f4a7c15 + 1
	return bits.ReverseBytes64(uint64(*w)) | 1<<63
}

// chunk is how much of a pattern is made at a time, in bytes.
const chunk = 1 << 10

// words fills b, of at most a chunk, with the next words.
func (w *pattern) words(b *[chunk]byte) {
	for i := 0; i < chunk; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], w.next())
	}
}

// write fills the whole frame and takes its fingerprint.
func (f *frame) write(serial uint64) {
	f.serial = serial
	w := f.pattern()
	var words [chunk]byte
	for b := f.bytes(); len(b) > 0; b = b[copy(b, words[:]):] {
		w.words(&words)
	}
	f.sum = xxhash.Sum64(f.bytes())
}

// damage returns the offset of the first byte that is not as it was written, or -1.
func (f *frame) damage() int {
	f.showDetector()
	if xxhash.Sum64(f.bytes()) == f.sum {
		return -1
	}
	w := f.pattern()
	var words [chunk]byte
	for i, b := range f.bytes() {
		if i%chunk == 0 {
			w.words(&words)
		}
		if b != words[i%chunk] {
			return i
		}
	}
	return -1
}

// showDetector reads the frame in a way that the race detector sees, unlike what is
// read in assembly.
func (f *frame) showDetector() {
	if !race.Enabled {
		return
	}
	var read [chunk]byte
	for b := f.bytes(); len(b) > 0; {
		b = b[copy(read[:], b):]
	}
}

// firstNonZero returns the offset of the first byte that is not zero, or -1.
func (f *frame) firstNonZero() int {
	f.showDetector()
	b := f.bytes()
	if bytes.Count(b, []byte{0}) == len(b) {
		return -1
	}
	return slices.IndexFunc(b, func(b byte) bool { return b != 0 })
}
