package fuzz

import (
	"fmt"
	"strings"
)

// Program is a sequence of operations on an allocator and its caches. A failure of [Check]
// or [Fuzz] prints one, for [Replay].
type Program []Op

// Op is an operation of a [Program].
type Op struct {
	Do Code

	// Frame is the number of a frame. Allocate assigns it. In Verify, 0 stands for all
	// frames.
	Frame int

	// Size is the size of a frame in bytes, in Allocate. In Refuse it is how many bytes a
	// Memory still hands out.
	Size uintptr

	// Cache is the number of a cache. OpenCache assigns it. 0, or the number of a cache
	// that is not open, stands for the allocator itself.
	Cache int
}

// Code says what an [Op] does. An operation on a frame that is not live does nothing: the
// allocator may have refused the frame, or the program may have been reduced.
type Code uint8

// The codes of operations.
const (
	Allocate      Code = iota + 1 // allocates a frame and fills it
	Free                          // verifies a frame and frees it
	FreeElsewhere                 // does the same on another goroutine
	Write                         // verifies a frame and gives it other contents
	Verify                        // verifies a frame, or all if Frame is 0
	OpenCache                     // opens a cache; see Caches
	CloseCache                    // closes a cache
	Trim                          // gives memory of free frames back; see Trims
	Refuse                        // makes memory short; see Refusals and Memory
	Grant                         // ends Refuse
	Collect                       // runs a garbage collection and verifies all frames
)

var codeNames = [...]string{
	Allocate: "Allocate", Free: "Free", FreeElsewhere: "FreeElsewhere", Write: "Write", Verify: "Verify",
	OpenCache: "OpenCache", CloseCache: "CloseCache", Trim: "Trim", Refuse: "Refuse", Grant: "Grant", Collect: "Collect",
}

// String returns the constant's name.
func (c Code) String() string {
	if int(c) < len(codeNames) && c > 0 {
		return codeNames[c]
	}
	return fmt.Sprintf("Code(%d)", uint8(c))
}

// text returns op as an element of a literal of type Program.
func (op Op) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{Do: fuzz.%s", op.Do)
	if op.Frame != 0 {
		fmt.Fprintf(&b, ", Frame: %d", op.Frame)
	}
	if op.Size > 1<<31-1 { // written so that it means the same on 32-bit machines
		fmt.Fprintf(&b, ", Size: ^uintptr(0) - %d", ^uintptr(0)-op.Size)
	} else if op.Size != 0 {
		fmt.Fprintf(&b, ", Size: %d", op.Size)
	}
	if op.Cache != 0 {
		fmt.Fprintf(&b, ", Cache: %d", op.Cache)
	}
	return b.String() + "}"
}

// renumber numbers frames and caches from 1 in the order of their first use.
func (p Program) renumber() Program {
	frames, caches := map[int]int{0: 0}, map[int]int{0: 0}
	number := func(known map[int]int, n int) int {
		if _, ok := known[n]; !ok {
			known[n] = len(known)
		}
		return known[n]
	}
	q := make(Program, len(p))
	for i, op := range p {
		op.Frame = number(frames, op.Frame)
		op.Cache = number(caches, op.Cache)
		q[i] = op
	}
	return q
}

// reader holds the bytes of a program that are not decoded yet. It reads zeroes behind the
// end.
type reader []byte

func (r *reader) next() byte {
	if len(*r) == 0 {
		return 0
	}
	b := (*r)[0]
	*r = (*r)[1:]
	return b
}

// These bound every decoded program.
const (
	maxOperations = 8192
	maxLive       = 1024
	maxLiveBytes  = 16 << 20
	maxCaches     = 4
)

// decoder decodes bytes into a Program. It belongs to one goroutine.
//
// If the lowest bit of the first byte is set, all frames have the size of the first frame.
// Operations follow. Each is one byte, of which the lower half selects the operation and the
// upper half one of the open caches, and operands of one byte each:
//
//	0 1 2  allocate       size, size
//	3 4    free           which live frame
//	5      free elsewhere which live frame
//	6      write          which live frame
//	7      verify         which live frame; odd: all
//	8      burst          how many, size, size: allocate that many
//	9      sweep          which live frame, how many: free that many from there on
//	10     free all       odd: the newest first
//	11     open a cache
//	12     close a cache  which
//	13     trim
//	14     refuse         how much is still granted
//	15     grant; odd:    allocate more than any machine has
//
// The decoder skips operations that the allocator does not have, and those that exceed the
// bounds above, so every string of bytes is a valid program. The format is stable: the
// files of a fuzzing corpus keep their meaning.
type decoder struct {
	c       *config
	in      reader
	program Program
	live    []Op    // the allocations of the live frames
	bytes   uintptr // of the live frames
	frames  int     // number of the newest frame
	caches  []int   // numbers of the open caches
	opened  int     // number of the newest cache
	oneSize bool
	size    uintptr // of all frames if oneSize is set; 0 before the first
}

