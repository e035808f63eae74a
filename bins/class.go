package bins

import "math/bits"

// Class numbers a size of frames: class k holds frames of 128<<k bytes.
type Class uint

const (
	// MinSize is the size of a frame of the smallest class, in bytes. It is two
	// cache lines: the unit that the hardware's adjacent-line prefetch moves, so
	// that frames of two tasks never contend.
	MinSize = 1 << minShift

	// MaxSize is the size of a frame of the largest class, in bytes. Larger
	// requests have no class.
	MaxSize = MinSize << (Classes - 1)

	// Classes is the number of classes: 128 B, 256 B, … 64 KiB.
	Classes = 10

	// MaxAlign is the largest alignment that a class gives, in bytes.
	MaxAlign = 4096

	minShift = 7
)

// ClassOf returns the class of a request of size bytes. A request of more than
// MaxSize has a class ≥ Classes; so does one of 0 bytes, since size-1 wraps:
// both belong on a slow path, and one comparison sends them there.
func ClassOf(size uintptr) Class {
	return Class(bits.Len64(uint64(size-1) >> minShift))
}

// Size returns the size of the class's frames, in bytes.
func (k Class) Size() uintptr { return MinSize << k }

// Align returns the alignment of the class's frames, in bytes: their size or
// 4 KiB, whichever is smaller.
func (k Class) Align() uintptr { return min(k.Size(), MaxAlign) }

// BatchLen returns how many frames of the class make a full batch. Batches are
// bounded in bytes, so that a thread which holds two of them per class holds
// little memory hostage, and in length, so that they fit a [Batch].
func (k Class) BatchLen() int {
	return int(max(1, min(BatchCap, maxBatchBytes/k.Size())))
}

const maxBatchBytes = 64 << 10
