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

// frame is a live frame of the allocator under test. It belongs to the goroutine that
// holds it. The ledger reads number, address and size, which do not change while the frame
// is live.
type frame struct {
	number int // in the program

	// address is an integer, as the links between frames of tasks are: the kit must not keep
	// memory reachable that the allocator has lost.
	address uintptr
	size    uintptr // as asked for, in bytes

	// salt and serial select the pattern of the last write. salt is 0 for the frames of a program, all
	// of whose writes have serials of their own: so the pattern is the same each time that the program
	// is run, and what it has shown once in a frame of one byte it shows again.
	salt, serial uint64
	sum          uint64 // fingerprint of the last write
}

func newFrame(number int, p unsafe.Pointer, size uintptr) *frame {
	return &frame{number: number, address: uintptr(p), size: size}
}

// p returns the address as a pointer. It loads the pointer from the field, because vet takes
// a conversion from an integer for a mistake.
func (f *frame) p() unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&f.address)) }

func (f *frame) begin() uintptr { return f.address }
func (f *frame) end() uintptr   { return f.address + f.size }

// bytes returns the frame's memory. It builds the slice from integers: with -race,
// unsafe.Slice ends the process if the memory was freed, which verify finds out.
func (f *frame) bytes() []byte {
	words := [3]uintptr{f.address, f.size, f.size}
	return *(*[]byte)(unsafe.Pointer(&words))
}

// pattern generates the words that a write stores. They depend on the frame's salt, its
// size and the serial number of the write, so bytes of one frame are wrong in any other.
type pattern uint64

func (f *frame) pattern() pattern {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], f.salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(f.size))
	binary.LittleEndian.PutUint64(b[16:], f.serial)
	return pattern(xxhash.Sum64(b[:]))
}

// next returns the next word, from a multiplicative generator: it is fast, and words do not
// repeat. The top bit is set: the garbage collector may scan a frame that lies on the Go
// heap, and must take no word for a pointer.
func (w *pattern) next() uint64 {
	*w = *w*0x9e3779b97f4a7c15 + 1
	return bits.ReverseBytes64(uint64(*w)) | 1<<63
}

// chunk is the number of bytes of a pattern that words generates at a time.
const chunk = 1 << 10

// words fills b with the next words.
func (w *pattern) words(b *[chunk]byte) {
	for i := 0; i < chunk; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], w.next())
	}
}

// write fills the whole frame with a pattern and records its fingerprint.
func (f *frame) write(serial uint64) {
	f.serial = serial
	w := f.pattern()
	var words [chunk]byte
	for b := f.bytes(); len(b) > 0; b = b[copy(b, words[:]):] {
		w.words(&words)
	}
	f.sum = xxhash.Sum64(f.bytes())
}

// damage returns the offset of the first byte that differs from the last write, or -1.
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

// showDetector reads the frame so that the race detector sees the reads. It does not see
// those of the fingerprint and of package bytes, which are written in assembly.
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
