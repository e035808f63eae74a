package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// runWaits is the waits' load: tasks wait for each other and for goroutines, on one executor
// after the other.
func (s *soaker) runWaits(r *rand.Rand, _ int) error {
	for range s.share(15) {
		how := waitsHow(r.IntN(int(waitsHows)))
		random := rand.New(rand.NewPCG(r.Uint64(), 0))
		if s.stopped.Load() {
			return nil
		}
		w := newWaits(s, random, &s.tallies[loadWaits], how, executor.NewPool(executor.WithWorkers(1+random.IntN(4)), quiet))
		if err := w.run(random); err != nil {
			return err
		}
	}
	return nil
}

// quiet ignores errors of roots: the launches have handlers of their own.
var quiet = executor.WithErrorHandler(func(error) {})

// waitsHow is the way in which the tasks end.
type waitsHow int

const (
	byThemselves waitsHow = iota
	byContext             // the contexts of some of them end, at any time
	byClose               // the executor is closed, at any time

	waitsHows
)

// waits has the tasks of one executor, and what they share. Everything that could get lost on
// its way is counted at both ends.
type waits struct {
	soaker *soaker
	tally  *tally
	how    waitsHow
	pool   *executor.Pool
	on     coro.Executor // the pool, or a strand on it
	faulty bool          // steps panic and exit, and memory is refused

	mutexes   [3]coro.Mutex
	inside    [3]int // how often each mutex was locked; guarded by the mutex
	locks     [3]atomic.Int64
	semaphore *coro.Semaphore
	permits   atomic.Int64 // how many the tasks have
	numbers   [3]*coro.Chan[int64]
	sent      atomic.Int64 // the sum of the numbers sent
	received  atomic.Int64 // the sum of the numbers received
	event     coro.Event
	wakers    chan coro.Waker // for goroutines to wake
	woken     atomic.Int64    // how often Wake reported true
	went      atomic.Int64    // how often a task resumed after a Suspend

	left atomic.Int64   // the roots that have not ended, plus 1 while there are launches
	over chan struct{}  // closed when left is 0
	ends []atomic.Int32 // how often each root has ended

	mu    sync.Mutex // guards wrong
	wrong error      // the first fault
}

const semaphorePermits = 3

var errStopped = errors.New("soak: stopped")

// waiting is the state of a task.
type waiting struct {
	children coro.Group
	random   uint64
	left     int32 // how many more things the task will do
	depth    int32
	chosen   int
	number   int64 // the number that is sent
	got      int64
	mutex    int32
	locked   bool
	permit   bool
}

// withWaits is the held part of a task.
type withWaits struct {
	waits *waits
	waker coro.Waker
}

func newWaits(s *soaker, r *rand.Rand, t *tally, how waitsHow, pool *executor.Pool) *waits {
	w := &waits{
		soaker: s, tally: t, how: how, pool: pool, on: pool,
		semaphore: coro.NewSemaphore(semaphorePermits),
		wakers:    make(chan coro.Waker, 64),
		over:      make(chan struct{}),
	}
	switch r.IntN(4) {
	case 0:
		w.on = executor.NewStrand(pool)
	case 1:
		w.on = pool.High()
	}
	for i := range w.numbers {
		w.numbers[i] = coro.NewChan[int64](i * i)
	}
	return w
}

func (w *waits) fault(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong == nil {
		w.wrong = fmt.Errorf(format, args...)
	}
}

// Resume points.
const (
	atNext = iota
	atLocked
	atUnlock
	atPermit
	atRelease
	atSent
	atReceived
	atWoken
	atSelected
	atChild
)

var kindWaiting *coro.HeldKind[waiting, withWaits, int64]

func init() { // the step refers to the kind
	kindWaiting = coro.DefineHeld("soak: waiting", stepWaiting, coro.HasCleanup())
}

