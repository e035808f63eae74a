//go:build framearena_explore

package interleave

import (
	"fmt"
	"slices"
	"unsafe"
)

// explorer goes through the executions of a model, depth first. A state is known by the
// steps that led to it; nodes has those of the present execution.
type explorer struct {
	options options
	nodes   []*node
	result  Result
	effects map[*site]effects // that were looked up
	visit   func(*Run)        // is called after each execution, if it is not nil
}

// node is a state, and which ways from it were gone and are to be gone.
type node struct {
	enabled actors
	todo    actors // are to be gone; those that were may be among them
	done    actors
	asleep  actors // need not be gone: what they do commutes with all since they were
	forced  int    // preemptions that led here

	choice int
	kind   opKind // of what choice does
	site   *site
}

// options is how to explore.
type options struct {
	all         bool
	preemptions int // -1: any number
	limit       int
	fault       *Fault
}

// maxSteps is how long an execution may be.
const maxSteps = 5000

// explore runs the model until all has been seen or something failed.
func (x *explorer) explore(model func(*Run)) {
	for {
		r := &Run{
			x: x, begun: make(chan struct{}), over: make(chan struct{}, 1),
			objects: make(map[unsafe.Pointer]*object), hidden: make(map[*uintptr]*hidden),
		}
		r.execute(model)
		x.result.Executions++
		x.result.Steps = max(x.result.Steps, len(r.trace))
		if x.visit != nil {
			x.visit(r)
		}
		if r.free && !r.rested {
			x.result.Redundant++
		}
		if x.result.Failure = r.failure; r.failure != nil {
			r.failure.Execution = x.result.Executions
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

// next chooses another way at the latest state where there is one.
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

// enabled returns which actors can do something.
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

// opOf returns what an actor does next.
func (r *Run) opOf(actor int) op {
	t := r.threads[actor/2]
	if actor&1 == 0 {
		return t.next
	}
	d := t.buffer[0]
	return op{kind: opShow, at: unsafe.Pointer(d.p), site: d.site}
}

// pick chooses which actor goes on, and notes that it does. It returns false if none can.
//
// An execution is free, and runs on in any order, if all ways from the present state are
// covered by others, or if the threads were at rest.
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
		case x.options.preemptions >= 0 && r.last >= 0 && enabled.has(2*r.last) && r.forced == x.options.preemptions:
			n.todo = enabled & (only(2*r.last) | 0xaaaaaaaaaaaaaaaa)
		case x.options.preemptions >= 0 || x.options.all:
			n.todo = enabled
		}
		x.nodes = append(x.nodes, n)
	}
	n := x.nodes[depth]
	actor = n.choice
	o := r.opOf2(actor, enabled)
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
	if actor&1 == 0 {
		if r.last >= 0 && actor != 2*r.last && enabled.has(2*r.last) {
			r.forced++
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

// opOf2 is opOf for an actor that may not be able to do anything, in a model that is not the
// same each time.
func (r *Run) opOf2(actor int, enabled actors) op {
	if !enabled.has(actor) {
		return op{}
	}
	return r.opOf(actor)
}

// clock says for each actor which of its steps come before something: those with an index
// in trace that is less.
type clock []int

func (c clock) join(d clock) {
	for i, v := range d {
		c[i] = max(c[i], v)
	}
}

// object is what an operation is done to.
type object struct {
	written, read clock // when it last was

	// The last store that was delayed and became visible.
	shown   bool
	shower  int
	shownAt int
}

// order returns what comes before the step of actor that is about to be done, with that.
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
		return slices.Clone(c)
	}
	x := r.objects[o.at]
	if x == nil {
		x = &object{written: make(clock, len(c)), read: make(clock, len(c))}
		r.objects[o.at] = x
	}
	c.join(x.written)
	if o.kind == opLoad {
		x.read.join(c)
		return slices.Clone(c)
	}
	c.join(x.read)
	copy(x.written, c)
	if o.kind == opShow {
		x.shown, x.shower, x.shownAt = true, actor, now
	}
	return slices.Clone(c)
}

// races finds the steps that something that is going to be done might have come before, and
// has that tried.
func (r *Run) races() {
	for _, t := range r.threads {
		if !t.done && (len(t.buffer) == 0 || !t.next.drains()) {
			c := slices.Clone(t.clock)
			if t.next.drains() {
				c.join(t.bufferClock)
			}
			r.racesOf(2*t.id, t.next, c, t.fresh)
			t.fresh = false
		}
		if len(t.buffer) > 0 {
			c := slices.Clone(t.bufferClock)
			c.join(t.buffer[0].clock)
			r.racesOf(2*t.id+1, r.opOf(2*t.id+1), c, t.bufferFresh)
			t.bufferFresh = false
		}
	}
	r.checked = len(r.trace)
}

// racesOf finds the steps that do not commute with o, which actor is going to do, and
// that do not come before it for another reason. c says what comes before o.
func (r *Run) racesOf(actor int, o op, c clock, fresh bool) {
	if o.at == nil {
		return
	}
	first := r.checked
	if fresh {
		first = 0
	}
	for i := len(r.trace) - 1; i >= first; i-- {
		s := &r.trace[i]
		if s.actor == actor || !dependent(s.op, o) || !coenabled(s.op, o) || c[s.actor] > i {
			continue
		}
		if r.reverse(i, actor, c) {
			c.join(s.clock)
		}
	}
}

// reverse has executions tried where actor does what it is going to do before step i. One
// of those begins, at the state before step i, with each actor whose first step after i
// comes neither after i nor after another such step: if none of these is tried there
// already, one has to be (the source sets of Abdulla, Aronis, Jonsson and Sagonas,
// 2014). It returns false if actor could not go on there.
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
				// It can, when another has gone on.
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

// after reports whether one of the first steps of the actors in seen comes before what has
// this clock.
func after(c clock, seen actors, firsts *[2 * maxThreads]int) bool {
	for ; seen != 0; seen &= seen - 1 {
		if a := seen.least(); c[a] > firsts[a] {
			return true
		}
	}
	return false
}
