package coro

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"
	"unsafe"

	"github.com/framearena/framearena/internal/interleave"
)

// A survey is one visit of all waiting tasks of an executor (waiting_tasks.go) that counts them, finds
// out for how long they have waited (stamp.go), takes a sample of their chains from each group, and
// finds the objects that most of them wait for. Its memory depends on the number of groups, not on
// that of tasks.

// SurveyOptions are how much a survey shows. With the zero value it counts, and tells ages.
type SurveyOptions struct {
	Objects int // how many objects, those that most tasks wait for
	Chains  int // how many tasks are shown with their chains, of all groups together
}

// Survey is what tasks of an executor wait for. It is not a picture of one moment: see
// [Environment.Waiting].
type Survey struct {
	// Groups has the tasks of each sort, the largest group first.
	Groups []SurveyedGroup

	// Objects has the mutexes, channels, semaphores and so on that most tasks of the executor
	// wait for, the one with the most first.
	Objects []WaitedObject
}

// SurveyedGroup is what a [Survey] has found of a group of tasks.
type SurveyedGroup struct {
	WaitingGroup
	Ages WaitAges

	// Chains is a random sample of the tasks, of which each has the same chance. Each group has a
	// sample: of at least one task, and of all that it has, up to SurveyOptions.Chains divided by the
	// number of groups.
	Chains []WaitingTask
}

// WaitAges is for how long tasks have waited. These are lower bounds. A waiting task costs nothing
// until somebody looks, so it notes no time: a survey sees it wait, and the next one sees that it
// still waits, in the same wait, and says that it has waited since then. Its true age is larger by
// less than the time between two surveys. In the first survey of an executor all ages are 0. They
// are told in half seconds, and from half an hour on in units of 20 minutes, rounded down. A task whose
// resume point is 65,535 or more always has the age 0.
type WaitAges struct {
	Oldest time.Duration // of the task that has waited longest

	// AtLeast is how many tasks have waited for at least the time in [WaitAgeSteps] with the same
	// index.
	AtLeast [waitAgeSteps]int
}

const waitAgeSteps = 7

var allWaitAgeSteps = [waitAgeSteps]time.Duration{
	time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
}

// WaitAgeSteps returns the times by which [WaitAges] counts: from a second to a day.
func WaitAgeSteps() []time.Duration { return slices.Clone(allWaitAgeSteps[:]) }

func (a *WaitAges) add(age time.Duration) {
	a.Oldest = max(a.Oldest, age)
	for i := 0; i < waitAgeSteps && age >= allWaitAgeSteps[i]; i++ {
		a.AtLeast[i]++
	}
}

// WaitedObject is an object that tasks wait for, such as a [Mutex].
type WaitedObject struct {
	What    string  // the operation, as in [WaitingTask]
	Address uintptr // of the object, as the verb %p of package fmt prints it
	Name    string  // what [NameWaitable] has been given, or empty
	Waiting int     // how many tasks of the executor wait for it in this operation, or in a [Select] with that
	State   string  // such as "locked", "0 of 10 permits free", "closed"; empty if there is no more to say

	// Holder is the task that a Mutex was given to last. It is nil for other objects, and if
	// [Mutex.TryLock] has locked the Mutex.
	Holder *MutexHolder
}

// MutexHolder is the task that a [Mutex] was given to last. As a rule that is the one that will
// unlock it; but any task may.
type MutexHolder struct {
	Kind KindInfo

	// Waiting says what the task waits for, and has its chain: from the task that waits, which may
	// be one that the holder awaits, to the root. It is nil if the task runs, is ready to run,
	// is of another executor, or has ended.
	Waiting *WaitingTask
}

