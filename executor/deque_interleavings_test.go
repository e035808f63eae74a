//go:build framearena_explore

package executor

import (
	"math"
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

// tally counts how often each task was got. Threads use it one at a time.
type tally struct {
	run *interleave.Run
	in  map[uintptr]bool
	got map[uintptr]bool
}

func newTally(r *interleave.Run) *tally {
	return &tally{run: r, in: make(map[uintptr]bool), got: make(map[uintptr]bool)}
}

func (y *tally) put(t uintptr) { y.in[t] = true }

// take records that t was got. 0 is no task.
func (y *tally) take(t uintptr) {
	if t == 0 {
		return
	}
	y.run.Require(y.in[t], "task %d was got, which was not put in", t)
	y.run.Require(!y.got[t], "task %d was got twice", t)
	y.got[t] = true
}

// all checks that every task was got.
func (y *tally) all() {
	for t := range y.in {
		y.run.Require(y.got[t], "task %d is lost", t)
	}
}

// dequeModel is what an owner and thieves do with a deque that has some tasks at first.
type dequeModel struct {
	name   string
	start  uintptr // the first index
	full   int     // tasks at first: 1, 2, …
	owner  string  // what it does: push and pop (+ and -), take (t)
	thief  []string
	faults bool // are to be tried
}

func (m dequeModel) run(r *interleave.Run) {
	d, y := new(deque), newTally(r)
	d.top.v, d.bottom.v = m.start, m.start
	next := uintptr(0)
	push := func() {
		if next++; d.push(next) {
			y.put(next)
		}
	}
	for range m.full {
		push()
	}
	do := func(what string) func() {
		return func() {
			for _, c := range what {
				switch c {
				case '+':
					// It counts as put in before, since a thief may be faster than we are.
					y.put(next + 1)
					if next++; !d.push(next) {
						delete(y.in, next)
					}
				case '-':
					y.take(d.pop())
				case 't':
					y.take(d.take())
				case 'h':
					y.take(d.takeHalf(y.take))
				case 'l':
					n := d.len()
					r.Require(n >= 0 && n <= dequeSize, "the length is %d", n)
				}
			}
		}
	}
	r.Thread("owner", do(m.owner))
	for _, thief := range m.thief {
		r.Thread("thief", do(thief))
	}
	r.End(func() {
		for t := d.take(); t != 0; t = d.take() {
			y.take(t)
		}
		r.Require(d.len() == 0 && d.pop() == 0, "an empty deque is not empty")
		y.all()
	})
}

var dequeModels = []dequeModel{
	{name: "the last one", full: 1, owner: "-", thief: []string{"t", "t"}},
	{name: "push and pop against a thief", owner: "++--", thief: []string{"tt"}, faults: true},
	{name: "push and pop against two thieves", full: 1, owner: "+--", thief: []string{"t", "t"}, faults: true},
	{name: "a full deque", full: 3, owner: "++-", thief: []string{"tt"}},
	{name: "slots are used again", start: 3, full: 4, owner: "t+t+", thief: []string{"tt"}},
	{name: "indices go past their end", start: math.MaxUint - 1, full: 1, owner: "++--", thief: []string{"tt"}},
	{name: "half of the tasks", full: 3, owner: "--+", thief: []string{"h"}},
	{name: "half of the tasks, twice", full: 3, owner: "-", thief: []string{"h", "h"}},
	{name: "the length", full: 1, owner: "-+-", thief: []string{"tl"}},
}

// No task is lost and none is got twice, whatever an owner and thieves do in whatever order.
func TestInterleavingsOfDeques(t *testing.T) {
	for _, m := range dequeModels {
		t.Run(m.name, func(t *testing.T) { interleave.Check(t, m.run) })
	}
}

// Each operation of a deque is necessary as it is: also that pop's store of bottom is a barrier.
func TestInterleavingsOfDequesBroken(t *testing.T) {
	for _, m := range dequeModels {
		if m.faults {
			t.Run(m.name, func(t *testing.T) {
				interleave.Mutate(t, m.run, map[string]string{
					"executor.(*deque).pop: swap torn": "the owner alone stores in bottom, and what was there is not looked at",
				})
			})
		}
	}
}
