package coro

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/internal/pprofile"
)

// WriteFrameProfile writes a profile of live frames, in the format that go tool pprof
// reads: of all tasks that have begun and not ended, in trees that were launched with
// [Profiled] or on an executor that profiles all (executor.WithFrameProfile), wherever
// their frames are.
//
// A sample has two values, the number of frames and the bytes of memory asked for
// them. Elided frames have none of their own. Its stack is how the frames came to be:
// the task's kind, the kinds of those who await it up to the root, and the stack of the
// goroutine that launched that. A kind stands there as a function with the kind's name,
// at the place of its definition. Samples have the labels "task kind" and "root kind",
// as CPU profiles do with [SetProfileLabels].
//
// All frames of these trees are in it, not a sample of them. It may be called from any
// goroutine. Tasks go on meanwhile, so it is not of one moment: one that has just begun
// may be missing while a task that began later is there. It is exact while no task
// begins or ends.
//
// Of chains of more than 64 tasks, the profile has the outermost 63 and the innermost.
// Of a launching goroutine's stack it has the innermost 32 functions. A program has
// some 16,000 different stacks at the most; tasks with others are under "other stacks",
// by their kind.
func WriteFrameProfile(w io.Writer) error {
	p := pprofile.New(time.Now(), pprofile.ValueType{Type: "frames", Unit: "count"}, pprofile.ValueType{Type: "space", Unit: "bytes"})
	for _, c := range liveFrames.snapshot() {
		stack, root := c.origin.stack()
		p.Add(stack, []pprofile.Label{{Key: "task kind", Value: c.origin.kind.name}, {Key: "root kind", Value: root.name}}, c.frames, c.bytes)
	}
	if err := p.Write(w); err != nil {
		return fmt.Errorf("coro: frame profile: %w", err)
	}
	return nil
}

// profileStart notes where the frame h, which is complete but for the state, comes
// from. bytes is what was asked for it.
func (h *header) profileStart(bytes int64) {
	k := h.kind.get()
	if parent := h.parent.get(); parent != nil {
		liveFrames.add(h, origins.child(liveFrames.originOf(parent), k), bytes)
	} else {
		liveFrames.add(h, origins.root(k), bytes)
	}
}

// snapshot returns what is live, in an order that is always the same.
func (l *liveTable) snapshot() []frameCount {
	sums := make(map[*origin]*frameCount)
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for o, c := range s.counts {
			if c.frames == 0 {
				continue
			}
			sum := sums[o]
			if sum == nil {
				sum = &frameCount{origin: o}
				sums[o] = sum
			}
			sum.frames += c.frames
			sum.bytes += c.bytes
		}
		s.mu.Unlock()
	}
	all := make([]frameCount, 0, len(sums))
	for _, c := range sums {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b frameCount) int {
		return cmp.Or(-cmp.Compare(a.frames, b.frames), cmp.Compare(a.origin.number, b.origin.number))
	})
	return all
}

// stack returns the origin as a stack, from the innermost task, and the kind of the
// root.
func (o *origin) stack() (stack []pprofile.Frame, root *kind) {
	for ; ; o = o.parent {
		stack = append(stack, pprofile.Frame{Function: o.kind.name, File: o.kind.defined.file, Line: o.kind.defined.line})
		if o.parent == nil {
			break
		}
	}
	return append(stack, o.launch.frames()...), o.kind
}

// frames returns the functions that led to a launch, without those that it consists of.
func (s *launchStack) frames() (stack []pprofile.Frame) {
	if s.n == 0 {
		return nil
	}
	frames := runtime.CallersFrames(s.pcs[:s.n])
	for {
		f, more := frames.Next()
		if len(stack) > 0 || !launches(f) {
			stack = append(stack, pprofile.Frame{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return stack
		}
	}
}

// launches reports whether f is a function of this package, or a part of one that was
// inlined into a caller's and bears its name.
func launches(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, "github.com/framearena/framearena/coro.") ||
		path.Dir(f.File) == sourceFolder && !strings.HasSuffix(f.File, "_test.go")
}

// sourceFolder is where this package's files were compiled, as stacks name it.
var sourceFolder = path.Dir(callerPosition(0).file)
