//go:build framearena_explore

package interleave

import (
	"fmt"
	"unsafe"
)

// explorer goes through the executions of a model, depth first. A state is identified by the
// steps that lead to it. nodes has the states of the present execution. One goroutine at a
// time uses an explorer.
type explorer struct {
	options options
	nodes   []*node
	result  Result
	effects map[*site]effects // those looked up so far
	sited   bool              // sites are looked up
	clocks  []int             // memory for new clocks
	visit   func(*Run)        // called after each execution; may be nil
}

// node is a state, and the actors that were and are to be chosen there.
type node struct {
	enabled actors
	todo    actors // to be chosen, or chosen already: the backtrack set
	done    actors // chosen, and all that follows is explored
	asleep  actors // need not be chosen, since an earlier choice covers them: the sleep set
	forced  int    // preemptions that led here

	choice int    // the actor chosen in the present execution
	kind   opKind // of the operation that choice does
	site   *site  // of that operation
}

// options says how to explore.
type options struct {
	all         bool
	preemptions int // -1: any number
	limit       int // executions
	fault       *Fault
	packages    []string // nil: all
}

// maxSteps is the number of operations after which an execution counts as one without end.
const maxSteps = 5000

// explore runs the model until all orders are covered, one has failed, or the limit is reached.
func (x *explorer) explore(model func(*Run)) {
	x.sited = x.sited || x.options.fault != nil || x.options.packages != nil
	for {
		r := newRun(x)
		r.execute(model)
		x.result.Executions++
		x.result.Steps = max(x.result.Steps, len(r.trace))
		if x.visit != nil {
			x.visit(r)
		}
		if r.free && !r.rested {
			x.result.Redundant++
		}
		if r.failure != nil {
			x.fail(r, model)
			return
		}
		if !x.next() {
			return
		}
		if x.result.Executions >= x.options.limit {
			x.result.Failure = &Failure{run: r, What: fmt.Sprintf("not all was seen in %d executions", x.options.limit), unfinished: true}
			return
		}
	}
}

func newRun(x *explorer) *Run {
	return &Run{
		x: x, begun: make(chan struct{}), over: make(chan struct{}, 1),
		objects: make(map[unsafe.Pointer]*object), hidden: make(map[*uintptr]*hidden),
	}
}

// fail records that r has failed. If the sites of its operations were not looked up, it runs the
// same execution again with them.
func (x *explorer) fail(r *Run, model func(*Run)) {
	if !x.sited {
		x.sited = true
		for _, n := range x.nodes {
			n.site = nil
		}
		again := newRun(x)
		if again.execute(model); again.failure != nil {
			r = again
		} else {
			r.failure.What += " (but not when run again: the model is not the same each time)"
		}
	}
	r.failure.Execution = x.result.Executions
	x.result.Failure = r.failure
}

// next chooses another actor in the last state that has one left. It returns false if no state
// has.
func (x *explorer) next() bool {
	for len(x.nodes) > 0 {
		n := x.nodes[len(x.nodes)-1]
		n.done |= only(n.choice)
		if left := n.todo &^ n.done &^ n.asleep; left != 0 {
			n.choice = left.least()
			n.site = nil
			return true
		}
		x.nodes = x.nodes[:len(x.nodes)-1]
	}
	return false
}

// enabled returns the actors that can do their next operation.
func (r *Run) enabled() (a actors) {
	for _, t := range r.threads {
		if len(t.buffer) > 0 {
			a |= only(2*t.id + 1)
			if !t.done && t.next.drains() {
				continue
			}
		}
		if !t.done && (t.next.ready == nil || t.next.ready()) {
			a |= only(2 * t.id)
		}
	}
	return a
}

// opOf returns the next operation of an actor.
func (r *Run) opOf(actor int) op {
	t := r.threads[actor/2]
	if actor&1 == 0 {
		return t.next
	}
	d := t.buffer[0]
	return op{kind: opShow, at: unsafe.Pointer(d.p), site: d.site}
}

