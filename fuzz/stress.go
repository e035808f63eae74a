package fuzz

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/race"
)

// Stress tests an allocator with many goroutines, which allocate, fill, verify, hand over
// and free frames, each through a cache of its own if there are [Caches], and pause at
// random. Between rounds no goroutine uses the allocator, and its figures must be exact.
// Stress fails t at the first broken invariant, and prints the smallest load that has
// broken it. It fails t at once if the option [Concurrent] is missing.
//
// Run it with the race detector too. The kit's own lock orders the goroutines, and could
// hide a missing order in the allocator; with -race, half of the rounds do without it.
// Stress is not a benchmark.
//
// Stress returns when all of its goroutines have ended. See [Check] for new. Stress
// panics as Check does.
func Stress(t testing.TB, new func(testing.TB) arena.FrameAllocator, opts ...StressOption) {
	t.Helper()
	mustBeNew(new)
	c := newConfig(opts...)
	c.withDefault(defaultStress)
	c.shorten()
	if f := c.stress(t, new); f != nil {
		t.Fatal(f.text())
	}
}

const (
	stressRounds = 8
	stressLive   = 24  // most frames that a user holds
	stressPassed = 128 // most frames that are handed over and not taken yet
)

// stress is one execution of the load. Its users share it.
type stress struct {
	c      *config
	tb     *recorder
	main   arena.FrameAllocator
	users  []*stressUser
	passed chan *frame // handed over by one user, and not taken by another yet

	// stopped is set when a violation is found, by the goroutine that found it. Users read
	// it to stop early; a user that reads it late does no harm, so it orders nothing.
	stopped atomic.Bool

	// These are written between rounds, when no user runs.
	keepsLedger bool    // users keep the ledger in this round
	oneSize     uintptr // size of all frames in this round, or 0 for several sizes

	mu     sync.Mutex // guards the fields below during a round
	ledger ledger
	found  *violation // the first
	done   int        // operations of all users; set at the end
}

// stressUser is one user of the allocator. During a round it belongs to the goroutine that
// the round has started for it, otherwise to the goroutine that runs the rounds.
type stressUser struct {
	*stress
	random *rand.Rand
	frames arena.FrameAllocator // its cache, or the allocator
	end    func()               // closes the cache; nil without one
	live   []*frame             // that it holds
	serial uint64               // of its last write
	done   int                  // operations
}

