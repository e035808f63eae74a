package executor

import (
	"context"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/coro"
)

// Blocked describes a worker that has been in one step for too long, for the handler of
// [WithBlockedHandler].
type Blocked struct {
	// Kind is the kind of the task that the worker began to run: the innermost of its
	// chain, as it was taken from a queue. The step that blocks is of that task or of
	// another task of the chain; Stack shows which.
	Kind coro.KindInfo

	// For is how long the worker has been in the step, at least.
	For time.Duration

	// Stack is the stack of the worker's goroutine, one line for each call, as in a
	// goroutine profile. Taking it costs a look at all goroutines of the program, so it is
	// empty if another was taken less than a second ago; then [PoolStats.BlockedKinds] may
	// have one. It is also empty if the step
	// has ended meanwhile, or if the goroutine has profiler labels of its own.
	Stack string
}

// stackEvery is the least time between two looks at all goroutines.
const stackEvery = time.Second

// reporter calls the handler of [WithBlockedHandler], and takes stacks for it and for the pool's
// history. Only the monitor uses it, with its mu held.
type reporter struct {
	// busy is true while a goroutine takes a stack or calls the handler. The monitor changes it
	// to true by compare-and-swap before it starts that goroutine, which stores false when it
	// has done so. So there is one such goroutine at a time, and the store orders what it has
	// done before what the next one does.
	busy atomic.Bool

	stack time.Time // when the last stack was taken; for the goroutine that busy stands for
}

// report calls the handler, if there is one and it is not busy, on another goroutine. w has been
// running the same task since it counted tick.
func (r *reporter) report(m *monitor, w *worker, tick uintptr, d time.Duration) {
	hook := m.pool.options.blocked
	if hook == nil || !r.busy.CompareAndSwap(false, true) {
		return
	}
	b := Blocked{Kind: w.coro.Began(), For: d}
	if w.tick.load() != tick {
		r.busy.Store(false)
		return // the step has ended, and the kind may be that of the next task
	}
	go func() {
		defer r.busy.Store(false)
		b.Stack = r.takeStack(w, tick)
		if b.Stack != "" {
			m.mu.Lock()
			if rec := m.history.find(b.Kind); rec != nil && b.For >= 2*rec.tried {
				rec.Stack, rec.StackTaken, rec.tried = b.Stack, r.stack, b.For
			}
			m.mu.Unlock()
		}
		hook(b)
	}()
}

// trace takes a stack for a record, on another goroutine, unless one is busy or has taken a stack
// less than a second ago. w has been running the same task since it counted tick.
func (r *reporter) trace(m *monitor, rec *blockedRecord, w *worker, tick uintptr, d time.Duration) {
	if !r.busy.CompareAndSwap(false, true) {
		return
	}
	if time.Since(r.stack) < stackEvery {
		r.busy.Store(false)
		return
	}
	rec.tried = d
	go func() {
		defer r.busy.Store(false)
		if stack := r.takeStack(w, tick); stack != "" {
			m.mu.Lock()
			defer m.mu.Unlock()
			rec.Stack, rec.StackTaken = stack, r.stack
		}
	}()
}

// takeStack returns the stack of the goroutine that runs w's task, if that is the one that began
// with tick. It returns "" if it is another, if another stack was taken less than a second ago, or
// if the goroutine is not found. The goroutine that busy stands for calls it.
func (r *reporter) takeStack(w *worker, tick uintptr) string {
	now := time.Now()
	if now.Sub(r.stack) < stackEvery {
		return ""
	}
	r.stack = now
	stack := w.stack()
	if w.tick.load() != tick {
		return ""
	}
	return stack
}

// workerLabel is the profiler label of the goroutines of workers, in pools with a handler. A
// goroutine that a step starts inherits it, but has no call of runsTasks on its stack.
const (
	workerLabel = "executor.worker"
	runsTasks   = "coro.(*Worker).Run"
)

// pools counts the pools of the program, for labels. NewPool adds to it.
var pools atomic.Uint64

// label gives the calling goroutine, w's owner, the label by which stack finds it.
func (w *worker) label() {
	if w.pool.options.blocked != nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(workerLabel, w.name())))
	}
}

func (w *worker) name() string {
	return strconv.FormatUint(w.pool.number, 10) + "." + strconv.FormatUint(w.id, 10)
}

// stack returns the stack of the goroutine that runs w's task. In a pool with a handler it finds the
// goroutine by its label, and returns "" if the goroutine has got labels of its own. In other pools
// the program's goroutines keep the labels that they have, so stack finds it by its mark (see
// marked_workers.go), and returns "" if several workers with the mark are in different steps.
func (w *worker) stack() string {
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	if w.pool.options.blocked != nil {
		return findStack(all.String(), strconv.Quote(workerLabel)+":"+strconv.Quote(w.name()))
	}
	return findStack(all.String(), w.mark())
}

// findStack returns the calls of the goroutine in the profile that runs tasks and contains sign. It
// returns "" if there is none or more than one.
func findStack(profile, sign string) string {
	found := ""
	for goroutine := range strings.SplitSeq(profile, "\n\n") {
		if strings.Contains(goroutine, sign) && strings.Contains(goroutine, runsTasks) {
			if found != "" {
				return ""
			}
			found = calls(goroutine)
		}
	}
	return found
}

// calls returns the lines of a goroutine profile that name calls.
func calls(goroutine string) string {
	var lines strings.Builder
	for line := range strings.Lines(goroutine) {
		if call, ok := strings.CutPrefix(line, "#\t"); ok {
			lines.WriteString(call)
		}
	}
	return lines.String()
}
