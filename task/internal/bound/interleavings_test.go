//go:build framearena_explore

package bound

import (
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

// The first two codes belong into one slot of a small table, and the third makes it grow.
var exploredCodes = [3]uintptr{1 << 5, 5 << 5, 2 << 5}

// tableModel enters functions from two goroutines, while another one looks them up. What has been
// entered is found, also while the table is replaced, and what is found is right.
func tableModel(r *interleave.Run) {
	t := new(table)
	small := make([]slot, 4)
	t.current.Store(&small)
	var functions [3]Function
	var entered [3]interleave.Bool
	enter := func(i int) {
		t.set(exploredCodes[i], &functions[i])
		entered[i].Store(true)
		r.Require(t.get(exploredCodes[i]) == &functions[i], "function %d was entered, and is not found", i)
	}
	r.Thread("one", func() { enter(0) })
	r.Thread("two", func() { enter(1); enter(2) })
	r.Thread("reader", func() {
		for i, code := range exploredCodes[:2] {
			was := entered[i].Load()
			f := t.get(code)
			r.Require(f == &functions[i] || f == nil && !was, "the table has something else for function %d", i)
		}
	})
	r.End(func() {
		for i, code := range exploredCodes {
			r.Require(t.get(code) == &functions[i], "function %d is lost", i)
		}
		r.Require(t.used == len(functions), "%d slots are used", t.used)
	})
}

func TestInterleavingsOfTables(t *testing.T) { interleave.Check(t, tableModel) }

func TestInterleavingsOfTablesBroken(t *testing.T) {
	tests := []struct {
		name  string
		fault interleave.Fault
	}{
		{"two enter at once", interleave.Fault{In: "bound.(*table).set", Op: "lock", Does: interleave.Skipped}},
		{"a slot has no function", interleave.Fault{Line: "s.function.Store(f)", Does: interleave.Skipped}},
		{"the larger table is not used", interleave.Fault{Line: "t.current.Store(&larger)", Does: interleave.Skipped}},
		{"a function is not copied", interleave.Fault{Line: "s.function.Store(slots[i].function.Load())", Op: "store", Does: interleave.Skipped}},
		{"the reader has no table", interleave.Fault{In: "bound.(*table).get", Line: "t.current.Load()", Does: interleave.Blind}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, tableModel, interleave.Break(tt.fault)) })
	}
}
