package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/race"
)

// crowd is many tasks that wait on one pool for as long as the child lives. Each task has a
// place. The place decides the task's kind and how it waits, so a full crowd always has the
// same frames, however often its tasks were replaced. One goroutine owns the crowd; its tasks
// use calls and the fields that mu guards.
type crowd struct {
	soaker *soaker
	pool   *executor.Pool
	places []place
	calls  *coro.Chan[int64] // a task that waits for a call ends when it receives one
	full   arena.Stats       // taken when all tasks wait

	mu    sync.Mutex // guards what follows
	gone  []uint32   // the places of tasks that have ended and were not replaced yet
	wrong error      // the first error that a task has found
}

// place has what it takes to end the task in a place.
type place struct {
	waker  coro.Waker
	cancel context.CancelCauseFunc
}

// How the tasks of a crowd wait, by the number of their place.
const (
	forWaker = iota
	forTime  // they end when their context does
	forCall
	forChild // the child waits for the waker
	forEither

	waysToWait
)

func wayOf(at uint32) int { return int(at % waysToWait) }

var errMoved = errors.New("soak: replaced")

// dweller is the state of a task of the crowd.
type dweller struct {
	at     uint32
	chosen int
	got    int64
}

// roomy is the state of the child of a task that waits for a child.
type roomy struct {
	dweller
	_ [300]byte
}

// dwelling is the held part of a dweller and of its child.
type dwelling struct {
	crowd *crowd
	waker coro.Waker
}

var kindDweller = coro.DefineHeld("soak: crowd", func(f *coro.Frame[dweller, int64], h *dwelling) coro.Step {
	s := &f.State
	if f.At() == 0 {
		switch wayOf(s.at) {
		case forWaker:
			return coro.Suspend(f, 1, h.waker)
		case forTime:
			return coro.Sleep(f, 1, 1000*time.Hour)
		case forCall:
			return h.crowd.calls.Recv(f, 1, &s.got)
		case forChild:
			return coro.AwaitHeld(f, 1, kindChild, roomy{dweller: *s}, *h, &s.got)
		default:
			return coro.Select(f, 1, &s.chosen, coro.After(1000*time.Hour), h.waker.WaitCase())
		}
	}
	h.crowd.leaves(s, f.Err())
	return f.Return(0)
})

