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

// tally counts what a load has done. The load's goroutines add to it; any goroutine may read
// it.
type tally struct{ runs, tasks, operations atomic.Uint64 }

func (t *tally) add(runs, tasks, operations int) {
	t.runs.Add(uint64(runs))
	t.tasks.Add(uint64(tasks))
	t.operations.Add(uint64(operations))
}

// soaker runs the rounds of a child, on one goroutine. Other goroutines may read the options,
// the atomics and the tallies, and rss with the lock.
type soaker struct {
	opts     Options
	began    time.Time
	patience time.Duration // for what must happen; shorter than the watchdog's, whose report says less

	tallies [loadCount]tally
	round   atomic.Int64 // the round that began last
	rounds  atomic.Int64 // how many are complete
	stopped atomic.Bool  // set when the soak should end before the round is complete
	tell    func()       // called as a round begins

	// What stays from round to round. It belongs to the goroutine of run.
	crowd      *crowd
	memory     memorySeries
	goroutines int // how many there were when there was only the crowd
	grown      [][]byte

	mu  sync.Mutex // guards rss
	rss RSS
}

// minPatience is how long something may take on a busy machine.
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

		Violations: []Violation{}, // not nil: an empty list in JSON
	}
	for i := range s.tallies {
		t := &s.tallies[i]
		sum.Loads = append(sum.Loads, Load{loadNames[i], t.runs.Load(), t.tasks.Load(), t.operations.Load()})
	}
	return sum
}

// beats returns a number that grows for as long as the soak makes progress.
func (s *soaker) beats() uint64 {
	sum := uint64(s.rounds.Load())
	for i := range s.tallies {
		t := &s.tallies[i]
		sum += t.runs.Load() + t.tasks.Load() + t.operations.Load()
	}
	return sum
}

// share returns how much of n a round does in this build.
func (s *soaker) share(n int) int {
	if race.Enabled {
		n /= 5
	}
	if small {
		n /= 10
	}
	return max(n, 1)
}

// run runs all rounds, and returns the first violation or nil.
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
		if n >= s.opts.Rounds && time.Since(s.began) >= s.opts.Duration {
			break
		}
	}
	if err := s.memory.growth(); err != nil {
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
	s.memory.sample()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rss = s.memory.figures()
}

// runRound runs one round.
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
	ends := make(chan error, len(together)) // has room for loads that are not waited for
	for load, run := range together {
		go func() { ends <- named(load, run(random(load), round)) }()
	}
	for range together {
		if err := <-ends; err != nil {
			return err
		}
	}
	// This load refuses memory to the whole process, so it runs alone.
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

// rest returns an error if the round has left something behind.
func (s *soaker) rest() error {
	if err := s.crowd.rest(); err != nil {
		return named(loadCrowd, err)
	}
	if !s.within(func() bool { return busyGoroutines() <= s.goroutines }) {
		return fmt.Errorf("goroutines: %d are left after the round, and there were %d before the first one\n%s", busyGoroutines(), s.goroutines, stacks())
	}
	return nil
}

// within waits until so reports true. It reports whether that happened in time.
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

// busyGoroutines returns the number of goroutines, without the idle helpers, which stay for a
// while to do the next offload.
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

// maxStacks bounds the text of the goroutines' stacks, in bytes.
const maxStacks = 1 << 20

// stacks returns the stacks of all goroutines.
func stacks() string {
	buf := make([]byte, maxStacks)
	return string(buf[:runtime.Stack(buf, true)])
}
