package fuzz

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/race"
)

// Stress tests an allocator that is [Concurrent] with many goroutines, which allocate,
// fill, hand over, look at and free frames, each through a cache of its own if there are
// [Caches], and stop for a moment at any point. Between rounds all are at rest, and the
// figures must be right. It fails t at the first broken invariant, with the smallest
// call of Stress that was seen to break it.
//
// Run it with the race detector too: part of the rounds is without any lock of the
// kit's, which would order what the allocator has left unordered. It is no benchmark.
//
// See [Check] for new.
func Stress(t testing.TB, new func(testing.TB) arena.FrameAllocator, opts ...Option) {
	t.Helper()
	c := newConfig(opts)
	c.shorten()
	if f := c.stress(t, new, len(opts) > 0); f != nil {
		t.Fatal(f.text())
	}
}

const (
	stressRounds = 8
	stressLive   = 24  // frames that a goroutine has at most
	stressUnder  = 128 // frames that are handed over at any time, at most
)

// stress is one execution of the load. Its users share it.
type stress struct {
	c       *config
	tb      *recorder
	main    arena.FrameAllocator
	users   []*stressUser
	passed  chan *frame // handed over, and not taken yet
	stopped atomic.Bool // set once a violation is found; read by users, to end early

	// isWatched says that the ledger is kept in this round; written between rounds.
	isWatched bool
	oneSize   uintptr // of all frames in this round, or 0; written between rounds

	mu     sync.Mutex // guards the rest
	ledger ledger
	found  *violation
	done   int
}

// stressUser is a goroutine of the load. It belongs to it during a round.
type stressUser struct {
	*stress
	random *rand.Rand
	frames arena.FrameAllocator // its cache, or the allocator
	end    func()               // closes the cache; nil if there is none
	live   []*frame
	serial uint64
	done   int
}

// stress returns the first failure, or nil.
func (c *config) stress(t testing.TB, new func(testing.TB) arena.FrameAllocator, promises bool) *failure {
	t.Helper()
	if !c.concurrent {
		t.Fatal("fuzz: Stress of an allocator that is not Concurrent: give that option, or use Check")
	}
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
	for deadline := time.Now().Add(c.patience); time.Now().Before(deadline); {
		if n := smallest.operations; n > 64 && try(smallest.goroutines, n/2) {
			continue
		}
		if n := smallest.goroutines; n > 1 && try(n/2, smallest.operations) {
			continue
		}
		break
	}
	f.call = stressCall(&smallest, new, promises)
	return f
}

// stressCall returns a test that repeats the load. Options of the call stand last, where
// they have the last word.
func stressCall(c *config, new func(testing.TB) arena.FrameAllocator, promises bool) string {
	var b strings.Builder
	b.WriteString("func TestReproduction(t *testing.T) {\n")
	options := fmt.Sprintf("fuzz.Goroutines(%d), fuzz.Operations(%d), fuzz.Seed(%d)", c.goroutines, c.operations, c.seed)
	if promises {
		fmt.Fprintf(&b, "\topts := append(promises, %s) // promises: the options of the test that failed\n", options)
		options = "opts..."
	} else {
		options = "fuzz.Concurrent(), " + options
	}
	fmt.Fprintf(&b, "\tfor range 10 {\n\t\tfuzz.Stress(t, %s, %s)\n\t}\n}\n", nameOf(new), options)
	return b.String()
}

// stressOnce runs the load on a new allocator, and returns what was found after how many
// operations.
func (c *config) stressOnce(t testing.TB, new func(testing.TB) arena.FrameAllocator) (*violation, int) {
	s := &stress{c: c, tb: &recorder{TB: t}, passed: make(chan *frame, stressUnder)}
	end := isolate(func() { s.main = new(s.tb) })
	if s.tb.skipped {
		s.tb.clean()
		t.Skip(s.tb.log.String())
	}
	begun := run{tb: s.tb, main: s.main}
	if s.found = begun.begun(end); s.found == nil {
		s.run()
	}
	if v := s.tb.clean(); s.found == nil {
		s.found = v
	}
	return s.found, s.done
}

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
		// The detector sees what the ledger's lock would hide from it, but a frame that
		// two have must not be written to by both, or it reports that as a race instead.
		s.isWatched = !race.Enabled || round%2 == 0 || s.c.watched
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

// all has each user do f on its own goroutine, and waits, unless there was a violation.
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

// one calls f, and reports how it ended if it did not return.
func (s *stress) one(f func()) {
	if s.stopped.Load() {
		return
	}
	if end := isolate(f); !end.returned {
		var r run
		s.report(r.broken(end))
	}
}

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

// rest looks at an allocator that nobody uses and that has no live frames.
func (s *stress) rest() {
	if s.isWatched && s.ledger.live != 0 {
		panic(fmt.Sprintf("fuzz: %d frames are live that nobody has", s.ledger.live))
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
	// So many may have been live at once, whoever was slow.
	if most := s.c.goroutines*stressLive + stressUnder; s.c.recycles && s.ledger.size <= s.c.recycled && s.isWatched && !s.ledger.mixed && len(s.ledger.addresses) > most+s.c.slack {
		s.report(violated(Lost, "no more than %d frames of %d bytes can have been live, and %d were handed out in different places: freed ones do not come back", most, s.ledger.size, len(s.ledger.addresses)))
	}
}

func (u *stressUser) open() {
	u.frames, u.end = u.main, nil
	if u.c.openCache != nil {
		u.frames, u.end = u.c.openCache(u.main)
	}
}

// through returns what an operation goes through: mostly the own cache.
func (u *stressUser) through() arena.FrameAllocator {
	if u.random.IntN(8) == 0 {
		return u.main
	}
	return u.frames
}

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

// pick takes one of the own frames, or nil if there are none.
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
			u.report(violated(WrongRefusal, "%d bytes were refused, and nothing was in the way", size))
		}
		return
	}
	u.serial++
	f := &frame{number: u.done, p: p, size: size}
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

// admit checks where a new frame is and enters it in the ledger.
func (u *stressUser) admit(f *frame) bool {
	var v *violation
	if u.isWatched {
		u.mu.Lock()
		if v = u.c.inspect(f, &u.ledger); v == nil {
			u.ledger.add(f, u.c.cost(f.size))
		}
		u.mu.Unlock()
	} else {
		var none ledger
		v = u.c.inspect(f, &none)
	}
	u.report(v)
	return v == nil
}

func (u *stressUser) write(f *frame) {
	u.serial++
	f.write(u.serial)
}

func (u *stressUser) verify(f *frame) { u.report(damagedAt(f, f.damage())) }

func (u *stressUser) free(f *frame) {
	u.verify(f)
	if u.stopped.Load() {
		return
	}
	if u.isWatched {
		u.mu.Lock()
		u.ledger.remove(f, u.c.cost(f.size))
		u.mu.Unlock()
	}
	u.through().Deallocate(f.p, f.size)
}

// look verifies all frames that the user has, while nobody changes any.
func (u *stressUser) look() {
	for _, f := range u.live {
		u.verify(f)
	}
}

// leave frees them, and closes the cache.
func (u *stressUser) leave() {
	for f := u.pick(); f != nil; f = u.pick() {
		u.free(f)
	}
	if u.end != nil {
		u.end()
	}
	u.frames, u.end = u.main, nil
}
