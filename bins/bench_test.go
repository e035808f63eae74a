package bins_test

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
)

// The lists are called by their own types, not through an interface or a type
// parameter, so that Pop and Push are inlined into the loops as they are into
// those of package arena. So each loop is there twice.

// Lists lie on the heap, as in a Cache. What they hold lies in memory, which
// keeps it reachable.
var (
	arrayList     *bins.List
	intrusiveList *intrusive
	memory        []frame
)

// inList is how many frames a benchmark moves at a time: within a list's capacity.
const inList = 100

// openLists makes both lists hold the frames that the benchmark begins with.
func openLists(frames []unsafe.Pointer) {
	arrayList, intrusiveList = new(bins.List), new(intrusive)
	arrayList.Open(bins.ListCap)
	intrusiveList.Open(bins.ListCap)
	for _, p := range frames {
		arrayList.Push(p)
		intrusiveList.Push(p)
	}
}

// spread returns the addresses of n frames of 128 B: one after the other, or in
// random order. It ends the use of those before.
func spread(n int, shuffle bool) []unsafe.Pointer {
	memory = make([]frame, n)
	frames := make([]unsafe.Pointer, n)
	for i := range memory {
		memory[i][0] = 1 // backed by memory of its own, not all by the one page of zeros
		frames[i] = unsafe.Pointer(&memory[i])
	}
	if shuffle {
		random := rand.New(rand.NewPCG(1, 2))
		random.Shuffle(n, func(i, j int) { frames[i], frames[j] = frames[j], frames[i] })
	}
	return frames
}

// BenchmarkListPair frees the frame that was allocated last: DESIGN §7, row 1,
// without what package arena adds. One operation is a Pop and a Push.
func BenchmarkListPair(b *testing.B) {
	frames := spread(inList, false)
	b.Run("array", func(b *testing.B) {
		openLists(frames)
		l := arrayList
		b.ResetTimer()
		for range b.N {
			l.Push(l.Pop())
		}
	})
	b.Run("intrusive", func(b *testing.B) {
		openLists(frames)
		l := intrusiveList
		b.ResetTimer()
		for range b.N {
			l.Push(l.Pop())
		}
	})
}

// BenchmarkListBatch pops 100 frames and then pushes 100. One operation is a Pop
// and a Push.
//
//   - warm: the same 100 frames, which stay in the nearest cache.
//   - cold: the frames pushed are the next of half a million that are spread over 64 MiB, as
//     when tasks end that have slept for long. The frames popped are not written to.
//   - cold-used: the same, but each frame popped is written to, as a task does.
func BenchmarkListBatch(b *testing.B) {
	b.Run("warm", func(b *testing.B) {
		frames := spread(inList, false)
		b.Run("array", func(b *testing.B) {
			openLists(frames)
			l := arrayList
			var popped [inList]unsafe.Pointer // on the stack, where stores need no write barrier
			b.ResetTimer()
			for done := 0; done < b.N; done += inList {
				for i := range popped {
					popped[i] = l.Pop()
				}
				for _, p := range popped {
					l.Push(p)
				}
			}
		})
		b.Run("intrusive", func(b *testing.B) {
			openLists(frames)
			l := intrusiveList
			var popped [inList]unsafe.Pointer // on the stack, where stores need no write barrier
			b.ResetTimer()
			for done := 0; done < b.N; done += inList {
				for i := range popped {
					popped[i] = l.Pop()
				}
				for _, p := range popped {
					l.Push(p)
				}
			}
		})
	})
	cold := spread(64<<20/bins.MinSize/inList*inList, true)
	for _, used := range []bool{false, true} {
		name := "cold"
		if used {
			name = "cold-used"
		}
		b.Run(name, func(b *testing.B) {
			b.Run("array", func(b *testing.B) {
				openLists(nil)
				l := arrayList
				next := 0
				b.ResetTimer()
				for done := 0; done < b.N; done += inList {
					for _, p := range cold[next : next+inList] {
						l.Push(p)
					}
					for range inList {
						if p := l.Pop(); used {
							*(*uintptr)(unsafe.Add(p, 8)) = 1
						}
					}
					if next += inList; next == len(cold) {
						next = 0
					}
				}
			})
			b.Run("intrusive", func(b *testing.B) {
				openLists(nil)
				l := intrusiveList
				next := 0
				b.ResetTimer()
				for done := 0; done < b.N; done += inList {
					for _, p := range cold[next : next+inList] {
						l.Push(p)
					}
					for range inList {
						if p := l.Pop(); used {
							*(*uintptr)(unsafe.Add(p, 8)) = 1
						}
					}
					if next += inList; next == len(cold) {
						next = 0
					}
				}
			})
		})
	}
}

// BenchmarkListDrainFill moves 62 frames to a batch and back: what a publish and a
// refill cost.
func BenchmarkListDrainFill(b *testing.B) {
	openLists(spread(bins.BatchCap+1, false))
	l, batch := arrayList, new(bins.Batch)
	b.ResetTimer()
	for range b.N {
		l.Drain(batch, bins.BatchCap)
		newest := l.Pop() // stays behind, and Fill wants an empty list
		l.Fill(batch)
		l.Push(newest)
	}
}

// BenchmarkStackPushTake pushes a batch and takes one.
func BenchmarkStackPushTake(b *testing.B) {
	const perGoroutine = 8
	batches := make([]bins.Batch, perGoroutine*runtime.GOMAXPROCS(0))
	b.Run("alone", func(b *testing.B) {
		s, batch := new(bins.Stack), &batches[0]
		b.ResetTimer()
		for range b.N {
			s.Push(batch)
			batch = s.Take()
		}
	})
	b.Run("above-others", func(b *testing.B) {
		s, batch := new(bins.Stack), &batches[0]
		for i := range perGoroutine - 1 {
			s.Push(&batches[i+1])
		}
		b.ResetTimer()
		for range b.N {
			s.Push(batch)
			batch = s.Take()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		s := new(bins.Stack)
		var goroutines atomic.Int32
		b.RunParallel(func(pb *testing.PB) {
			first := perGoroutine * int(goroutines.Add(1)-1)
			free := make([]*bins.Batch, 0, len(batches))
			for i := range perGoroutine {
				free = append(free, &batches[first+i])
			}
			for pb.Next() {
				if n := len(free); n > 0 {
					s.Push(free[n-1])
					free = free[:n-1]
				}
				if batch := s.Take(); batch != nil {
					free = append(free, batch)
				}
			}
		})
	})
	runtime.KeepAlive(batches)
}
