//go:build framearena_explore

package coro_test

import (
	"errors"
	"testing"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// exploredQueue is the queue that the workers of a model share, and what makes it the own queue
// of each of them: so siblings end one after the other on a worker, and are counted together.
type exploredQueue struct {
	*exploredExecutor
	mu    interleave.Mutex // guards tasks
	tasks []coro.Runnable
	bell  chan bool // true for a task, false to stop
}

func (q *exploredQueue) PushLocal(t coro.Runnable, _ coro.Origin) {
	q.mu.Lock()
	q.tasks = append(q.tasks, t)
	q.mu.Unlock()
	interleave.Send(q.bell, true)
}

func (q *exploredQueue) PopLocal() (t coro.Runnable, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.tasks) == 0 {
		return coro.Runnable{}, false
	}
	t, q.tasks = q.tasks[0], q.tasks[1:]
	return t, true
}

// exploredFamily is what the tasks of group models do. The first task of root spawns, and waits
// or ends; the order of the rest is the model's.
type exploredFamily struct {
	children int
	fail     int  // of these, the first ones
	waits    bool // the parent, and goes on with the error
	began    int  // the parent's steps
	err      error
	sum      int
}

var (
	exploredOf     *exploredFamily
	errExploredSon = errors.New("a child's")

	exploredChild = coro.Define("child", func(f *coro.Frame[int, int]) coro.Step {
		if f.State < exploredOf.fail {
			return f.Fail(errExploredSon)
		}
		return f.Return(1)
	})
	exploredParent = coro.Define("parent", func(f *coro.Frame[exploredChildren, none]) coro.Step {
		s, m := &f.State, exploredOf
		m.began++
		if f.At() == 0 {
			for i := range m.children {
				coro.Spawn(f, &s.g, exploredChild, i, &s.of[i])
			}
			if m.waits {
				return s.g.Wait(f, 1)
			}
			return f.Return(none{})
		}
		m.err = f.Err()
		for _, n := range s.of {
			m.sum += n
		}
		return f.Return(none{})
	})
	exploredOther = coro.Define("other", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
)

type exploredChildren struct {
	g  coro.Group
	of [3]int
}

// warm has w run a family by itself, so that it has frames and need not look for them later.
func (q *exploredQueue) warm(w *coro.Worker) {
	exploredOf = &exploredFamily{children: 3, waits: true}
	mustStart(q.exploredExecutor, exploredParent.With(exploredChildren{}))
	w.Run(<-q.ready)
	for len(q.bell) > 0 {
		<-q.bell
	}
}

// newExploredFamily has two workers and a task with children; others are roots beside it.
func newExploredFamily(r *interleave.Run, m exploredFamily, others int) {
	e := newExploredExecutor(r)
	q := &exploredQueue{exploredExecutor: e, bell: make(chan bool, 16)}
	workers := [2]*coro.Worker{coro.NewWorker(exploredArena()), coro.NewWorker(exploredArena())}
	for _, w := range workers {
		w.SetLocalQueue(e.env, q)
		q.warm(w)
	}
	exploredOf = &m
	e.roots = nil
	h := mustStart(e, exploredParent.With(exploredChildren{}))
	for range others {
		mustStart(e, exploredOther.With(none{}))
	}
	for len(e.ready) > 0 { // into the queue, before there are threads
		q.tasks = append(q.tasks, <-e.ready)
		q.bell <- true
	}
	for i, w := range workers {
		r.Thread([]string{"worker 1", "worker 2"}[i], func() {
			for interleave.Receive(q.bell) {
				if t, ok := q.PopLocal(); ok {
					w.Run(t)
				}
			}
		})
	}
	r.AtRest(func() {
		s := h.State()
		r.Require(s == coro.HandleDone || s == coro.HandleFailed, "all rest, and the parent is %v", s)
		q.bell <- false
		q.bell <- false
	})
	r.End(func() {
		for _, w := range workers {
			w.Close()
		}
		e.end()
		r.Require(len(q.tasks) == 0, "a task is left")
		steps := 1
		if m.waits {
			steps = 2
			r.Require(m.sum == m.children-m.fail, "%d results of %d children", m.sum, m.children)
			r.Require(errors.Is(m.err, errExploredSon) == (m.fail > 0), "Err was %v", m.err)
		} else {
			r.Require((h.State() == coro.HandleFailed) == (m.fail > 0), "the parent is %v", h.State())
		}
		r.Require(m.began == steps, "the parent has had %d steps", m.began)
	})
}

var groupModels = []struct {
	name   string
	family exploredFamily
	others int
	fault  interleave.Fault // is noticed in it; none if it is zero
}{
	{"children end as their parent begins to wait", exploredFamily{children: 2, waits: true}, 0,
		interleave.Fault{In: "coro.groupWait.park", Op: "add", Does: interleave.Torn}},
	{"three children end on two workers", exploredFamily{children: 3, waits: true}, 0,
		interleave.Fault{In: "coro.(*Worker).countEnded", Op: "add", Does: interleave.Torn}},
	{"children end as their parent ends", exploredFamily{children: 2}, 0,
		interleave.Fault{In: "coro.(*Worker).endGroup", Op: "add", Does: interleave.Torn}},
	{"another task runs between two children", exploredFamily{children: 2, waits: true}, 1,
		interleave.Fault{In: "coro.(*Worker).countEnded", Op: "add", Does: interleave.Skipped}},
	{"one of two children fails", exploredFamily{children: 2, fail: 1, waits: true}, 0,
		interleave.Fault{In: "coro.(*Worker).childEnded", Op: "add", Does: interleave.Torn}},
	{"two children fail at once", exploredFamily{children: 2, fail: 2, waits: true}, 0,
		interleave.Fault{In: "coro.(*Worker).childEnded", Op: "add", Does: interleave.Skipped}},
	{"children fail as their parent ends", exploredFamily{children: 2, fail: 1}, 0, interleave.Fault{}},
}

// A task resumes once, when all children have ended, however many of them are counted together.
func TestInterleavingsOfGroups(t *testing.T) {
	for _, tt := range groupModels {
		model := func(r *interleave.Run) { newExploredFamily(r, tt.family, tt.others) }
		t.Run(tt.name, func(t *testing.T) { interleave.Check(t, model, interleave.Limit(300000)) })
		if tt.fault != (interleave.Fault{}) {
			t.Run(tt.name+", broken", func(t *testing.T) { interleave.Catch(t, model, interleave.Break(tt.fault)) })
		}
	}
}
