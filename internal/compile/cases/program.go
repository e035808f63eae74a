package cases

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// Program is a task function with what the tests have to know of it.
type Program struct {
	Name string
	Run  func(t *task.T, tr *Trace, n int) (int, error)

	// Sizes are the values of n that it runs with; if there are none, 3.
	Sizes []int

	// Beside is set if parts of the program run beside each other, so that the order in which they
	// reach their operations is not known. Its trace is compared as a set of lines. It also runs on
	// several workers. If something happens at an operation, it must end, with nothing open.
	Beside bool

	// Spread is set if something is to happen at operations that are spread over all that the program
	// reaches. Otherwise it happens at the first ones.
	Spread bool
}

// Trace is what a program prints. Any goroutine may use it.
type Trace struct {
	mu    sync.Mutex
	lines []string
	open  int
}

// Enter counts something that is open until the function is called that it returns:
//
//	defer tr.Enter()()
func (tr *Trace) Enter() (leave func()) {
	tr.count(1)
	return func() { tr.count(-1) }
}

// Open returns how much is open.
func (tr *Trace) Open() int {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.open
}

func (tr *Trace) count(n int) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.open += n
}

// Print adds a line, like [fmt.Sprintln].
func (tr *Trace) Print(args ...any) {
	line := fmt.Sprintln(args...)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, line[:len(line)-1])
}

// Int adds a line for n, and returns n: a call that does not suspend, and can be seen.
func (tr *Trace) Int(n int) int {
	tr.Print("int", n)
	return n
}

// Lines returns a copy of the lines.
func (tr *Trace) Lines() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return slices.Clone(tr.lines)
}

// Outcome is what can be seen of a run.
type Outcome struct {
	Lines  []string
	Result int
	Err    string // its text
	Cause  bool   // the error is, or wraps, the cause of the cancellation
	Panic  any
	Exits  bool   // by runtime.Goexit, or with its executor
	Open   int    // what the program has entered and not left
	Leak   string // what the executor's Close says, if frames are left
}

// close closes the executor when all that the program has left has ended.
func (o *Outcome) close(ex closable) {
	ex.Drain(context.Background())
	if err := ex.Close(); err != nil {
		o.Leak = err.Error()
	}
}

// setErr records what Run returned.
func (o *Outcome) setErr(err error) {
	var p *coro.PanicError
	switch {
	case err == nil:
	case errors.As(err, &p):
		o.Result = 0
		if p.Value == coro.ErrGoexit {
			o.Exits = true
			return
		}
		o.Panic = text(p.Value)
	case errors.Is(err, executor.ErrClosed):
		o.Result = 0
		o.Exits = true
	default:
		o.Err = err.Error()
		o.Cause = errors.Is(err, errCause)
	}
}

// text returns v, or of an error its text: two errors of the runtime are not equal.
func text(v any) any {
	if err, ok := v.(error); ok {
		return fmt.Sprintf("%T: %v", v, err)
	}
	return v
}

var errCause = errors.New("cases: cancelled")
