package coro

import (
	"fmt"
	"strings"

	"github.com/framearena/framearena/internal/printable"
)

// How many tasks of a deep chain a Backtrace keeps.
const (
	innermostTasks = 32
	outermostTasks = 8
)

// Backtrace is a chain of tasks: each task is awaited by the next one. It is a copy, and
// belongs to its caller.
type Backtrace struct {
	// Tasks has the kinds of the tasks, from the innermost task, where something
	// happened, to the root. Of a deep chain it has the innermost 32 tasks and the
	// outermost 8.
	Tasks []KindInfo

	// Omitted is how many tasks between the innermost 32 and the outermost 8 are left out.
	Omitted int
}

// String returns two lines for each task, its name and the position of its kind's definition,
// and a line for the tasks that are left out.
func (b Backtrace) String() string {
	var s strings.Builder
	for i, t := range b.Tasks {
		if b.Omitted > 0 && i == len(b.Tasks)-outermostTasks {
			fmt.Fprintf(&s, "... %d more tasks ...\n", b.Omitted)
		}
		fmt.Fprintf(&s, "%s\n\t%s:%d\n", printable.Text(t.Name), t.File, t.Line)
	}
	return s.String()
}

// backtrace returns the chain from h to its root. The caller runs the task of h, or holds the
// lock that owns its frame.
func (h *header) backtrace() Backtrace { return newBacktrace(h.appendChain(nil)) }

func newBacktrace(kinds []*kind, omitted int) Backtrace {
	b := Backtrace{Omitted: omitted}
	for _, k := range kinds {
		b.Tasks = append(b.Tasks, k.Info())
	}
	return b
}

// appendChain appends to kinds the kinds of those tasks from h to its root that a Backtrace
// keeps, and returns how many tasks it leaves out.
func (h *header) appendChain(kinds []*kind) (_ []*kind, omitted int) {
	var last [outermostTasks]*kind // a ring of the last tasks beyond the innermost
	n := 0                         // tasks of the chain
	for ; h != nil; h = h.parent.get() {
		k := h.kind.get()
		if n < innermostTasks {
			kinds = append(kinds, k)
		} else {
			last[n%outermostTasks] = k
		}
		n++
	}
	omitted = max(0, n-innermostTasks-outermostTasks)
	for i := innermostTasks + omitted; i < n; i++ {
		kinds = append(kinds, last[i%outermostTasks])
	}
	return kinds, omitted
}
