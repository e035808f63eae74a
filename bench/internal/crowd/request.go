package crowd

import (
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/bench/internal/stats"
)

const (
	// requestEvery is the time from one request to the next, whether or not the earlier one
	// was served: there are 10,000 a second.
	requestEvery = 100 * time.Microsecond

	// requestGarbage is how many bytes a request leaves to the collector.
	requestGarbage = 1024

	// busyRoom is how many requests may wait for one busy activity.
	busyRoom = 64
)

// request is the i-th request of a load.
type request struct {
	load *load
	i    int32
}

// load is requests at a steady rate.
type load struct {
	start  time.Time
	took   []time.Duration // by request; each written once, by the activity that serves it
	served atomic.Int64    // how many elements of took are written
}

// serve is what a busy activity does with a request. The time of a request counts from when it
// was due, so it includes the delay of a request that was sent late.
func (r request) serve() {
	garbage := make([]byte, requestGarbage)
	for i := range garbage {
		garbage[i] = byte(i)
	}
	garbageKept.Store(&garbage)
	r.load.took[r.i] = time.Since(r.load.start) - time.Duration(r.i)*requestEvery
	r.load.served.Add(1)
}

// garbageKept makes the compiler put the garbage on the heap.
var garbageKept atomic.Pointer[[]byte]

// percentiles are the times of requests.
type percentiles struct{ p50, p99, p999 time.Duration }

// runLoad sends requests to the busy activities for a time of d.
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

// whileCollecting runs f while the collector runs again and again, with a pause of 250 ms
// between two collections.
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
