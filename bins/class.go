package bins

import "math/bits"

// Class is the number of a size of frames: the frames of class k have 128<<k bytes.
type Class uint

const (
	// MinSize is the size of a frame of the smallest class, in bytes. It is two cache
	// lines, the unit of the hardware's adjacent-line prefetch, so that no two frames
	// contend for one.
	MinSize = 1 << minShift

	// MaxSize is the size of a frame of the largest class, in bytes. Larger requests have
	// no class.
	MaxSize = MinSize << (Classes - 1)

	// Classes is the number of classes: 128 B, 256 B, … 64 KiB.
	Classes = 10

	// MaxAlign is the largest alignment of a class, in bytes.
	MaxAlign = 4096

	minShift = 7

	// alignShift is the class whose frames have MaxAlign bytes.
	alignShift = 5
)

var _ [MaxAlign - MinSize<<alignShift]struct{}
var _ [MinSize<<alignShift - MaxAlign]struct{}

// ClassOf returns the class of a request of size bytes. It returns a number ≥ Classes,
// which is no class, for more than MaxSize bytes and for 0 bytes (size-1 wraps around). So
// one comparison sends both to a slow path.
func ClassOf(size uintptr) Class {
	return Class(bits.Len64(uint64(size-1) >> minShift))
}

// Size returns the size of the class's frames, in bytes. For a number that is no class it is a
// power of two above MaxSize, or 0 if that does not fit into a uintptr.
func (k Class) Size() uintptr { return MinSize << k }

// Align returns the alignment of the class's frames, in bytes: their size or 4 KiB,
// whichever is smaller. For a number that is no class it is 4 KiB.
func (k Class) Align() uintptr { return MinSize << min(k, alignShift) }

// BatchLen returns how many frames of the class make a full batch. Batches are bounded in
// bytes, because each thread may hold two full ones of each class that no other thread can
// use, and in length, because a [Batch] has room for BatchCap frames. For a number that is no
// class it is 1.
func (k Class) BatchLen() int {
	return int(max(1, min(BatchCap, maxBatchBytes>>minShift>>k)))
}

const maxBatchBytes = 64 << 10
