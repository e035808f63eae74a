package crowd

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/bench/internal/stats"
)

const (
	// requestEvery is the time from one request to the next, whether or not that one was
	// served: 10,000 a second.
	requestEvery = 100 * time.Microsecond

	// requestGarbage is how many bytes a request leaves to the collector.
	requestGarbage = 1024

	// busyRoom is how many requests may wait for a busy activity.
	busyRoom = 64
)

// request is a request that comes due at a time, and the place for what it took.
type request struct {
	load *load
	i    int32
}

// load is requests at a steady rate.
type load struct {
	start  time.Time
	took   []time.Duration // by request; each written once, by the one that serves it
	served atomic.Int64    // how many were written
}

// serve is what a busy activity does with a request. How long it took counts from when it
// came due, so one that comes late, because somebody was in its way, is not overlooked.
func (r request) serve() {
	garbage := make([]byte, requestGarbage)
	for i := range garbage {
		garbage[i] = byte(i)
	}
	garbageKept.Store(&garbage)
	r.load.took[r.i] = time.Since(r.load.start) - time.Duration(r.i)*requestEvery
	r.load.served.Add(1)
}

// garbageKept has the compiler put garbage on the heap.
var garbageKept atomic.Pointer[[]byte]

// percentiles are how long requests took.
type percentiles struct{ p50, p99, p999 time.Duration }

// runLoad has busy activities serve requests for some time.
func runLoad(c crowd, busy int, d time.Duration) percentiles {
	n := max(int(d/requestEvery), 1)
	l := &load{start: time.Now(), took: make([]time.Duration, n)}
	for i := range n {
		for time.Since(l.start) < time.Duration(i)*requestEvery {
			runtime.Gosched()
		}
		c.request(i*7919%busy, request{l, int32(i)})
	}
	await(&l.served, n)
	slices.Sort(l.took)
	return percentiles{stats.Percentile(l.took, 50), stats.Percentile(l.took, 99), stats.Percentile(l.took, 99.9)}
}

// whileCollecting runs f while a collection begins every 250 ms, or when the last one has
// ended.
func whileCollecting(f func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			runtime.GC()
			select {
			case <-stop:
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	f()
	close(stop)
	<-stopped
}