// pick chooses the actor that runs next, and adds its operation to the trace. It returns false
// if no actor can run.
//
// An execution is free when all ways from the present state are covered by other executions, or
// when the threads were at rest. A free execution runs on in one order, and is not explored.
func (r *Run) pick() (actor int, ok bool) {
	if r.failure != nil {
		return 0, false
	}
	enabled := r.enabled()
	if !r.free && !r.x.options.all && r.x.options.preemptions < 0 {
		r.races()
	}
	if enabled == 0 {
		return 0, false
	}
	if len(r.trace) >= maxSteps {
		r.fail(requirement("the execution does not end"))
		return 0, false
	}
	preferred := enabled
	if !r.free {
		if preferred = enabled &^ r.asleep; preferred == 0 {
			r.free, preferred = true, enabled
		}
	}
	if r.last >= 0 && preferred.has(2*r.last) {
		actor = 2 * r.last
	} else {
		actor = preferred.least()
	}
	if r.free {
		r.trace = append(r.trace, step{actor: actor, op: r.opOf(actor)})
		return actor, true
	}

	x := r.x
	depth := len(r.trace)
	if depth == len(x.nodes) {
		n := &node{enabled: enabled, todo: only(actor), asleep: r.asleep, choice: actor, forced: r.forced}
		switch {
		case x.options.preemptions >= 0:
			n.choice, n.todo = r.bounded(enabled)
		case x.options.all:
			n.todo = enabled
		}
		x.nodes = append(x.nodes, n)
	}
	n := x.nodes[depth]
	actor = n.choice
	o := r.opIfEnabled(actor, enabled)
	switch {
	case n.enabled != enabled:
		r.fail(requirement(fmt.Sprintf("the model is not the same each time: after %d steps, other threads can go on", depth)))
		return 0, false
	case n.site == nil:
		n.kind, n.site = o.kind, o.site
	case n.kind != o.kind || n.site != o.site:
		r.fail(requirement(fmt.Sprintf("the model is not the same each time: step %d was at %v, and is at %v", depth, n.site, o.site)))
		return 0, false
	}
	if r.forces(actor, enabled) {
		r.forced++
	}
	if actor&1 == 0 {
		for _, t := range r.threads {
			t.late = len(t.buffer) > 0
		}
		r.last = actor / 2
	}
	r.asleep = 0
	if !x.options.all && x.options.preemptions < 0 {
		for _, t := range r.threads {
			for q := 2 * t.id; q <= 2*t.id+1; q++ {
				if q != actor && (n.asleep | n.done).has(q) && !dependent(r.opOf(q), o) {
					r.asleep |= only(q)
				}
			}
		}
	}
	r.trace = append(r.trace, step{actor: actor, op: o, clock: r.order(actor, o)})
	return actor, true
}

// prompt returns the buffers whose oldest store can still become visible at once: no other
// operation was done since.
func (r *Run) prompt() (a actors) {
	for _, t := range r.threads {
		if len(t.buffer) > 0 && !t.late {
			a |= only(2*t.id + 1)
		}
	}
	return a
}

// forces reports whether choosing actor is a preemption: another thread runs although the last
// one could, or a thread runs although a store could become visible at once.
func (r *Run) forces(actor int, enabled actors) bool {
	return actor&1 == 0 && (r.prompt() != 0 || r.last >= 0 && actor != 2*r.last && enabled.has(2*r.last))
}

// bounded returns the actor that runs in a new state, and all that may, with a limit of
// preemptions.
func (r *Run) bounded(enabled actors) (choice int, todo actors) {
	for left := enabled; left != 0; left &= left - 1 {
		if a := left.least(); r.forced < r.x.options.preemptions || !r.forces(a, enabled) {
			todo |= only(a)
		}
	}
	switch p := r.prompt(); {
	case p != 0:
		return p.least(), todo
	case r.last >= 0 && todo.has(2*r.last):
		return 2 * r.last, todo
	}
	return todo.least(), todo
}

// opIfEnabled is opOf for an actor that may not be able to run, since the model is not the same
// each time.
func (r *Run) opIfEnabled(actor int, enabled actors) op {
	if !enabled.has(actor) {
		return op{}
	}
	return r.opOf(actor)
}

// clock is a vector clock: for each actor, a number. Those steps of the actor come before
// something whose index in trace is less than the number.
type clock []int

func (c clock) join(d clock) {
	for i, v := range d {
		c[i] = max(c[i], v)
	}
}

// newClock returns a clock of zeroes for the execution.
func (r *Run) newClock() clock {
	n := 2 * len(r.threads)
	if len(r.x.clocks) < n {
		r.x.clocks = make([]int, 4096)
	}
	c := r.x.clocks[:n:n]
	r.x.clocks = r.x.clocks[n:]
	return c
}

func (r *Run) clone(c clock) clock {
	d := r.newClock()
	copy(d, c)
	return d
}

