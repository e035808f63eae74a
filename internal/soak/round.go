package soak

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/internal/race"
)

// The loads.
const (
	loadAllocators = iota
	loadTrees
	loadWaits
	loadCrowd
	loadFaults

	loadCount
)

var loadNames = [loadCount]string{"allocators", "trees", "waits", "crowd", "faults"}

// tally is what a load has done. Its goroutines add to it; any may read it.
type tally struct{ runs, tasks, operations atomic.Uint64 }

func (t *tally) add(runs, tasks, operations int) {
	t.runs.Add(uint64(runs))
	t.tasks.Add(uint64(tasks))
	t.operations.Add(uint64(operations))
}

// soaker is what runs rounds in a child.
type soaker struct {
	opts     Options
	began    time.Time
	patience time.Duration // for what must happen: less than the watchdog has, to say more

	tallies [loadCount]tally
	round   atomic.Int64 // that began last
	rounds  atomic.Int64 // that are complete
	stopped atomic.Bool  // the soak shall end before the round does
	tell    func()       // called as a round begins

	// What is left of the rounds before; they are the run's.
	crowd      *crowd
	resident   resident
	goroutines int // when nothing but the crowd was there
	grown      [][]byte

	mu  sync.Mutex // guards rss
	rss RSS
}

// minPatience is what a busy machine needs.
const minPatience = 5 * time.Second

func newSoaker(o Options) *soaker {
	return &soaker{opts: o, began: time.Now(), patience: max(o.Stall/2, minPatience), tell: func() {}}
}

// summary returns what has been done so far. Any goroutine may call it.
func (s *soaker) summary() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := Summary{
		Seed:    s.opts.Seed,
		Build:   buildName(),
		Rounds:  int(s.rounds.Load()),
		Round:   int(s.round.Load()),
		Elapsed: time.Since(s.began),
		RSS:     s.rss,

		Violations: []Violation{}, // which JSON shows as none
	}
	for i := range s.tallies {
		t := &s.tallies[i]
		sum.Loads = append(sum.Loads, Load{loadNames[i], t.runs.Load(), t.tasks.Load(), t.operations.Load()})
	}
	return sum
}

// beats returns a number that goes up as long as anything is done.
func (s *soaker) beats() uint64 {
	sum := uint64(s.rounds.Load())
	for i := range s.tallies {
		t := &s.tallies[i]
		sum += t.runs.Load() + t.tasks.Load() + t.operations.Load()
	}
	return sum
}

// share returns how much of n a round has.
func (s *soaker) share(n int) int {
	if race.Enabled {
		n /= 5
	}
	if small {
		n /= 10
	}
	return max(n, 1)
}

// run does all rounds, and returns the first violation.
func (s *soaker) run() *Violation {
	var err error
	if s.crowd, err = newCrowd(s); err != nil {
		return &Violation{What: err.Error(), Reproduce: s.reproduce()}
	}
	s.goroutines = busyGoroutines()
	for n := 1; !s.stopped.Load(); n++ {
		round := n
		if s.opts.Round > 0 {
			round = s.opts.Round
		}
		s.round.Store(int64(round))
		s.tell()
		if err := s.runRound(round); err != nil {
			return &Violation{Round: round, What: err.Error(), Reproduce: s.reproduce()}
		}
		if s.stopped.Load() {
			break
		}
		s.rounds.Add(1)
		s.sample()
		if time.Since(s.began) >= s.opts.Duration {
			break
		}
	}
	if err := s.resident.growth(); err != nil {
		sum := s.summary()
		return &Violation{Round: sum.Round, What: err.Error(), Reproduce: sum.reproduceAll(s.opts.Round)}
	}
	if err := s.crowd.close(); err != nil {
		return &Violation{Round: int(s.round.Load()), What: err.Error(), Reproduce: s.reproduce()}
	}
	return nil
}

func (s *soaker) reproduce() string {
	sum := s.summary()
	return sum.reproduceRound()
}

func (s *soaker) sample() {
	if planted == Growth {
		block := make([]byte, 16<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		s.grown = append(s.grown, block)
	}
	s.resident.sample()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rss = s.resident.figures()
}

// runRound does one round.
func (s *soaker) runRound(round int) error {
	if planted == Growth {
		return s.rest()
	}
	together := []func(r *rand.Rand, round int) error{
		loadAllocators: s.runAllocators, loadTrees: s.runTrees, loadWaits: s.runWaits, loadCrowd: s.crowd.run,
	}
	random := func(load int) *rand.Rand {
		return rand.New(rand.NewPCG(s.opts.Seed, uint64(round)*loadCount+uint64(load)))
	}
	ends := make(chan error, len(together)) // of those that nobody waits for any more, too
	for load, run := range together {
		go func() { ends <- named(load, run(random(load), round)) }()
	}
	for range together {
		if err := <-ends; err != nil {
			return err
		}
	}
	// Memory is refused to everybody, so these are alone.
	if err := s.runFaults(random(loadFaults), round); err != nil {
		return named(loadFaults, err)
	}
	if s.stopped.Load() {
		return nil
	}
	return s.rest()
}

func named(load int, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", loadNames[load], err)
}

// rest looks whether nothing is left of a round.
func (s *soaker) rest() error {
	if err := s.crowd.rest(); err != nil {
		return named(loadCrowd, err)
	}
	if !s.within(func() bool { return busyGoroutines() <= s.goroutines }) {
		return fmt.Errorf("goroutines: %d are left after the round, and there were %d before the first one\n%s", busyGoroutines(), s.goroutines, stacks())
	}
	return nil
}

// within waits until something is so, and reports whether it came to be in time.
func (s *soaker) within(so func() bool) bool {
	end := time.Now().Add(s.patience)
	for wait := 10 * time.Microsecond; !so(); wait = min(2*wait, 10*time.Millisecond) {
		if time.Now().After(end) {
			return so()
		}
		time.Sleep(wait)
	}
	return true
}

// busyGoroutines returns the number of goroutines, but for those that stay for a while to do the
// next offload of a task.
func busyGoroutines() int {
	n := runtime.NumGoroutine()
	for one := range strings.SplitSeq(stacks(), "\n\n") {
		if _, frames, _ := strings.Cut(one, "\n"); strings.HasPrefix(frames, idleHelpers) {
			n--
		}
	}
	return n
}

const idleHelpers = "github.com/framearena/framearena/internal/helpers.(*Pool).serve("

// maxStacks bounds what is shown of the goroutines.
const maxStacks = 1 << 20

// stacks returns the stacks of all goroutines.
func stacks() string {
	buf := make([]byte, maxStacks)
	return string(buf[:runtime.Stack(buf, true)])
}
