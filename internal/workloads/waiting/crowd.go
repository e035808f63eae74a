package waiting

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/testclock"
)

// Crowd is many roots, or goroutines, of one form. It belongs to one goroutine, and a process has
// one at a time.
type Crowd struct {
	form     *Form
	executor base
	other    base        // of AwaitOn
	settle   func(n int) // returns when the n roots that were launched wait, or their steps have returned
	clock    *testclock.Clock
	launched int

	// What the program of the form has beside its tasks. A form uses some of these fields.
	// Slices have room for all roots before the first is launched, so that this room does not
	// count as memory of the roots.
	ctx      context.Context // shared by all roots
	cancel   context.CancelFunc
	counting *arena.Counting
	cancels  []context.CancelFunc
	wakers   []coro.Waker
	handles  []*coro.Handle[int]
	placed   []*placed
	parked   sync.WaitGroup // counts goroutines that do not wait yet
}

// base is the executor of a crowd.
type base interface {
	coro.Executor
	Arena() *arena.Arena
	Close() error
}

// ended is how many roots of the crowd have ended, and failed is the first error among them.
// Each root has ended with the result 1, which is what it adds to ended.
var (
	ended  atomic.Int64
	failed atomic.Pointer[error]
)

// fail records the error of a root.
func fail(err error) { failed.CompareAndSwap(nil, &err) }

// Open returns a crowd of the form, without any roots yet, on an [executor.Inline]: a launch returns
// when its root waits, so nothing depends on the scheduler. The crowd has to be closed.
func (f *Form) Open() *Crowd {
	c := f.open()
	opts := []executor.InlineOption{executor.WithClock(c.clock), executor.WithErrorHandler(fail)}
	c.executor, c.other = executor.NewInline(opts...), executor.NewInline(opts...)
	c.settle = func(int) {}
	return c
}

// OpenOnPool is Open on an [executor.Pool].
func (f *Form) OpenOnPool() *Crowd {
	c := f.open()
	opts := []executor.PoolOption{executor.WithClock(c.clock), executor.WithErrorHandler(fail)}
	pool, other := executor.NewPool(opts...), executor.NewPool(opts...)
	c.executor, c.other = pool, other
	c.settle = func(n int) {
		idle := func(p *executor.Pool, n int) bool {
			s := p.Stats()
			return s.Tasks >= uint64(n) && s.Queued == 0 && s.Idle == len(s.Workers)
		}
		for !idle(pool, n) || !idle(other, 0) || !idle(pool, n) {
			time.Sleep(100 * time.Microsecond)
		}
	}
	return c
}

func (f *Form) open() *Crowd {
	ended.Store(0)
	failed.Store(nil)
	c := &Crowd{form: f, clock: new(testclock.Clock)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	openGates()
	crowd = c
	return c
}

// Prepare makes room for what the program of the form has beside n roots. It is called once,
// before Launch and before the first measurement.
func (c *Crowd) Prepare(n int) error {
	c.counting = arena.NewCounting(c.executor.Arena())
	if c.form.prepare == nil {
		return nil
	}
	return c.form.prepare(c, n)
}

// Launch launches n roots, and returns when all of them wait.
func (c *Crowd) Launch(n int) error {
	for i := range n {
		if err := c.form.launch(c, i); err != nil {
			return fmt.Errorf("root %d: %w", i, err)
		}
	}
	c.launched = n
	if c.form.Group != Goroutines && !c.form.bare {
		c.settle(n)
	}
	c.parked.Wait()
	if runtime.NumGoroutine() > n {
		time.Sleep(settling) // goroutines that have counted themselves may be about to wait
	}
	if n := ended.Load(); n != 0 {
		return fmt.Errorf("%d roots have not waited", n)
	}
	return c.failure()
}

// settling is how long goroutines have to get from their last statement to their wait.
const settling = 50 * time.Millisecond

// patience is how long Release waits for roots that other goroutines release.
const patience = time.Minute

// Release lets all roots end, and returns when they have. The error says whether one has failed,
// or has not ended.
func (c *Crowd) Release() error {
	if c.form.release == nil {
		gate.Set()
	} else {
		c.form.release(c)
	}
	want := int64(c.launched)
	if c.form.bare {
		want = 0
	}
	late := time.Now().Add(patience)
	for ended.Load() != want || c.executor.Environment().Live() != 0 {
		if time.Now().After(late) {
			return errors.Join(fmt.Errorf("%d of %d roots have ended", ended.Load(), want), c.failure())
		}
		time.Sleep(100 * time.Microsecond)
	}
	c.cancels, c.wakers, c.handles, c.placed = nil, nil, nil, nil
	return c.failure()
}

// failure returns the first error of a root.
func (c *Crowd) failure() error {
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

// Close closes the executors. It returns an error if a frame is left.
func (c *Crowd) Close() error {
	c.cancel()
	crowd = nil
	return errors.Join(c.executor.Close(), c.other.Close())
}

// Trim gives back what can be given back.
func (c *Crowd) Trim() {
	coro.TrimHeap()
	c.executor.Arena().Trim(0)
	c.other.Arena().Trim(0)
}

// Memory is the memory of a process at some moment, in bytes. The memory of the roots is the
// difference of two.
type Memory struct {
	Heap    int64 // live objects on the Go heap, after a collection
	Objects int64 // their number
	Scanned int64 // those parts of Heap that a collection scans: they make it longer
	Stacks  int64 // stacks of goroutines
	Frames  int64 // live frames in the executors' arenas, each with the size of its class
	Mapped  int64 // memory that the arenas have mapped: whole slabs
}

// Total returns the memory that the roots keep, whatever kind of memory it is.
func (m Memory) Total() int64 { return m.Heap + m.Stacks + m.Frames }

// Sub returns the difference m - n.
func (m Memory) Sub(n Memory) Memory {
	return Memory{m.Heap - n.Heap, m.Objects - n.Objects, m.Scanned - n.Scanned, m.Stacks - n.Stacks, m.Frames - n.Frames, m.Mapped - n.Mapped}
}

// Memory collects garbage and returns the memory of the process.
func (c *Crowd) Memory() Memory {
	runtime.GC()
	runtime.GC() // what sync.Pools have survives one collection
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	scanned := []metrics.Sample{{Name: "/gc/scan/heap:bytes"}}
	metrics.Read(scanned)
	m := Memory{Heap: int64(s.HeapAlloc), Objects: int64(s.HeapObjects), Scanned: int64(scanned[0].Value.Uint64()), Stacks: int64(s.StackInuse)}
	for _, a := range []*arena.Arena{c.executor.Arena(), c.other.Arena()} {
		stats := a.Stats()
		for _, class := range stats.Classes {
			m.Frames += int64(class.Live) * int64(class.Size)
		}
		m.Frames += int64(stats.LargeBytes)
		m.Mapped += int64(stats.MappedBytes)
	}
	return m
}

// MappedBytes returns the memory that the crowd's arenas have mapped, in bytes.
func (c *Crowd) MappedBytes() uintptr {
	return c.executor.Arena().Stats().MappedBytes + c.other.Arena().Stats().MappedBytes
}