// Survey shows what the tasks of the executor wait for and for how long. Like
// [Environment.WaitingByKind] it goes through all waiting tasks, and holds no lock for long. It goes
// through them a second time if it has to look what the holder of a Mutex waits for. Any goroutine
// may call it; one call at a time does its work.
func (e *Environment) Survey(o SurveyOptions) Survey {
	rt := e.runtime
	rt.surveys.mu.Lock()
	defer rt.surveys.mu.Unlock()
	s := &surveyor{options: o, groups: make(map[group]*surveyed)}
	s.stamps.begin(rt.surveys.last)
	rt.visit(&visitor{of: rt, sink: s, stamps: &s.stamps})
	s.stamps.tick()
	rt.surveys.last = s.stamps.now
	if s.findHolders(); len(s.holders) > 0 {
		rt.visit(&visitor{of: rt, sink: &s.holders})
	}
	return s.result()
}

// surveys is what the surveys of an executor have in common.
type surveys struct {
	mu   interleave.Mutex // held by the one that is going on; no lock of this package is held before it
	last time.Duration    // when the last one has ended, by stampClock; guarded by mu
}

// surveyor is the sink of a survey.
type surveyor struct {
	options SurveyOptions
	stamps  stamper
	groups  map[group]*surveyed
	latest  *surveyed // that the last task belonged to

	objects []*waited // at most options.Objects, the one with the most tasks first
	holders holderSearch
}

// surveyed is a group in the making.
type surveyed struct {
	group
	n      int
	ages   WaitAges
	sample []chain
}

// chain is the kinds from a task to its root, as appendChain returns them.
type chain struct {
	kinds   []*kind
	omitted int
}

// waited is a WaitedObject in the making. The object itself is not touched after its lock was
// released.
type waited struct {
	WaitedObject
	holder *holder
}

func (s *surveyor) see(h *header, what string) (links int) {
	g := group{kind: h.kind.get(), what: what}
	for r := h; r != nil; r = r.parent.get() {
		g.root = r.kind.get()
		links++
	}
	in := s.latest
	if in == nil || in.group != g {
		if in = s.groups[g]; in == nil {
			in = &surveyed{group: g}
			s.groups[g] = in
		}
		s.latest = in
	}
	in.n++
	in.ages.add(s.stamps.age)
	if s.options.Chains > 0 {
		links += in.choose(h, s.sampleSize())
	}
	return links
}

// sampleSize is how many tasks the sample of a group has at most, with the groups that were found so
// far.
func (s *surveyor) sampleSize() int { return max(1, s.options.Chains/len(s.groups)) }

// choose takes the task of h into the sample by chance, so that all tasks of the group have the
// same, and returns how many frames it has read.
func (g *surveyed) choose(h *header, most int) int {
	g.shrink(most)
	i := len(g.sample)
	if i < most {
		g.sample = append(g.sample, chain{})
	} else if i = rand.IntN(g.n); i >= most {
		return 0
	}
	c := &g.sample[i]
	c.kinds, c.omitted = h.appendChain(c.kinds[:0])
	return len(c.kinds) + c.omitted
}

// shrink drops tasks from the sample by chance until it has not more than most.
func (g *surveyed) shrink(most int) {
	for len(g.sample) > most {
		last := len(g.sample) - 1
		i := rand.IntN(last + 1)
		g.sample[i] = g.sample[last]
		g.sample[last] = chain{}
		g.sample = g.sample[:last]
	}
}

func (s *surveyor) queue(on waitable, what string, n int) {
	most := s.options.Objects
	if most <= 0 || len(s.objects) == most && n <= s.objects[most-1].Waiting {
		return
	}
	w := &waited{WaitedObject: WaitedObject{What: what, Waiting: n, Address: addressOf(on)}}
	if d, ok := on.(interface{ describe(*waited) }); ok {
		d.describe(w)
	}
	if len(s.objects) == most {
		s.objects = s.objects[:most-1]
	}
	at, _ := slices.BinarySearchFunc(s.objects, n, func(o *waited, n int) int { return cmp.Compare(n, o.Waiting) })
	for at < len(s.objects) && s.objects[at].Waiting == n {
		at++
	}
	s.objects = slices.Insert(s.objects, at, w)
}