func stepWaiting(f *coro.Frame[waiting, int64], h *withWaits) coro.Step {
	s, w := &f.State, h.waits
	at, err := f.At(), f.Err()
	if at == coro.Cleanup {
		s.giveBack(w)
		return f.Fail(err)
	}
	if err == nil || at == atUnlock || at == atRelease {
		w.tally.operations.Add(1)
		switch at {
		case atLocked:
			w.locks[s.mutex].Add(1)
			s.locked = true
			w.inside[s.mutex]++
			if s.one(2) {
				return coro.Yield(f, atUnlock)
			}
			s.giveBack(w)
		case atPermit:
			s.permit = true
			if n := w.permits.Add(1); n > semaphorePermits {
				w.fault("%d tasks have one of %d permits", n, semaphorePermits)
			}
			return coro.Yield(f, atRelease)
		case atUnlock, atRelease:
			s.giveBack(w)
		case atSent:
			w.sent.Add(s.number)
		case atReceived:
			w.received.Add(s.got)
		case atWoken:
			w.went.Add(1)
		case atSelected:
			switch s.chosen {
			case 0:
				w.received.Add(s.got)
			case 1:
				w.sent.Add(s.number)
			}
		}
	}
	if err != nil && !(at == atChild && w.handles(err)) && !(w.faulty && errors.Is(err, errExhausted)) {
		return f.Fail(err)
	}
	return s.next(f, h)
}

// handles reports whether a task continues after its child has failed with err.
func (w *waits) handles(err error) bool {
	var panicked *coro.PanicError
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &panicked)
}

func (s *waiting) giveBack(w *waits) {
	if s.permit {
		s.permit = false
		w.permits.Add(-1)
		w.semaphore.Release(1)
	}
	if s.locked {
		s.locked = false
		w.mutexes[s.mutex].Unlock()
	}
}

func (s *waiting) below(n int) int {
	s.random ^= s.random << 13
	s.random ^= s.random >> 7
	s.random ^= s.random << 17
	return int((s.random >> 33) % uint64(n))
}

func (s *waiting) one(in int) bool { return s.below(in) == 0 }

// child returns the state of a child.
func (s *waiting) child() waiting {
	s.below(2)
	return waiting{random: s.random*6364136223846793005 | 1, left: int32(1 + s.below(4)), depth: s.depth - 1}
}

// next does the next thing.
func (s *waiting) next(f *coro.Frame[waiting, int64], h *withWaits) coro.Step {
	w := h.waits
	if s.left--; s.left < 0 {
		return f.Return(1)
	}
	if w.faulty && s.one(16) {
		return s.dies()
	}
	numbers := w.numbers[s.below(len(w.numbers))]
	s.number = int64(1 + s.below(1<<20))
	kinds := 11
	if s.depth == 0 {
		kinds = 8
	}
	switch s.below(kinds) {
	case 0:
		s.mutex = int32(s.below(len(w.mutexes)))
		return w.mutexes[s.mutex].Lock(f, atLocked)
	case 1:
		return w.semaphore.Acquire(f, atPermit, 1)
	case 2:
		return numbers.Send(f, atSent, s.number)
	case 3:
		return numbers.Recv(f, atReceived, &s.got)
	case 4:
		h.waker = coro.NewWaker()
		select {
		case w.wakers <- h.waker:
		default:
			w.wake(h.waker)
		}
		return coro.Suspend(f, atWoken, h.waker)
	case 5:
		return coro.Sleep(f, atNext, time.Duration(s.below(1000))*time.Microsecond)
	case 6:
		return coro.Select(f, atSelected, &s.chosen, numbers.RecvCase(&s.got), w.numbers[s.below(len(w.numbers))].SendCase(s.number),
			w.event.WaitCase(), coro.After(time.Duration(s.below(2000))*time.Microsecond))
	case 7:
		return w.event.Wait(f, atNext)
	case 8:
		return coro.AwaitHeld(f, atChild, kindWaiting, s.child(), withWaits{waits: w}, &s.got)
	case 9:
		return coro.AwaitCall(f, atChild, kindWaiting.With(s.child(), withWaits{waits: w}), &s.got, coro.Timeout(time.Duration(s.below(2000))*time.Microsecond))
	default:
		for range 2 + s.below(2) {
			coro.SpawnCall(f, &s.children, kindWaiting.With(s.child(), withWaits{waits: w}), nil)
		}
		return s.children.Wait(f, atChild)
	}
}

func (w *waits) wake(k coro.Waker) {
	if k.Wake() {
		w.woken.Add(1)
	}
}

