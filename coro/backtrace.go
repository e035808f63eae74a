package coro

import (
	"fmt"
	"strings"
)

// A task backtrace keeps so many tasks of a deep chain.
const (
	innermostTasks = 32
	outermostTasks = 8
)

// Backtrace is a chain of tasks, each awaited by the next.
type Backtrace struct {
	// Tasks are the kinds of the tasks, from the innermost, where something
	// happened, to the root. Of a deep chain they are the innermost 32 and the
	// outermost 8.
	Tasks []KindInfo

	// Omitted is how many tasks between these two are left out.
	Omitted int
}

// String returns a line for each task.
func (b Backtrace) String() string {
	var s strings.Builder
	for i, t := range b.Tasks {
		if b.Omitted > 0 && i == len(b.Tasks)-outermostTasks {
			fmt.Fprintf(&s, "... %d more tasks ...\n", b.Omitted)
		}
		fmt.Fprintf(&s, "%s\n\t%s:%d\n", t.Name, t.File, t.Line)
	}
	return s.String()
}

// backtrace returns the chain from h to its root.
func (h *header) backtrace() Backtrace { return newBacktrace(h.appendChain(nil)) }

func newBacktrace(kinds []*kind, omitted int) Backtrace {
	b := Backtrace{Omitted: omitted}
	for _, k := range kinds {
		b.Tasks = append(b.Tasks, k.Info())
	}
	return b
}

// appendChain appends to kinds those of the chain from h to its root that a Backtrace
// keeps, and returns how many it leaves out.
func (h *header) appendChain(kinds []*kind) (_ []*kind, omitted int) {
	var last [outermostTasks]*kind // of those that are not in kinds, a ring
	n := 0
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