var kindChild = coro.DefineHeld("soak: child of the crowd", func(f *coro.Frame[roomy, int64], h *dwelling) coro.Step {
	if f.At() == 0 {
		return coro.Suspend(f, 1, h.waker)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(int64(f.State.at))
}, coro.NeverElided())

// leaves records the end of a task. The task calls it in its last step.
func (c *crowd) leaves(s *dweller, err error) {
	right := err == nil
	switch wayOf(s.at) {
	case forTime:
		right = err == errMoved
	case forCall:
		right = right && s.got == 1
	case forChild:
		right = right && s.got == int64(s.at)
	case forEither:
		right = right && s.chosen == 1
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !right && c.wrong == nil {
		c.wrong = fmt.Errorf("the task in place %d goes on with %v, case %d, and what it got is %d", s.at, err, s.chosen, s.got)
	}
	c.gone = append(c.gone, s.at)
}

// newCrowd returns a full crowd: a task waits in every place.
func newCrowd(s *soaker) (*crowd, error) {
	n := 100_000
	if race.Enabled {
		n = 20_000
	}
	if small {
		n = 2000
	}
	c := &crowd{
		soaker: s,
		pool:   executor.NewPool(executor.WithErrorHandler(func(error) {})),
		places: make([]place, n),
		calls:  coro.NewChan[int64](0),
	}
	for at := range c.places {
		if err := c.settle(uint32(at)); err != nil {
			return nil, fmt.Errorf("crowd: %w", err)
		}
	}
	waiting := func() int {
		sum := 0
		for _, g := range c.pool.Environment().WaitingByKind() {
			sum += g.N
		}
		return sum
	}
	if !s.within(func() bool { return waiting() >= n }) {
		return nil, fmt.Errorf("crowd: %d of %d tasks that were launched wait%s", waiting(), n, waitingByKind(c.pool))
	}
	c.full = c.pool.Arena().Stats()
	return c, nil
}

// settle launches the task of a place.
func (c *crowd) settle(at uint32) error {
	p := &c.places[at]
	held := dwelling{crowd: c}
	opts := []coro.LaunchOption{}
	switch wayOf(at) {
	case forWaker, forChild, forEither:
		p.waker = coro.NewWaker()
		held.waker = p.waker
		return coro.GoHeld(c.pool, kindDweller, dweller{at: at, chosen: -1}, held)
	case forTime:
		var ctx context.Context
		ctx, p.cancel = context.WithCancelCause(context.Background())
		opts = append(opts, coro.Context(ctx))
	}
	return coro.RunAsync(c.pool, opts...)(kindDweller.With(dweller{at: at, chosen: -1}, held))
}

// run is the crowd's load: it replaces all tasks, up to a twentieth of them at a time, in an
// order that r decides.
func (c *crowd) run(r *rand.Rand, round int) error {
	order := r.Perm(len(c.places))
	if plantedIn(LostFrame, round) {
		c.pool.Arena().Allocate(100)
	}
	for len(order) > 0 && !c.soaker.stopped.Load() {
		n := min(len(order), 1+r.IntN(len(c.places)/20))
		if err := c.replace(order[:n], plantedIn(LostWake, round)); err != nil {
			return err
		}
		order = order[n:]
		if r.IntN(4) == 0 {
			c.pool.Arena().Trim(uintptr(r.IntN(64)) << 20)
		}
		c.soaker.tallies[loadCrowd].add(0, n, 0)
	}
	c.soaker.tallies[loadCrowd].add(1, 0, 0)
	return c.rest() // before the faults' load, which may refuse memory to the crowd too
}

// replace ends the tasks in some places, and launches new ones. A call ends any one of the
// tasks that wait for a call: the place of that task is filled again.
func (c *crowd) replace(places []int, forget bool) error {
	var inVain atomic.Int64
	var all sync.WaitGroup
	const wakers = 3
	for w := range wakers {
		all.Go(func() {
			for i := w; i < len(places); i += wakers {
				if forget && i == len(places)/2 {
					continue
				}
				if !c.send(uint32(places[i])) {
					inVain.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := inVain.Load(); n > 0 {
		return fmt.Errorf("%d of %d tasks could not be woken", n, len(places))
	}
	var gone []uint32
	var wrong error
	look := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		gone, wrong = c.gone, c.wrong
		return len(gone)
	}
	if !c.soaker.within(func() bool { return look() == len(places) || wrong != nil }) {
		return fmt.Errorf("%d of %d tasks that were woken have gone on%s", len(gone), len(places), waitingByKind(c.pool))
	}
	if wrong != nil {
		return wrong
	}
	c.mu.Lock()
	c.gone = nil
	c.mu.Unlock()
	for _, at := range gone {
		if err := c.settle(at); err != nil {
			return err
		}
	}
	return nil
}

// send ends the task of a place, or another one that waits for a call.
func (c *crowd) send(at uint32) bool {
	p := &c.places[at]
	switch wayOf(at) {
	case forTime:
		p.cancel(errMoved)
		return true
	case forCall:
		return c.soaker.within(func() bool { return c.calls.TrySend(1) }) // a task may be about to wait
	default:
		return p.waker.Wake()
	}
}

// rest returns an error if the crowd has other frames than a full one.
func (c *crowd) rest() error {
	c.mu.Lock()
	wrong := c.wrong
	c.mu.Unlock()
	if wrong != nil {
		return wrong
	}
	same := func() bool {
		now := c.pool.Arena().Stats()
		for i, k := range now.Classes {
			if k.Live != c.full.Classes[i].Live {
				return false
			}
		}
		return now.Large == c.full.Large && now.Total.Carved == now.Total.Live+now.Total.Private+now.Total.Public
	}
	if !c.soaker.within(same) {
		now := c.pool.Arena().Stats()
		var b strings.Builder
		for i, k := range now.Classes {
			if right := c.full.Classes[i].Live; right != k.Live {
				fmt.Fprintf(&b, "; of %d bytes there are %d, and should be %d", k.Size, k.Live, right)
			}
		}
		return fmt.Errorf("frames of %d tasks: %d carved, %d live, %d private, %d public, %d large%s%s", len(c.places),
			now.Total.Carved, now.Total.Live, now.Total.Private, now.Total.Public, now.Large, b.String(), waitingByKind(c.pool))
	}
	c.pool.Arena().Trim(0)
	return nil
}

// close ends all tasks, and returns an error if a frame is live afterwards.
func (c *crowd) close() error {
	if err := c.pool.Close(); err != nil {
		return named(loadCrowd, err)
	}
	runtime.KeepAlive(c.places)
	return nil
}

// waitingByKind lists what the tasks on an executor wait for.
func waitingByKind(ex coro.Executor) string {
	var b strings.Builder
	for _, g := range ex.Environment().WaitingByKind() {
		fmt.Fprintf(&b, "; %d of %q in %s", g.N, g.Kind.Name, g.What)
	}
	return b.String()
}
