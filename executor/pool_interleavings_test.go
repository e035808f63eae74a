//go:build framearena_explore

package executor

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/interleave"
)

// poolModel is a pool whose workers run functions, on threads of a model. All that finds
// tasks, puts workers to sleep and wakes them is the pool's; the loop around is as in
// worker.work, but without package coro.
type poolModel struct {
	*Pool
	*tally
	does  map[uintptr]func(w *worker) // what a task does besides being counted
	rings int                         // how often the monitor's timer may still go off
	bells int                         // that it went off at rest
}

// taskBytes gives the tasks of models their addresses. The collector may find these on a stack, so
// they are of memory that exists.
var taskBytes [16]byte

// task returns the i-th task.
func task(i int) uintptr { return uintptr(unsafe.Pointer(&taskBytes[i])) }

// modelWorkers are the coro.Workers of the workers of models. They have no frames.
var modelWorkers = sync.OnceValue(func() (all [3]*coro.Worker) {
	a, err := arena.New()
	if err != nil {
		panic(err)
	}
	for i := range all {
		all[i] = coro.NewWorker(a)
	}
	return all
})

// newPoolModel has workers, each of which is a thread.
func newPoolModel(r *interleave.Run, workers int) *poolModel {
	m := &poolModel{Pool: new(Pool), tally: newTally(r), does: make(map[uintptr]func(*worker))}
	p := m.Pool
	p.high.pool = p
	p.options.workers = workers
	p.monitor.pool = p
	p.monitor.limit, p.monitor.period = time.Hour, time.Hour // no worker is blocked
	p.monitor.timer = time.AfterFunc(time.Hour, func() {})
	p.monitor.armed.Store(true)
	var all []*worker
	for i := range workers {
		w := &worker{pool: p, coro: modelWorkers()[i], id: uint64(i), seed: 1, wake: make(chan struct{}, 1)}
		all = append(all, w)
	}
	p.workers.all.Store(&all)
	for i, w := range all {
		r.Thread([]string{"worker 1", "worker 2", "worker 3"}[i], func() { m.work(w) })
	}
	r.AtRest(m.rest)
	return m
}

// work is what worker.work does.
func (m *poolModel) work(w *worker) {
	for {
		if w.blocked.Load() && m.unblock(w) || m.closed.Load() {
			return
		}
		t := w.pick()
		if t == 0 {
			if t = w.search(); t == 0 {
				continue
			}
		} else {
			w.notifyIfMore()
		}
		w.tick.store(w.tick.v + 1)
		m.tally.take(t)
		if f := m.does[t]; f != nil {
			f(w)
		}
		w.tick.store(w.tick.v + 1)
	}
}

// post adds a thread that posts tasks from outside.
func (m *poolModel) post(name string, tasks ...int) {
	m.run.Thread(name, func() {
		for _, i := range tasks {
			t := task(i)
			m.put(t)
			if m.Post(coro.RunnableOf(t)) != nil {
				delete(m.in, t)
			}
		}
	})
}

// rest is called when no thread can run. If the monitor's timer is set, and the model allows for
// that, it goes off. If it is not set, all workers must be idle and all tasks must have run, and
// the pool is closed.
func (m *poolModel) rest() {
	p := m.Pool
	if m.rings > 0 {
		for p.monitor.timer.Stop() {
			m.run.Require(m.bells < m.rings, "the monitor does not go to sleep, or has had to help too often")
			m.bells++
			p.monitor.check()
			for _, w := range p.workers.list() {
				if len(w.wake) > 0 {
					return // it has woken one
				}
			}
		}
		m.run.Require(p.monitor.allIdle(), "the monitor sleeps, and a worker is not idle")
	}
	for t := range m.in {
		m.run.Require(m.got[t], "all sleep, and a task is left")
	}
	m.run.Require(p.monitor.allIdle(), "all sleep, and not all are idle")
	m.run.Require(p.workers.blocked == 0, "all sleep, and one counts as blocked")
	p.halt()
}

// ringing reports whether the monitor's timer is set, and stops it: it goes off now.
func (m *poolModel) ringing() bool {
	m.monitor.mu.Lock()
	defer m.monitor.mu.Unlock()
	return m.monitor.timer.Stop()
}

// stick returns a function for a task that stays in its step until release, which the model
// calls when all else is at rest. Then the monitor must be awake, since it would have to
// notice.
func (m *poolModel) stick() func(*worker) {
	c, released := make(chan int, 1), false
	m.run.AtRest(func() {
		if released {
			m.rest()
			return
		}
		set := m.ringing()
		m.run.Require(set || m.monitor.allIdle(), "the monitor sleeps, and a worker is stuck")
		if set {
			m.monitor.check()
		}
		released = true
		c <- 1
	})
	return func(*worker) { interleave.Receive(c) }
}