// decode decodes bytes in the format that decoder describes.
func (c *config) decode(data []byte) Program {
	d := decoder{c: c, in: data}
	d.oneSize = d.in.next()&1 != 0
	for len(d.in) > 0 && len(d.program) < maxOperations {
		d.operation()
	}
	return d.program
}

// operation decodes one operation.
func (d *decoder) operation() {
	b := d.in.next()
	cache := 0
	if i := int(b>>4) % (len(d.caches) + 1); i > 0 {
		cache = d.caches[i-1]
	}
	switch b & 15 {
	case 0, 1, 2:
		d.allocate(cache, d.nextSize())
	case 3, 4:
		d.free(Free, cache, int(d.in.next()))
	case 5:
		d.free(FreeElsewhere, cache, int(d.in.next()))
	case 6:
		if i := int(d.in.next()); len(d.live) > 0 {
			d.emit(Op{Do: Write, Frame: d.live[i%len(d.live)].Frame})
		}
	case 7:
		if i := int(d.in.next()); i&1 != 0 {
			d.emit(Op{Do: Verify})
		} else if len(d.live) > 0 {
			d.emit(Op{Do: Verify, Frame: d.live[i/2%len(d.live)].Frame})
		}
	case 8:
		n, size := int(d.in.next()), d.nextSize()
		for range n {
			d.allocate(cache, size)
		}
	case 9:
		from, n := int(d.in.next()), int(d.in.next())
		for range n {
			d.free(Free, cache, from)
		}
	case 10:
		newest := d.in.next()&1 != 0
		for len(d.live) > 0 {
			i := 0
			if newest {
				i = len(d.live) - 1
			}
			d.free(Free, cache, i)
		}
	case 11:
		if d.c.openCache != nil && len(d.caches) < maxCaches {
			d.opened++
			d.caches = append(d.caches, d.opened)
			d.emit(Op{Do: OpenCache, Cache: d.opened})
		}
	case 12:
		if i := int(d.in.next()); len(d.caches) > 0 {
			i %= len(d.caches)
			d.emit(Op{Do: CloseCache, Cache: d.caches[i]})
			d.caches = append(d.caches[:i:i], d.caches[i+1:]...)
		}
	case 13:
		if d.c.trim != nil {
			d.emit(Op{Do: Trim})
		}
	case 14:
		n := uintptr(d.in.next())
		d.emit(Op{Do: Refuse, Size: n * n})
	case 15:
		if i := d.in.next(); i&1 == 0 {
			d.emit(Op{Do: Grant})
		} else {
			d.frames++
			d.emit(Op{Do: Allocate, Frame: d.frames, Size: ^uintptr(0) - uintptr(i/2)*9, Cache: cache})
		}
	}
}

func (d *decoder) emit(op Op) { d.program = append(d.program, op) }

// allocate emits an allocation, unless it would exceed a bound.
func (d *decoder) allocate(cache int, size uintptr) {
	if d.oneSize {
		if d.size == 0 {
			d.size = max(size, 1)
		}
		size = d.size
	}
	if len(d.program) >= maxOperations || len(d.live) >= maxLive || d.bytes+size > maxLiveBytes {
		return
	}
	d.frames++
	op := Op{Do: Allocate, Frame: d.frames, Size: size, Cache: cache}
	d.emit(op)
	d.live = append(d.live, op)
	d.bytes += size
}

// free emits code for the live frame with index i, modulo their number. It emits nothing if no
// frame is live.
func (d *decoder) free(code Code, cache, i int) {
	if len(d.live) == 0 {
		return
	}
	i %= len(d.live)
	op := d.live[i]
	d.emit(Op{Do: code, Frame: op.Frame, Cache: cache})
	d.live = append(d.live[:i:i], d.live[i+1:]...)
	d.bytes -= op.Size
}

// exponents are the logarithms of the sizes that a byte selects. Most are small, like most
// frames of programs.
var exponents = [32]uint8{
	0, 2, 3, 4, 4, 5, 5, 6, 6, 7, 7, 7, 7, 8, 8, 8,
	8, 9, 9, 9, 10, 10, 11, 11, 12, 12, 13, 14, 15, 16, 17, 18,
}

// nextSize decodes a size of two bytes: a power of two, one more or less, or a size between
// two powers.
func (d *decoder) nextSize() uintptr {
	a, b := d.in.next(), d.in.next()
	size := uintptr(1) << exponents[a&31]
	switch a >> 5 {
	case 0, 1:
	case 2, 3:
		size++
	case 4, 5:
		size--
	default:
		size += size * uintptr(b) / 256
	}
	largest := d.c.maxSize
	if d.c.limited { // add some sizes that the allocator must refuse
		largest += largest/8 + 1
	}
	if size > largest {
		size %= largest + 1
	}
	return size
}
