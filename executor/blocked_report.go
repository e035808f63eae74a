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

// Blocked is what the hook of [WithBlockedHandler] is told of a worker that has been in
// one step for too long.
type Blocked struct {
	// Kind is the kind of the task that the worker began to run: the innermost of
	// its chain, as it was taken from a queue. The step that blocks is of that task
	// or of another one of the chain; Stack says which.
	Kind coro.KindInfo

	// For is how long the worker has been in the step, at least.
	For time.Duration

	// Stack is the stack of the worker's goroutine, one line for each call, as in a
	// goroutine profile. It is empty if one was taken less than a second ago, since
	// it costs a look at all goroutines.
	Stack string
}

// stackEvery is the least time between two looks at all goroutines.
const stackEvery = time.Second

// reporter calls the hook of [WithBlockedHandler].
type reporter struct {
	busy  atomic.Bool // a hook is being called; set by report, cleared by that call
	stack time.Time   // when a stack was last taken; guarded by busy
}

// report has the hook called, if there is one, with w that has been running the same
// task since tick.
func (r *reporter) report(p *Pool, w *worker, tick uintptr, d time.Duration) {
	hook := p.options.blocked
	if hook == nil || !r.busy.CompareAndSwap(false, true) {
		return
	}
	b := Blocked{Kind: w.coro.Began(), For: d}
	if w.tick.load() != tick {
		r.busy.Store(false)
		return // it has come back, and the kind may be another's
	}
	go func() {
		defer r.busy.Store(false)
		if now := time.Now(); now.Sub(r.stack) >= stackEvery {
			r.stack = now
			stack := w.stack()
			if w.tick.load() == tick {
				b.Stack = stack
			}
		}
		hook(b)
	}()
}

// workerLabel is the profiler label of workers whose stack may be wanted. Goroutines
// that a step starts have it too, but none of them is in runsTasks.
const (
	workerLabel = "executor.worker"
	runsTasks   = "coro.(*Worker).Run"
)

// pools counts pools, for labels.
var pools atomic.Uint64

// label makes the owner's goroutine one that stack finds.
func (w *worker) label() {
	if w.pool.options.blocked != nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels(workerLabel, w.name())))
	}
}

func (w *worker) name() string {
	return strconv.FormatUint(w.pool.number, 10) + "." + strconv.FormatUint(w.id, 10)
}

// stack returns the stack of the goroutine that runs w's task, or nothing if that
// has labels of its own.
func (w *worker) stack() string {
	var all strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	label := strconv.Quote(workerLabel) + ":" + strconv.Quote(w.name())
	for goroutine := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(goroutine, label) && strings.Contains(goroutine, runsTasks) {
			return calls(goroutine)
		}
	}
	return ""
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