// local makes the i-th task put another task into a queue of its worker, and stay in its step until
// another worker has begun to run that.
func (m *poolModel) local(i, other int, from coro.Origin) {
	c := make(chan int, 1)
	m.put(task(other))
	m.does[task(i)] = func(w *worker) {
		w.PushLocal(coro.RunnableOf(task(other)), from)
		interleave.Receive(c)
	}
	m.does[task(other)] = func(*worker) { interleave.Send(c, 1) }
}

// inShort returns an option for runs with -short alone.
func inShort(o interleave.Option) []interleave.Option {
	return []interleave.Option{interleave.If(testing.Short, o)}
}

// poolModels are the models of workers of a pool. The monitor does not run unless the name
// mentions it.
var poolModels = []struct {
	name  string
	model func(r *interleave.Run)
	opts  []interleave.Option
}{
	{"a worker goes to sleep as a task is posted", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		m.post("poster", 0)
	}, nil},
	{"a worker, two tasks", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		m.post("poster", 0, 1)
	}, nil},
	{"a worker, two posters", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		m.post("poster 1", 0)
		m.post("poster 2", 1)
	}, nil},
	{"a worker, an urgent task and another", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		m.post("poster", 0)
		r.Thread("urgent", func() {
			m.put(task(1))
			r.Require(m.high.Post(coro.RunnableOf(task(1))) == nil, "refused")
		})
	}, nil},
	{"two workers", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		m.post("poster", 0)
	}, inShort(interleave.Preemptions(1))},
	{"a worker steals what another has", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		w := m.workers.list()[0]
		for i := range 2 {
			m.put(task(i))
			w.spawned.push(task(i))
		}
	}, []interleave.Option{interleave.Preemptions(1)}},
	{"what a task launches runs elsewhere while it is stuck, with the monitor", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		m.rings = 4
		m.put(task(0))
		m.workers.list()[0].runQueue.push(task(0))
		m.local(0, 1, coro.OriginSpawned)
	}, []interleave.Option{interleave.Preemptions(1)}},
	{"what a task wakes runs elsewhere while it is stuck, with the monitor", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		m.rings = 4
		m.put(task(0))
		m.workers.list()[0].runQueue.push(task(0))
		m.local(0, 1, coro.OriginWoken)
	}, []interleave.Option{interleave.Preemptions(1)}},
	{"a task spawns another and yields as a worker goes to sleep", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		c := make(chan int, 1)
		for i := range 3 {
			m.put(task(i))
		}
		m.workers.list()[0].runQueue.push(task(0))
		m.does[task(0)] = func(w *worker) {
			w.PushLocal(coro.RunnableOf(task(1)), coro.OriginSpawned)
			w.PushLocal(coro.RunnableOf(task(2)), coro.OriginYielded)
		}
		// The spawned task is stuck until the yielded one runs, on the other worker.
		m.does[task(1)] = func(*worker) { interleave.Receive(c) }
		m.does[task(2)] = func(*worker) { interleave.Send(c, 1) }
	}, append([]interleave.Option{interleave.Preemptions(1)}, inShort(interleave.Preemptions(0))...)},
	{"the monitor goes to sleep as a task is posted", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		m.rings = 4
		m.does[task(0)] = m.stick()
		m.post("poster", 0)
		r.Thread("timer", func() {
			if m.ringing() {
				m.monitor.check()
			}
		})
	}, nil},
	{"the pool is closed as a task is posted and a worker goes to sleep", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		r.AtRest(nil)
		m.post("poster", 0)
		r.Thread("closer", m.halt)
		r.End(func() {
			m.tally.take(m.injected.take())
			m.all()
		})
	}, nil},
	{"the pool is closed as two workers go to sleep", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		r.AtRest(nil)
		r.Thread("closer", m.halt)
	}, nil},
	{"a worker that was blocked leaves as a task is posted", func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		m.options.workers, m.workers.unblocked = 1, 2 // no worker has to be started
		w := m.workers.list()[0]
		m.put(task(0))
		w.runQueue.push(task(0))
		r.Thread("monitor", func() {
			if tick := w.tick.load(); tick&1 != 0 && m.replace(w, tick) {
				m.handOff(w)
			}
			m.put(task(1))
			r.Require(m.Post(coro.RunnableOf(task(1))) == nil, "refused")
		})
	}, append([]interleave.Option{interleave.Preemptions(1)}, inShort(interleave.Preemptions(0))...)},
	{"a worker is found blocked as it comes back and goes to sleep", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		w := m.workers.list()[0]
		m.workers.unblocked = 2 // no worker has to be started, and this one has to exit
		m.put(task(0))
		w.runQueue.push(task(0))
		r.Thread("monitor", func() {
			if tick := w.tick.load(); tick&1 != 0 && m.replace(w, tick) {
				m.handOff(w)
			}
		})
	}, nil},
	{"a worker's tasks are taken over while it runs them", func(r *interleave.Run) {
		m := newPoolModel(r, 1)
		w := m.workers.list()[0]
		for i := range 2 {
			m.put(task(i))
			w.spawned.push(task(i))
		}
		m.put(task(2))
		w.runNext.store(task(2))
		r.Thread("monitor", func() { m.handOff(w) })
	}, []interleave.Option{interleave.Preemptions(1)}},
}

