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
	"github.com/framearena/framearena/internal/printable"
)

// WriteFrameProfile writes a profile of live frames to w, in the format that go tool pprof reads.
// The frames are those of all tasks that have started and not ended, in trees that were launched
// with [Profiled] or on an executor that profiles all its trees (executor.WithFrameProfile),
// whether they are in an arena, in another allocator's memory or elided. The error is that of w.
//
// A sample has two values: the number of frames, and the bytes of memory that were asked for
// them. Elided frames have no memory of their own. The sample's stack is where the frames come
// from: the task's kind, the kinds of its parent and so on up to the root, and the stack of the
// goroutine that launched the root. A kind appears as a function that has the kind's name, at
// the position of its definition. Samples have the labels "task kind" and "root kind", like
// the samples of CPU profiles with [SetProfileLabels].
//
// All frames of these trees are in the profile, not a sample of them. Any goroutine may call
// WriteFrameProfile. Tasks run meanwhile, so the profile is not of one moment: a task that has
// just started may be missing although a task that started later is in it. The profile is
// exact while no task starts or ends.
//
// Of a chain of more than 64 tasks, the profile has the outermost 63 and the innermost. Of the
// stack of a launching goroutine it has the innermost 32 functions. It distinguishes at most
// 16,384 stacks in the life of the program; tasks with further stacks appear under "other
// stacks", by their kind.
func WriteFrameProfile(w io.Writer) error {
	p := pprofile.New(time.Now(), pprofile.ValueType{Type: "frames", Unit: "count"}, pprofile.ValueType{Type: "space", Unit: "bytes"})
	for _, c := range liveFrames.snapshot() {
		stack, root := c.origin.stack()
		p.Add(stack, []pprofile.Label{{Key: "task kind", Value: printable.Text(c.origin.kind.name)}, {Key: "root kind", Value: printable.Text(root.name)}}, c.frames, c.bytes)
	}
	if err := p.Write(w); err != nil {
		return fmt.Errorf("coro: frame profile: %w", err)
	}
	return nil
}

// profileStart records the origin of the frame h, which is complete except for the state. bytes
// is what was asked for it. The calling goroutine owns h, and its parent is live: see
// frame_origin.go.
func (h *header) profileStart(bytes int64) {
	k := h.kind.get()
	if parent := h.parent.get(); parent != nil {
		liveFrames.add(h, origins.child(liveFrames.originOf(parent), k), bytes)
	} else {
		liveFrames.add(h, origins.root(k), bytes)
	}
}

// snapshot returns the live frames by origin: the largest number of frames first and, of equal
// numbers, the origin that was made first. It holds one shard's lock at a time.
func (l *liveTable) snapshot() []frameCount {
	sums := make(map[*frameOrigin]*frameCount)
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

// stack returns the origin as a stack, the innermost task first, and the kind of the root.
func (o *frameOrigin) stack() (stack []pprofile.Frame, root *kind) {
	for ; ; o = o.parent {
		stack = append(stack, pprofile.Frame{Function: printable.Text(o.kind.name), File: o.kind.defined.file, Line: o.kind.defined.line})
		if o.parent == nil {
			break
		}
	}
	return append(stack, o.launch.frames()...), o.kind
}

// frames returns the functions of the stack, the innermost first, without the functions of this
// package that make the launch.
func (s *launchStack) frames() (stack []pprofile.Frame) {
	if s.n == 0 {
		return nil
	}
	frames := runtime.CallersFrames(s.pcs[:s.n])
	for {
		f, more := frames.Next()
		if len(stack) > 0 || !isLaunchCode(f) {
			stack = append(stack, pprofile.Frame{Function: f.Function, File: f.File, Line: f.Line})
		}
		if !more {
			return stack
		}
	}
}

// isLaunchCode reports whether f is a function of this package, or is named after a user's
// function into which one of this package was inlined, but lies in a file of this package.
func isLaunchCode(f runtime.Frame) bool {
	return strings.HasPrefix(f.Function, "github.com/framearena/framearena/coro.") ||
		path.Dir(f.File) == sourceFolder && !strings.HasSuffix(f.File, "_test.go")
}

// sourceFolder is the folder of this package's files, as stacks name it.
var sourceFolder = path.Dir(callerPosition(0).file)