// object is a word, lock or channel, and what the execution has done to it.
type object struct {
	steps         []int // the operations, as indices in trace
	written, read clock // what comes before the last write, and the reads

	// The last store from a buffer that became visible.
	shown   bool
	shower  int
	shownAt int
}

// order returns the clock of the step that actor is about to do, with that step, and updates the
// clocks of the thread and the object.
func (r *Run) order(actor int, o op) clock {
	t := r.threads[actor/2]
	c := t.clock
	if actor&1 != 0 {
		c = t.bufferClock
		c.join(t.buffer[0].clock)
	} else if o.drains() {
		c.join(t.bufferClock)
	}
	now := len(r.trace) + 1
	c[actor] = now
	if o.at == nil {
		return r.clone(c)
	}
	x := r.objects[o.at]
	if x == nil {
		x = &object{written: r.newClock(), read: r.newClock()}
		r.objects[o.at] = x
	}
	x.steps = append(x.steps, now-1)
	c.join(x.written)
	if o.kind == opLoad {
		x.read.join(c)
		return r.clone(c)
	}
	c.join(x.read)
	copy(x.written, c)
	if o.kind == opShow {
		x.shown, x.shower, x.shownAt = true, actor, now
	}
	return r.clone(c)
}

// races finds the steps that the next operation of an actor might have come before, and adds
// that order to what is to be tried.
func (r *Run) races() {
	for _, t := range r.threads {
		if !t.done && (len(t.buffer) == 0 || !t.next.drains()) {
			r.racesOf(2*t.id, t.next, t.fresh)
			t.fresh = false
		}
		if len(t.buffer) > 0 {
			r.racesOf(2*t.id+1, r.opOf(2*t.id+1), t.bufferFresh)
			t.bufferFresh = false
		}
	}
	r.checked = len(r.trace)
}

// racesOf finds the steps that do not commute with o, the next operation of actor, and that
// nothing else orders before it.
func (r *Run) racesOf(actor int, o op, fresh bool) {
	x := r.objects[o.at]
	if x == nil {
		return
	}
	first := r.checked
	if fresh {
		first = 0
	}
	var memory [2 * maxThreads]int
	var c clock // of what comes before o
	for k := len(x.steps) - 1; k >= 0 && x.steps[k] >= first; k-- {
		i := x.steps[k]
		s := &r.trace[i]
		if s.actor == actor || !dependent(s.op, o) || !coenabled(s.op, o) {
			continue
		}
		if c == nil {
			c = memory[:2*len(r.threads)]
			t := r.threads[actor/2]
			if actor&1 != 0 {
				copy(c, t.bufferClock)
				c.join(t.buffer[0].clock)
			} else {
				copy(c, t.clock)
				if o.drains() {
					c.join(t.bufferClock)
				}
			}
		}
		if c[s.actor] > i {
			continue
		}
		if r.reverse(i, actor, c) {
			c.join(s.clock)
		}
	}
}

// reverse makes sure that an execution is tried in which actor does its next operation before
// step i. Such an execution begins, in the state before step i, with an actor whose first step
// after i is ordered neither after i nor after another such first step. If none of these
// actors is in the backtrack set of that state, reverse adds one. These are the source sets of
// Abdulla, Aronis, Jonsson and Sagonas (2014). It returns false if actor could not run in that
// state.
func (r *Run) reverse(i, actor int, c clock) bool {
	n := r.x.nodes[i]
	var seen, begin actors
	var firsts [2 * maxThreads]int
	for j := i + 1; j < len(r.trace); j++ {
		s := &r.trace[j]
		if s.clock[r.trace[i].actor] > i || seen.has(s.actor) {
			continue
		}
		if !after(s.clock, seen, &firsts) {
			begin |= only(s.actor)
		}
		seen |= only(s.actor)
		firsts[s.actor] = j
	}
	if !seen.has(actor) {
		if !n.enabled.has(actor) {
			if after(c, seen, &firsts) {
				// It can when another actor has run.
			} else {
				return false
			}
		} else if !after(c, seen, &firsts) {
			begin |= only(actor)
		}
	}
	if begin&n.todo == 0 {
		n.todo |= only(begin.least())
	}
	return true
}

// after reports whether the first step of one of the actors in seen comes before the step with
// this clock.
func after(c clock, seen actors, firsts *[2 * maxThreads]int) bool {
	for ; seen != 0; seen &= seen - 1 {
		if a := seen.least(); c[a] > firsts[a] {
			return true
		}
	}
	return false
}