// Whatever the order, no task is left while all workers sleep, and none is run twice.
func TestInterleavingsOfPools(t *testing.T) {
	for _, tt := range poolModels {
		t.Run(tt.name, func(t *testing.T) {
			interleave.Check(t, tt.model, append(tt.opts, interleave.Limit(200000))...)
		})
	}
}

// Each operation that parks or wakes workers is necessary: the model that is named with a fault
// notices it.
func TestInterleavingsOfPoolsBroken(t *testing.T) {
	tests := []struct {
		name  string
		fault interleave.Fault
		model string
	}{
		{"a worker parks without another look",
			interleave.Fault{In: "executor.(*injectionQueue).len", Under: "executor.(*Pool).hasWork", Does: interleave.Blind},
			"a worker goes to sleep as a task is posted"},
		{"a worker parks and is not counted",
			interleave.Fault{In: "executor.(*worker).park", Op: "add", Does: interleave.Skipped},
			"a worker goes to sleep as a task is posted"},
		{"who posts wakes nobody",
			interleave.Fault{In: "executor.(*idleWorkers).notify", Op: "send", Does: interleave.Skipped},
			"a worker goes to sleep as a task is posted"},
		{"who posts sees nobody idle",
			interleave.Fault{In: "executor.(*idleWorkers).shouldNotify", Op: "load", Does: interleave.Blind},
			"a worker goes to sleep as a task is posted"},
		{"the stack of idle workers is not locked by who posts",
			interleave.Fault{In: "executor.(*idleWorkers).notify", Op: "lock", Does: interleave.Skipped},
			"a worker, two posters"},
		{"a worker that searches is not counted",
			interleave.Fault{In: "executor.(*worker).search", Op: "add", Does: interleave.Skipped},
			"two workers"},
		{"the count of idle workers is not atomic",
			interleave.Fault{In: "executor.(*worker).search", Op: "add", Does: interleave.Torn},
			"two workers"},
		{"urgent tasks are not looked for",
			interleave.Fault{In: "executor.(*injectionQueue).len", Under: "executor.(*Pool).hasWork", Does: interleave.Blind},
			"a worker, an urgent task and another"},
		{"a yielded task wakes nobody",
			interleave.Fault{In: "executor.(*idleWorkers).notify", Op: "send", Does: interleave.Skipped},
			"a task spawns another and yields as a worker goes to sleep"},
		{"next is taken by two",
			interleave.Fault{In: "executor.(*worker).takeRunNext", Op: "compare-and-swap", Does: interleave.Torn},
			"a worker's tasks are taken over while it runs them"},
		{"the monitor does not say that it sleeps",
			interleave.Fault{In: "executor.(*monitor).check", Op: "store", Does: interleave.Skipped},
			"the monitor goes to sleep as a task is posted"},
		{"the monitor is not woken",
			interleave.Fault{In: "executor.(*monitor).watch", Op: "compare-and-swap", Does: interleave.Failing},
			"the monitor goes to sleep as a task is posted"},
		{"a worker goes to sleep in a pool that is closed",
			interleave.Fault{In: "executor.(*worker).park", Op: "load", Does: interleave.Blind},
			"the pool is closed as two workers go to sleep"},
		{"a worker goes to sleep that counts as blocked",
			interleave.Fault{In: "executor.(*worker).search", Op: "load", Does: interleave.Blind},
			"a worker is found blocked as it comes back and goes to sleep"},
		{"who closes wakes nobody",
			interleave.Fault{In: "executor.(*idleWorkers).wakeAll", Op: "send", Does: interleave.Skipped},
			"the pool is closed as two workers go to sleep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, m := range poolModels {
				if m.name == tt.model {
					interleave.Catch(t, m.model, append(m.opts, interleave.Break(tt.fault))...)
					return
				}
			}
			t.Fatal("there is no such model")
		})
	}
}

// A store that is not visible to other processors at once can lose a wake-up, until the monitor
// notifies: this is why it does.
func TestInterleavingsOfPoolsWithoutMonitor(t *testing.T) {
	f := interleave.Catch(t, func(r *interleave.Run) {
		m := newPoolModel(r, 2)
		m.put(task(0))
		m.workers.list()[0].runQueue.push(task(0))
		m.local(0, 1, coro.OriginSpawned)
	})
	require.Contains(t, f.String(), "becomes visible")
}
