package compile

import (
	"fmt"
	"go/types"
	"strings"
)

// FrameReport says what a function keeps while it waits.
type FrameReport struct {
	File       string        `json:"file"`
	Line       int           `json:"line"`
	Function   string        `json:"function"`
	Suspends   bool          `json:"suspends"` // it may; otherwise it has no frames
	FrameBytes int64         `json:"frame_bytes"`
	Points     []PointReport `json:"points"`

	// OnGoroutine says why the function is not compiled: it runs on a goroutine. Otherwise it is empty.
	OnGoroutine string `json:"on_goroutine,omitempty"`
}

// PointReport says what a function keeps while one call waits.
type PointReport struct {
	Line  int      `json:"line"`
	State []string `json:"state"` // variables in the frame
	Held  []string `json:"held"`  // variables in the held part
}

const (
	frameHeader = 48
	frameLink   = 8 // to the held part
)

// String returns the report as lines of text that begin with the place in the source.
func (r FrameReport) String() string {
	var b strings.Builder
	if r.OnGoroutine != "" {
		fmt.Fprintf(&b, "%s:%d: %s runs on a goroutine: %s\n", r.File, r.Line, r.Function, r.OnGoroutine)
		return b.String()
	}
	if !r.Suspends {
		fmt.Fprintf(&b, "%s:%d: %s does not wait, and has no frames\n", r.File, r.Line, r.Function)
		return b.String()
	}
	fmt.Fprintf(&b, "%s:%d: %s has frames of %d bytes\n", r.File, r.Line, r.Function, r.FrameBytes)
	for _, p := range r.Points {
		fmt.Fprintf(&b, "%s:%d: \tkeeps in the frame: %s; in the held part: %s\n", r.File, p.Line, listed(p.State), listed(p.Held))
	}
	return b.String()
}

func listed(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// report describes the frames of a function after its layout is known.
func (fn *function) report() FrameReport {
	p := fn.unit.fset.Position(fn.pos())
	r := FrameReport{File: p.Filename, Line: p.Line, Function: fn.display, Suspends: fn.suspends, Points: []PointReport{}}
	if !fn.suspends {
		return r
	}
	size := fn.stateBytes(fn.layout.args)
	for i, s := range fn.layout.points {
		size = max(size, fn.stateBytes(s))
		point := PointReport{Line: fn.unit.fset.Position(fn.awaits[i].pos).Line, State: []string{}, Held: []string{}}
		for _, f := range s.state {
			point.State = append(point.State, f.v.Name())
		}
		for _, f := range s.held {
			why := ""
			if fn.isBox(f.v) {
				why = " (a box: its address is taken, or a literal captures it and it changes)"
			}
			point.Held = append(point.Held, f.v.Name()+why)
		}
		r.Points = append(r.Points, point)
	}
	r.FrameBytes = frameHeader + size
	if fn.layout.hasHeld {
		r.FrameBytes += frameLink
	}
	class := int64(128)
	for class < r.FrameBytes {
		class *= 2
	}
	r.FrameBytes = class
	return r
}

// stateBytes returns the size of what is stored in the frame.
func (fn *function) stateBytes(s *storage) int64 {
	var fields []*types.Var
	for _, f := range s.state {
		fields = append(fields, types.NewField(0, fn.unit.types, f.name, fn.storedType(f.v), false))
	}
	if s.result != "" && !s.resultHeld {
		fields = append(fields, types.NewField(0, fn.unit.types, s.result, s.resultType, false))
	}
	size := fn.unit.sizes.Sizeof(types.NewStruct(fields, nil))
	return (size + 7) &^ 7
}
