package coro

import (
	"errors"
	"runtime/trace"
	"sync"

	"github.com/framearena/framearena/arena"
)

// seqLoop is a range loop over a generator. It belongs to the goroutine of the
// loop, and is reused for later loops.
type seqLoop[T any] struct {
	seqDriver

	// value is where the generator, and those that it yields from, put the value
	// that is next: their results' address.
	value T
}

// seqDriver is the part of a seqLoop that does not depend on types: a worker that
// runs one chain of tasks, and the executor that the chain believes to be on. All
// frames are from the environment's allocator, and the worker's cache is not open.
type seqDriver struct {
	worker Worker

	// watched says that a trace was taken when the loop began.
	traced bool

	// next is the frame whose step is to follow: it yielded the last value or
	// has not begun. It is nothing while steps run and once the root has ended.
	nextFrame link[header]

	// call carries the environment, and learns of the end of the root.
	call call

	// waiting is what the chain needs to wait for something; it is its own, as a
	// loop is its own executor.
	runtime *execRuntime

	// ready is the chain when it has waited for something and may go on. It is guarded by
	// call.done.mu, and call.done is given when it is there.
	ready Runnable
}

func newSeqLoop[T any]() *seqLoop[T] {
	l := new(seqLoop[T])
	l.call.done.init()
	l.runtime = newExecRuntime()
	l.runtime.oneChain = true
	return l
}

// seqArena is where generators' frames come from that are given no allocator.
var seqArena = sync.OnceValue(func() *arena.Arena {
	a, err := arena.New()
	if err != nil {
		panic(err) // without options there is none that could be wrong
	}
	return a
})

// begin makes the frame of the root, or returns nil.
func (d *seqDriver) begin(k *kind, o *options) *header {
	base := Environment{executor: d, runtime: d.runtime, registry: &d.runtime.registry}
	d.call.env = base.with(o)
	d.call.tree.open(&d.call.env)
	d.call.env.call = &d.call
	d.call.waited = true
	if d.call.env.allocator == nil {
		d.call.env.allocator = seqArena()
	}
	d.traced = trace.IsEnabled()
	h := d.call.env.newRoot(nil, k)
	if h != nil {
		h.layout |= flagSeq
		d.nextFrame.set(h)
	}
	return h
}

// pass gives values to yield until there are no more or it wants no more. It
// returns true if it is to be called again: if a task that the generator awaits
// panicked, and the one that awaits it goes on. Any other panic is for the loop.
func (l *seqLoop[T]) pass(yield func(T) bool) (again bool) {
	defer func() {
		if !l.isInChild() {
			return
		}
		if v := recover(); v != nil { // otherwise it is a Goexit
			h := l.worker.failOnPanic(v)
			if h.at&atMask == Cleanup && recoveredInGoexit() {
				h.at = 0 // end calls it, since nobody else does
			}
			l.nextFrame.set(h)
			again = true
		}
	}()
	for l.advance() && yield(l.value) {
	}
	return false
}

// isInChild reports whether a step function of a task that another one awaits is
// running.
func (d *seqDriver) isInChild() bool {
	if d.worker.current == 0 {
		return false
	}
	h, _ := d.worker.running()
	return h.layout&flagRoot == 0
}

// advance runs steps until there is a value, or returns false if the generator
// has ended.
func (d *seqDriver) advance() bool {
	w := &d.worker
	h := d.nextFrame.get()
	d.nextFrame = 0
	if h.at&atFailed == 0 && h.env.get().mayEnd() {
		w.takeCause(h)
	}
	for {
		if d.traced {
			w.stepsTraced(h, false)
		} else {
			w.steps(h)
		}
		if w.current != 0 {
			d.nextFrame = link[header](w.current)
			w.current = 0
			return true
		}
		d.call.done.wait()
		if h = d.takeReady(); h == nil {
			return false
		}
		w.takeOutcome(h)
	}
}

// takeReady returns the chain if it may go on, or nil if it has ended.
func (d *seqDriver) takeReady() *header {
	d.call.done.mu.Lock()
	defer d.call.done.mu.Unlock()
	h := d.ready.h
	d.ready = Runnable{}
	return h
}

// end frees what the loop has left.
func (d *seqDriver) end() {
	w := &d.worker
	h := d.nextFrame.get()
	if w.current != 0 { // a step function panicked, or ended the goroutine
		var child *header
		if h, child = w.running(); child != nil { // it will not begin
			w.discard(child)
		}
	}
	w.current = 0
	for h != nil {
		w.runCleanup(h, ErrLoopEnded)
		parent := h.parent.get()
		w.discard(h)
		h = parent
	}
	w.err = nil
	d.nextFrame = 0
	d.call.tree.close()
	d.call.env = Environment{}
	d.call.err = nil
}

var errOneChain = errors.New("coro: the loop over a generator runs nothing but the generator and what that awaits")

// Post takes the chain back after it waited.
func (d *seqDriver) Post(t Runnable) error {
	done := &d.call.done
	done.mu.Lock()
	defer done.mu.Unlock()
	if d.ready.h != nil {
		return errOneChain
	}
	d.ready = t
	done.set = true
	done.cond.Signal()
	return nil
}

// Environment returns the environment of the loop.
func (d *seqDriver) Environment() *Environment { return &d.call.env }

var _ Executor = (*seqDriver)(nil)
