package frames

import (
	"sync"
	"unsafe"

	"github.com/bytedance/gopkg/lang/mcache"
	bufferpool "github.com/libp2p/go-buffer-pool"
	"modernc.org/memory"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bins"
)

// mixed is an allocator of pieces of any size.
type mixed struct {
	get   func(size uintptr) unsafe.Pointer
	put   func(p unsafe.Pointer, size uintptr)
	close func() error // nil if there is nothing to close
}

// mixedLive is how many pieces are live, as in the programs in C.
const mixedLive = 10_000

// dice are the random numbers of the discipline, the same as in the programs in C.
type dice uint64

func (d *dice) roll() uint64 {
	x := uint64(*d)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*d = dice(x)
	return x
}

// mixedSize returns a size from 64 bytes to 4 KiB. Small sizes are more frequent: each doubling
// has the same share.
func mixedSize(roll uint64) uintptr {
	low := uintptr(64) << (roll % 6)
	return low + uintptr(roll>>8)&(low-1) + 1
}

// run replaces one of the live pieces, n times: it reads and frees the piece, and allocates
// and writes one of another size.
func (m mixed) run(n int) error {
	type piece struct {
		p    unsafe.Pointer
		size uintptr
	}
	pieces := make([]piece, mixedLive)
	d := dice(88172645463325252)
	sum := uint64(0)
	for i := range uint64(n) {
		roll := d.roll()
		at := &pieces[roll>>32%mixedLive]
		if at.p != nil {
			sum += *number(at.p)
			m.put(at.p, at.size)
		}
		at.size = mixedSize(roll)
		at.p = m.get(at.size)
		*number(at.p) = i
	}
	for _, at := range pieces {
		if at.p != nil {
			sum += *number(at.p)
			m.put(at.p, at.size)
		}
	}
	return contest.Check("the sum", sum, below(n))
}

func mixedContestant(name string, role contest.Role, open func() (mixed, error), note string) contest.Contestant {
	return contest.Contestant{
		Name: name, Lang: "Go", Role: role, Note: note,
		Sample: contest.Timed(mixedLive, func() (contest.Runner, error) {
			m, err := open()
			return contest.Runner{Do: func(n int) error { return m.run(n * mixedLive) }, Close: m.close}, err
		}),
	}
}

func mixedSizes() contest.Discipline {
	return contest.Discipline{
		ID: "alloc-mixed", Group: group, Title: "Sizes from 64 bytes to 4 KiB",
		About: "Of 10,000 live pieces, one at random is read and freed, and one of a random size is allocated and written in its place, " +
			"again and again. Small sizes are more frequent. The time is of one replacement.",
		Metrics: []contest.Metric{contest.Time},
		Contestants: append([]contest.Contestant{
			mixedContestant("framearena, owner's cache", contest.Ours, func() (mixed, error) {
				a, err := arena.New()
				if err != nil {
					return mixed{}, err
				}
				c := a.NewCache()
				return mixed{c.Allocate, c.Deallocate, func() error { c.Close(); return a.Close() }}, nil
			}, "sizes are rounded up to powers of two from 128 bytes"),
			mixedContestant("framearena, any goroutine", contest.Ours, func() (mixed, error) {
				a, err := arena.New()
				if err != nil {
					return mixed{}, err
				}
				return mixed{a.Allocate, a.Deallocate, a.Close}, nil
			}, ""),
			mixedContestant("sync.Pool for each power of two", contest.Peer, func() (mixed, error) {
				var pools [bins.Classes]sync.Pool
				return mixed{
					get: func(size uintptr) unsafe.Pointer {
						k := bins.ClassOf(size)
						if p, ok := pools[k].Get().(*byte); ok {
							return unsafe.Pointer(p)
						}
						return unsafe.Pointer(unsafe.SliceData(make([]byte, k.Size())))
					},
					put: func(p unsafe.Pointer, size uintptr) { pools[bins.ClassOf(size)].Put((*byte)(p)) },
				}, nil
			}, ""),
			mixedContestant("make", contest.Peer, func() (mixed, error) {
				return mixed{
					get: func(size uintptr) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(make([]byte, size))) },
					put: func(unsafe.Pointer, uintptr) {},
				}, nil
			}, ""),
			mixedContestant("modernc.org/memory", contest.Peer, func() (mixed, error) {
				m := new(memory.Allocator)
				return mixed{
					get:   func(size uintptr) unsafe.Pointer { return must(m.UnsafeMalloc(int(size))) },
					put:   func(p unsafe.Pointer, _ uintptr) { check(m.UnsafeFree(p)) },
					close: m.Close,
				}, nil
			}, "for one goroutine"),
			mixedContestant("bytedance/gopkg mcache", contest.Peer, func() (mixed, error) {
				return mixed{
					get: func(size uintptr) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(mcache.Malloc(int(size)))) },
					put: func(p unsafe.Pointer, size uintptr) { mcache.Free(unsafe.Slice((*byte)(p), powerOfTwo(size))) },
				}, nil
			}, ""),
			mixedContestant("libp2p/go-buffer-pool", contest.Peer, func() (mixed, error) {
				pool := new(bufferpool.BufferPool)
				return mixed{
					get: func(size uintptr) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(pool.Get(int(size)))) },
					put: func(p unsafe.Pointer, size uintptr) { pool.Put(unsafe.Slice((*byte)(p), powerOfTwo(size))) },
				}, nil
			}, ""),
			mixedContestant("malloc through cgo", contest.Peer, openCgoMixed, ""),
		}, native("mixed")...),
	}
}

// powerOfTwo rounds a size up to a power of two.
func powerOfTwo(size uintptr) uintptr {
	p := uintptr(1)
	for p < size {
		p <<= 1
	}
	return p
}