// run launches the tasks, wakes them, and returns an error if something got lost.
func (w *waits) run(r *rand.Rand) error {
	const contexts = 8
	var ctxs [contexts]context.Context
	var cancels [contexts]context.CancelCauseFunc
	for i := range ctxs {
		ctxs[i], cancels[i] = context.WithCancelCause(context.Background())
		defer cancels[i](nil)
	}
	roots := 20 + r.IntN(200)
	w.ends = make([]atomic.Int32, roots)
	w.left.Store(int64(roots) + 1)

	var helpers sync.WaitGroup
	for range 2 {
		helpers.Go(func() {
			for k := range w.wakers {
				w.wake(k)
			}
		})
	}
	helpers.Go(w.nudge)
	var launches sync.WaitGroup
	for half := range 2 {
		random := rand.New(rand.NewPCG(r.Uint64(), 0))
		launches.Go(func() {
			for i := half; i < roots; i += 2 {
				var opts []coro.LaunchOption
				if w.how == byContext {
					opts = append(opts, coro.Context(ctxs[random.IntN(contexts)]))
				}
				w.launch(i, random, opts)
			}
		})
	}
	switch w.how {
	case byContext:
		for _, cancel := range cancels[1:] {
			time.Sleep(time.Duration(r.IntN(500)) * time.Microsecond)
			cancel(errStopped)
		}
	case byClose:
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		if err := w.pool.Close(); err != nil {
			return err
		}
	}
	launches.Wait()
	w.ended() // there are no more launches
	end := time.NewTimer(w.soaker.patience)
	defer end.Stop()
	select {
	case <-w.over:
	case <-end.C:
		return fmt.Errorf("%d of %d roots have not ended%s", w.left.Load(), roots, waitingByKind(w.pool))
	}
	close(w.wakers)
	helpers.Wait()
	w.tally.add(1, roots, 0)
	return w.check()
}

// nudge wakes tasks whose Event no other task sets, or whose number no other task sends or
// receives, until all have ended.
func (w *waits) nudge() {
	for {
		select {
		case <-w.over:
			return
		default:
		}
		w.event.Set()
		w.event.Reset()
		for _, c := range w.numbers {
			if v, ok := c.TryRecv(); ok {
				w.received.Add(v)
			}
			if c.TrySend(1) {
				w.sent.Add(1)
			}
		}
		time.Sleep(50 * time.Microsecond)
	}
}

func (w *waits) launch(i int, r *rand.Rand, opts []coro.LaunchOption) {
	call := kindWaiting.With(waiting{random: r.Uint64() | 1, left: int32(1 + r.IntN(20)), depth: 3}, withWaits{waits: w})
	opts = append(opts,
		coro.OnResult(func(int64) { w.rootEnded(i, nil) }),
		coro.OnError(func(err error) { w.rootEnded(i, err) }))
	if err := coro.RunAsync(w.on, opts...)(call); err != nil {
		w.rootEnded(i, err)
	}
}

func (w *waits) rootEnded(i int, err error) {
	if n := w.ends[i].Add(1); n != 1 {
		w.fault("root %d has ended %d times, now with %v", i, n, err)
		return
	}
	if !w.allows(err) {
		w.fault("root %d has ended with: %w", i, err)
	}
	w.ended()
}

func (w *waits) ended() {
	if w.left.Add(-1) == 0 {
		close(w.over)
	}
}

// allows reports whether a root may end with err.
func (w *waits) allows(err error) bool {
	var panicked *coro.PanicError
	switch {
	case err == nil:
		return true
	case w.faulty && (errors.Is(err, errExhausted) || errors.As(err, &panicked)):
		return true
	case w.how == byContext:
		return errors.Is(err, errStopped)
	case w.how == byClose:
		return errors.Is(err, executor.ErrClosed)
	}
	return false
}

// check returns the first thing that is wrong when all roots have ended.
func (w *waits) check() error {
	if err := w.pool.Close(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong != nil {
		return w.wrong
	}
	if n := w.permits.Load(); n != 0 {
		return fmt.Errorf("%d permits were not given back", n)
	}
	if w.how == byClose {
		return nil // a task may have ended before it could count what it was given
	}
	for i := range w.mutexes {
		if !w.mutexes[i].TryLock() {
			return fmt.Errorf("a mutex is still locked")
		}
		if n := w.locks[i].Load(); int64(w.inside[i]) != n {
			return fmt.Errorf("a mutex was locked %d times, and %d times somebody was alone", n, w.inside[i])
		}
	}
	if !w.semaphore.TryAcquire(semaphorePermits) {
		return fmt.Errorf("not all permits are there")
	}
	for _, c := range w.numbers {
		for v, ok := c.TryRecv(); ok; v, ok = c.TryRecv() {
			w.received.Add(v)
		}
	}
	if s, r := w.sent.Load(), w.received.Load(); s != r {
		return fmt.Errorf("numbers sent are %d together, and those received %d", s, r)
	}
	if a, b := w.woken.Load(), w.went.Load(); a != b {
		return fmt.Errorf("%d tasks were woken, and %d went on", a, b)
	}
	return nil
}
