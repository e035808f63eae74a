package forms

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

// function is a task function of this package as the tests call it.
type function struct {
	name     string
	plain    func(*task.T, *script, int) (string, error)
	compiled func(*task.T, *script, int) (string, error)
}

func textOf[R any](name string, fn func(*task.T, *script, int) (R, error)) function {
	start := generated.StartOf(fn)
	if start == nil {
		panic(name + " is not compiled")
	}
	run := func(fn func(*task.T, *script, int) (R, error)) func(*task.T, *script, int) (string, error) {
		return func(t *task.T, s *script, n int) (string, error) {
			r, err := fn(t, s, n)
			return fmt.Sprint(r), err
		}
	}
	return function{name: name, plain: run(fn), compiled: func(_ *task.T, s *script, n int) (string, error) {
		ex := executor.NewInline()
		defer ex.Close()
		r, err := task.Run(context.Background(), ex, task.Call2(fn, s, n)) //framearena:ignore its own task runs on a goroutine
		return fmt.Sprint(r), err
	}}
}

func functions() []function {
	return []function{
		textOf("straight", straight),
		textOf("loops", loops),
		textOf("zeroed", zeroed),
		textOf("order", order),
		textOf("multi", multi),
		textOf("recursive", recursive),
		textOf("methods", methods),
		textOf("named", named),
		textOf("addresses", addresses),
		textOf("parameter", parameter),
		textOf("slept", slept),
		textOf("jumps", jumps),
		textOf("silent", silent),
		textOf("everything", everything),
		textOf("inTest", inTest),
		textOf("iterators", iterators),
		textOf("channels", channels),
		textOf("generics", generics),
		textOf("declarations", declarations),
		textOf("switches", switches),
		textOf("typeSwitches", typeSwitches),
		textOf("selects", selects),
		textOf("ranges", ranges),
		textOf("labelled", labelled),
		textOf("maps", maps),
		textOf("interfaces", interfaces),
		textOf("values", values),
		textOf("imported", imported),
		textOf("literals", literals),
		textOf("group", group),
		textOf("scopes", scopes),
		textOf("promoted", promoted),
		textOf("methodValues", methodValues),
		textOf("groupOfMethods", groupOfMethods),
	}
}

// outcome is what can be seen of a run.
type outcome struct {
	Result string
	Err    error
	Panic  any
	Log    []string
}

func outcomeOf(fn func(*task.T, *script, int) (string, error), n int, suspends func() bool) (o outcome) {
	s := &script{suspends: suspends}
	var t *task.T
	defer func() { o.Log = s.log }()
	o.Result, o.Err = fn(t, s, n)
	return o
}

// TestForms compares each function on a goroutine with itself compiled, suspended nowhere,
// everywhere, at each single place, and at random.
func TestForms(t *testing.T) {
	never := func() bool { return false }
	sizes, places, seeds := []int{0, 2, 5}, 8, uint64(3)
	if testing.Short() {
		sizes, places, seeds = []int{2}, 3, 1
	}
	for _, f := range functions() {
		t.Run(f.name, func(t *testing.T) {
			for _, n := range sizes {
				if f.name == "slept" {
					n++
				}
				want := outcomeOf(func(_ *task.T, s *script, n int) (string, error) {
					return onGoroutine(f.plain, s, n)
				}, n, never)
				require.Equal(t, want, outcomeOf(f.compiled, n, never), "never suspended")
				require.Equal(t, want, outcomeOf(f.compiled, n, func() bool { runtime.GC(); return true }), "suspended everywhere")
				for k := range min(len(want.Log), places) {
					at := 0
					require.Equal(t, want, outcomeOf(f.compiled, n, func() bool { at++; return at == k+1 }), "suspended at %d", k)
				}
				for seed := range seeds {
					r := rand.New(rand.NewPCG(seed, 1))
					require.Equal(t, want, outcomeOf(f.compiled, n, func() bool { return r.IntN(2) == 0 }), "seed %d", seed)
				}
			}
		})
	}
}

// onGoroutine calls the function as the source has it.
func onGoroutine(fn func(*task.T, *script, int) (string, error), s *script, n int) (r string, err error) {
	ex := executor.NewInline()
	defer ex.Close()
	_, err = task.Run(context.Background(), ex, task.Call2(func(t *task.T, s *script, n int) (string, error) {
		r, err = fn(t, s, n)
		return r, err
	}, s, n))
	return r, err
}