// stress runs the load and, if it fails, searches for a smaller one. It returns the failure,
// or nil.
func (c *config) stress(t testing.TB, new func(testing.TB) arena.FrameAllocator) *failure {
	t.Helper()
	if !c.concurrent {
		t.Fatal("fuzz: Stress needs an allocator that promises Concurrent: add that option, or use Check")
	}
	c.withDefault(defaultStress)
	v, done := c.stressOnce(t, new)
	if v == nil {
		return nil
	}
	f := &failure{violation: v, done: done}
	smallest := *c
	try := func(goroutines, operations int) bool {
		smaller := *c
		smaller.goroutines, smaller.operations = goroutines, operations
		for range 3 {
			if again, _ := smaller.stressOnce(t, new); again != nil && again.invariant == v.invariant {
				smallest, f.violation = smaller, again
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(c.reduceTime); time.Now().Before(deadline); {
		if n := smallest.operations; n > 64 && try(smallest.goroutines, n/2) {
			continue
		}
		if n := smallest.goroutines; n > 1 && try(n/2, smallest.operations) {
			continue
		}
		break
	}
	f.call = stressCall(&smallest, new)
	return f
}

// stressCall returns the source of a test that repeats the load. Concurrent is among the
// promises: without it there is no load.
func stressCall(c *config, new func(testing.TB) arena.FrameAllocator) string {
	return fmt.Sprintf(`func TestReproduction(t *testing.T) {
	for range 10 {
		fuzz.Stress(t, %s, promises, // what the failed test promised
			fuzz.Goroutines(%d), fuzz.Operations(%d), fuzz.Seed(%d))
	}
}
`, nameOf(new), c.goroutines, c.operations, c.seed)
}

// stressOnce runs the load on a new allocator. It returns the first violation, or nil, and
// the number of operations.
func (c *config) stressOnce(t testing.TB, new func(testing.TB) arena.FrameAllocator) (*violation, int) {
	c.withDefault(defaultStress)
	s := &stress{c: c, tb: &recorder{TB: t}, passed: make(chan *frame, stressPassed)}
	end := isolate(func() { s.main = new(s.tb) })
	if s.tb.skipped {
		s.tb.clean()
		t.Skip(s.tb.log.String())
	}
	constructed := run{tb: s.tb, main: s.main}
	if s.found = constructed.checkConstructor(end); s.found == nil {
		s.run()
	}
	if v := s.tb.clean(); s.found == nil {
		s.found = v
	}
	return s.found, s.done
}

// run runs all rounds, or up to the first violation.
func (s *stress) run() {
	defer func() {
		for _, u := range s.users {
			s.done += u.done
		}
	}()
	for i := range s.c.goroutines {
		s.users = append(s.users, &stressUser{stress: s, random: rand.New(rand.NewPCG(s.c.seed, uint64(i)))})
	}
	each := max(1, s.c.operations/s.c.goroutines/stressRounds)
	for round := range stressRounds {
		// Under -race every other round keeps no ledger, because its lock would order the
		// users. The other rounds keep it: they find a frame that was handed out twice
		// before two users write to it, which the detector would report as their race.
		s.keepsLedger = !race.Enabled || round%2 == 0 || s.c.alwaysLedger
		s.oneSize = 0
		if round/2%2 == 0 {
			s.oneSize = 40 << (round % 5)
		}
		if s.oneSize > s.c.maxSize {
			s.oneSize = s.c.maxSize
		}
		s.ledger = ledger{}
		s.all(func(u *stressUser) {
			u.open()
			for i := 0; i < each && !s.stopped.Load(); i++ {
				u.done++
				u.step()
			}
		})
		s.all((*stressUser).look)
		s.all((*stressUser).freeNil)
		s.all((*stressUser).leave)
		if s.found != nil {
			return
		}
		for len(s.passed) > 0 {
			f := <-s.passed
			s.one(func() { s.users[0].frames = s.main; s.users[0].free(f) })
		}
		s.rest()
		if s.found != nil {
			return
		}
	}
}

// all calls f for each user on a goroutine of its own, and waits for all. It does nothing
// after a violation.
func (s *stress) all(f func(*stressUser)) {
	if s.stopped.Load() {
		return
	}
	var all sync.WaitGroup
	for _, u := range s.users {
		all.Go(func() { s.one(func() { f(u) }) })
	}
	all.Wait()
}

// one calls f, and reports a violation if f panics or ends its goroutine. It does nothing
// after a violation.
func (s *stress) one(f func()) {
	if s.stopped.Load() {
		return
	}
	if end := isolate(f); !end.returned {
		var r run
		s.report(r.cutShort(end))
	}
}

// report records a violation, if it is the first, and stops the load. v may be nil.
func (s *stress) report(v *violation) {
	if v == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.found == nil {
		s.found = v
	}
	s.stopped.Store(true)
}

// rest checks the allocator between rounds, when it has no live frames and no goroutine uses
// it.
func (s *stress) rest() {
	if s.keepsLedger && s.ledger.live != 0 {
		panic(fmt.Sprintf("fuzz: %d frames are live between rounds: a fault of the kit", s.ledger.live))
	}
	s.one(func() {
		var none ledger
		s.report(s.c.accounts(s.main, &none))
		if s.c.validate != nil {
			if err := s.c.validate(s.main); err != nil {
				s.report(violated(Invalid, "%v", err))
			}
		}
		s.report(s.tb.verdict())
	})
	// The scheduling of users decides how many frames were live at once; most is the bound.
	if most := s.c.goroutines*stressLive + stressPassed; s.c.recycles && s.ledger.size <= s.c.recycled && s.keepsLedger && !s.ledger.mixed && len(s.ledger.addresses) > most+s.c.slack {
		s.report(violated(Lost, "at most %d frames of %d bytes can have been live at once, and they were handed out at %d different addresses: freed frames are not used again", most, s.ledger.size, len(s.ledger.addresses)))
	}
}

// open opens the user's cache, if there are any.
func (u *stressUser) open() {
	u.frames, u.end = u.main, nil
	if u.c.openCache != nil {
		u.frames, u.end = u.c.openCache(u.main)
	}
}

// through returns the allocator for one operation: the user's cache or, one time in eight,
// the allocator itself.
func (u *stressUser) through() arena.FrameAllocator {
	if u.random.IntN(8) == 0 {
		return u.main
	}
	return u.frames
}

// step does one random operation.
func (u *stressUser) step() {
	switch n := u.random.IntN(1000); {
	case n < 420:
		u.allocate()
	case n < 640:
		if f := u.pick(); f != nil {
			u.free(f)
		}
	case n < 770: // hand over
		if f := u.pick(); f != nil {
			select {
			case u.passed <- f:
			default:
				u.free(f)
			}
		}
	case n < 900: // take over
		select {
		case f := <-u.passed:
			u.verify(f)
			if n%2 == 0 && len(u.live) < stressLive {
				u.live = append(u.live, f)
			} else {
				u.free(f)
			}
		default:
		}
	case n < 930:
		if f := u.pick(); f != nil {
			u.verify(f)
			u.write(f)
			u.live = append(u.live, f)
		}
	case n < 935:
		if u.c.trim != nil {
			u.c.trim(u.main)
		}
	case n < 940:
		if u.end != nil {
			u.end()
			u.open()
		}
	case n < 990:
		for range 1 + n%4 {
			runtime.Gosched()
		}
	default:
		time.Sleep(time.Duration(n%10) * 3 * time.Microsecond)
	}
}

// pick removes a random frame from those that the user holds, and returns it. It returns nil
// if the user holds none.
func (u *stressUser) pick() *frame {
	if len(u.live) == 0 {
		return nil
	}
	i := u.random.IntN(len(u.live))
	f := u.live[i]
	u.live[i] = u.live[len(u.live)-1]
	u.live = u.live[:len(u.live)-1]
	return f
}

// allocate allocates a frame, unless the user holds stressLive. A refusal is a violation only if
// no option allows it: how much is live at that moment is not known exactly.
func (u *stressUser) allocate() {
	if len(u.live) >= stressLive {
		return
	}
	size := u.oneSize
	if size == 0 {
		size = min(uintptr(1+u.random.Uint64N(1<<u.random.IntN(14))), u.c.maxSize)
	}
	p := u.through().Allocate(size)
	if p == nil {
		if !u.c.mayRefuse && !u.c.budgeted && u.c.refuse == nil && len(u.tb.memories) == 0 {
			u.report(violated(WrongRefusal, "a frame of %d bytes was refused without a reason", size))
		}
		return
	}
	u.serial++
	f := newFrame(u.done, p, size)
	f.salt = uint64(f.address) // other goroutines have the same serials
	if !u.admit(f) {
		return
	}
	if u.c.zeroed {
		if i := f.firstNonZero(); i >= 0 {
			u.report(violated(NotZeroed, "byte %d of a new frame of %d bytes is not zero", i, f.size))
		}
	}
	u.write(f)
	u.live = append(u.live, f)
}

// admit checks the address of a new frame and, in rounds with a ledger, adds it. It reports
// whether the address is right.
func (u *stressUser) admit(f *frame) bool {
	var v *violation
	if u.keepsLedger {
		u.mu.Lock()
		if v = u.c.checkPlace(f, &u.ledger); v == nil {
			u.ledger.add(f, u.c.cost(f.size))
		}
		u.mu.Unlock()
	} else {
		var none ledger
		v = u.c.checkPlace(f, &none)
	}
	u.report(v)
	return v == nil
}

func (u *stressUser) write(f *frame) {
	u.serial++
	f.write(u.serial)
}

func (u *stressUser) verify(f *frame) { u.report(damagedAt(f, f.damage())) }

// free verifies a frame and frees it. It leaves the frame alone once the load has stopped.
func (u *stressUser) free(f *frame) {
	u.verify(f)
	if u.stopped.Load() {
		return
	}
	if u.keepsLedger {
		u.mu.Lock()
		u.ledger.remove(f, u.c.cost(f.size))
		u.mu.Unlock()
	}
	u.through().Deallocate(f.p(), f.size)
}

// look verifies all frames that the user holds, while no user changes any.
func (u *stressUser) look() {
	for _, f := range u.live {
		u.verify(f)
	}
}

// freeNil frees nil through the user's cache and through the allocator, as the other users do
// at the same time. What that has changed shows in the checks at the end of the round.
func (u *stressUser) freeNil() {
	var size uintptr
	end := isolate(func() {
		for _, size = range sizesOfNil {
			u.frames.Deallocate(nil, size)
			u.main.Deallocate(nil, size)
		}
	})
	if !end.returned {
		u.report(violated(NilFreed, "Deallocate of nil, with size %d, panicked or ended the goroutine that called it: %v\n%s", size, end.panicked, end.stack))
	}
}

// leave frees all frames that the user holds, and closes its cache.
func (u *stressUser) leave() {
	for f := u.pick(); f != nil; f = u.pick() {
		u.free(f)
	}
	if u.end != nil {
		u.end()
	}
	u.frames, u.end = u.main, nil
}
