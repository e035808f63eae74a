package timerwheel

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/framearena/framearena/internal/offheap"
)

const (
	benchOutstanding = 1_000_000
	benchSpan        = int64(10 * time.Second) // timers are at random within
)

// benchTimers is something that benchmarks fill and empty.
type benchTimers interface {
	add(i int, when int64)
	remove(i int)
	fireUntil(now int64) int
}

type benchWheel struct {
	w     *Wheel
	nodes []Node
	due   [64]offheap.Link[Node]
}

func (b *benchWheel) add(i int, when int64) {
	b.nodes[i].When = when
	b.w.Add(&b.nodes[i])
}

func (b *benchWheel) remove(i int) { b.w.Remove(&b.nodes[i]) }

func (b *benchWheel) fireUntil(now int64) (fired int) {
	for {
		n, more := b.w.Advance(now, b.due[:])
		if fired += n; !more {
			return fired
		}
	}
}

// benchHeap is a heap with four children a node, as others have for timers. at is where
// in the heap a timer is.
type benchHeap struct {
	heap []benchHeapEntry
	at   []int32
}

type benchHeapEntry struct {
	when int64
	i    int32
}

func (b *benchHeap) put(k int, e benchHeapEntry) {
	b.heap[k] = e
	b.at[e.i] = int32(k)
}

func (b *benchHeap) up(k int) {
	e := b.heap[k]
	for k > 0 && e.when < b.heap[(k-1)/4].when {
		b.put(k, b.heap[(k-1)/4])
		k = (k - 1) / 4
	}
	b.put(k, e)
}

func (b *benchHeap) down(k int) {
	e := b.heap[k]
	for {
		least := -1
		for c := 4*k + 1; c < min(4*k+5, len(b.heap)); c++ {
			if least < 0 || b.heap[c].when < b.heap[least].when {
				least = c
			}
		}
		if least < 0 || b.heap[least].when >= e.when {
			break
		}
		b.put(k, b.heap[least])
		k = least
	}
	b.put(k, e)
}

func (b *benchHeap) add(i int, when int64) {
	b.heap = append(b.heap, benchHeapEntry{when, int32(i)})
	b.up(len(b.heap) - 1)
}

func (b *benchHeap) remove(i int) {
	k, last := int(b.at[i]), len(b.heap)-1
	e := b.heap[last]
	b.heap = b.heap[:last]
	if k < last {
		b.put(k, e)
		b.down(k)
		b.up(int(b.at[e.i]))
	}
}

func (b *benchHeap) fireUntil(now int64) (fired int) {
	for len(b.heap) > 0 && b.heap[0].when <= now {
		b.remove(int(b.heap[0].i))
		fired++
	}
	return fired
}

func benchStructures(b *testing.B, f func(b *testing.B, s benchTimers)) {
	b.Run("wheel", func(b *testing.B) {
		f(b, &benchWheel{w: New(TickShift), nodes: newNodes(benchOutstanding + 1)})
	})
	b.Run("heap", func(b *testing.B) {
		f(b, &benchHeap{at: make([]int32, benchOutstanding+1)})
	})
}

// BenchmarkTimersAddRemove adds a timer to many and removes it, once an iteration.
func BenchmarkTimersAddRemove(b *testing.B) {
	benchStructures(b, func(b *testing.B, s benchTimers) {
		random := rand.New(rand.NewPCG(1, 1))
		for i := range benchOutstanding {
			s.add(i, random.Int64N(benchSpan))
		}
		for b.Loop() {
			s.add(benchOutstanding, random.Int64N(benchSpan))
			s.remove(benchOutstanding)
		}
	})
	b.Run("time.AfterFunc", func(b *testing.B) {
		random := rand.New(rand.NewPCG(1, 1))
		timers := make([]*time.Timer, benchOutstanding)
		for i := range timers {
			timers[i] = time.AfterFunc(time.Hour+time.Duration(random.Int64N(benchSpan)), func() {})
		}
		for b.Loop() {
			time.AfterFunc(time.Hour+time.Duration(random.Int64N(benchSpan)), func() {}).Stop()
		}
		b.StopTimer()
		for _, t := range timers {
			t.Stop()
		}
	})
}

// BenchmarkTimersAddFire adds a million timers and has them fire, in an iteration. It
// reports the time for one.
func BenchmarkTimersAddFire(b *testing.B) {
	benchStructures(b, func(b *testing.B, s benchTimers) {
		random := rand.New(rand.NewPCG(1, 1))
		now := int64(0)
		for b.Loop() {
			for i := range benchOutstanding {
				s.add(i, now+random.Int64N(benchSpan))
			}
			fired := 0
			for end := now + benchSpan; now < end; {
				now += int64(time.Millisecond)
				fired += s.fireUntil(now)
			}
			now += tickLen
			if fired += s.fireUntil(now); fired != benchOutstanding {
				b.Fatal(fired)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchOutstanding, "ns/timer")
	})
	b.Run("time.AfterFunc", func(b *testing.B) {
		// There is no way to advance the clock, so they fire as fast as they can.
		var wg sync.WaitGroup
		for b.Loop() {
			wg.Add(benchOutstanding)
			for range benchOutstanding {
				time.AfterFunc(0, wg.Done)
			}
			wg.Wait()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchOutstanding, "ns/timer")
	})
}