func (s *surveyor) flush() bool {
	s.stamps.tick()
	return true
}

// findHolders notes the holders to look for.
func (s *surveyor) findHolders() {
	for _, o := range s.objects {
		if o.holder != nil {
			s.holders = append(s.holders, o.holder)
		}
	}
}

func (s *surveyor) result() (r Survey) {
	for _, g := range s.groups {
		if s.options.Chains > 0 {
			g.shrink(s.sampleSize())
		}
		v := SurveyedGroup{WaitingGroup: WaitingGroup{g.kind.Info(), g.root.Info(), g.what, g.n}, Ages: g.ages}
		for _, c := range g.sample {
			v.Chains = append(v.Chains, c.task(g.what))
		}
		r.Groups = append(r.Groups, v)
	}
	slices.SortFunc(r.Groups, func(a, b SurveyedGroup) int {
		return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Kind.Name, b.Kind.Name),
			strings.Compare(a.Root.Name, b.Root.Name), strings.Compare(a.What, b.What),
			strings.Compare(a.Kind.File, b.Kind.File), cmp.Compare(a.Kind.Line, b.Kind.Line))
	})
	for _, o := range s.objects {
		o.Name = waitableNames.of(o.Address)
		if h := o.holder; h != nil {
			o.Holder = &MutexHolder{Kind: h.kind.Info()}
			if h.what != "" {
				waiting := h.chain.task(h.what)
				o.Holder.Waiting = &waiting
			}
		}
		r.Objects = append(r.Objects, o.WaitedObject)
	}
	return r
}

// task returns the chain as a WaitingTask.
func (c chain) task(what string) WaitingTask {
	return WaitingTask{What: what, Backtrace: newBacktrace(c.kinds, c.omitted)}
}

// addressOf returns the address of a waitable, which is a pointer.
func addressOf(on waitable) uintptr { return reflect.ValueOf(on).Pointer() }

// ---- what objects say of themselves; their locks are held

func (m *Mutex) describe(w *waited) {
	if !m.state.locked {
		return
	}
	w.State = "locked"
	if k := m.state.holderKind.get(); k != nil {
		w.holder = &holder{kind: k, frame: m.state.holder}
	}
}

func (s *Semaphore) describe(w *waited) {
	if s.state.size == 0 {
		w.State = fmt.Sprintf("%d permits free", s.state.free)
		return
	}
	w.State = fmt.Sprintf("%d of %d permits free", s.state.free, s.state.size)
}

func (c *Chan[T]) describe(w *waited) {
	switch {
	case c.receivers.closed:
		w.State = "closed"
	case c.capacity > 0:
		w.State = fmt.Sprintf("%d of %d values", c.buffered(), c.capacity)
	}
}

// ---- holders

// holder is a task that has a Mutex. Its frame may have ended, and the memory may be another's by
// now: so it is compared with the frames of waiting tasks, and never read.
type holder struct {
	kind  *kind
	frame uintptr
	what  string // what the task waits for; empty while it was not found
	chain chain
}

// holderSearch is the sink that looks for holders among the waiting tasks and those that await them.
type holderSearch []*holder

func (s *holderSearch) see(h *header, what string) (links int) {
	for at := h; at != nil; at = at.parent.get() {
		links++
		for _, o := range *s {
			if o.what == "" && o.frame == uintptr(unsafe.Pointer(at)) && o.kind == at.kind.get() {
				o.what = what
				o.chain.kinds, o.chain.omitted = h.appendChain(nil)
				links += len(o.chain.kinds) + o.chain.omitted
			}
		}
	}
	return links
}

func (s *holderSearch) queue(waitable, string, int) {}

// flush ends the visit when all holders were found.
func (s *holderSearch) flush() bool {
	return slices.ContainsFunc(*s, func(o *holder) bool { return o.what == "" })
}
