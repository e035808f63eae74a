package functions

import (
	"errors"
	"fmt"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func init() {
	programs = append(programs, cases.Program{Name: "type parameters that are error", Run: typeParamIsError})
}

// errSome is what the program's functions return.
var errSome = errors.New("some")

// same returns v. Of the instance for errors, the result is an error like that of other functions.
func same[V any](t *task.T, v V) V {
	t.Yield()
	return v
}

// twice returns n and v after a deferred call.
func twice[V any](t *task.T, tr *cases.Trace, n int, v V) (k int, last V) {
	defer func() { tr.Print("deferred", k) }()
	t.Yield()
	return n, same(t, v)
}

// deferring has a deferred call that may wait.
func deferring[V any](t *task.T, tr *cases.Trace, v V) (s string, n int, last V) {
	defer func(t *task.T) {
		t.Yield()
		n++
	}(t)
	s, n = "s", 1
	last = same(t, v)
	return s, n, last
}

// do calls a function that may be no instance of a generic one.
func do[V any](t *task.T, fn func(*task.T) V) V {
	v := fn(t)
	t.Yield()
	return v
}

func fails(t *task.T) error {
	t.Yield()
	return errSome
}

func pairOf(t *task.T) (int, error) {
	t.Yield()
	return 7, errSome
}

func doTwo[A, B any](t *task.T, fn func(*task.T) (A, B)) (a A, b B) {
	a, b = fn(t)
	t.Yield()
	return
}

// holder is a method of a generic type, and called through an interface.
type holder[V any] struct{ v V }

func (h *holder[V]) get(t *task.T) V {
	t.Yield()
	return h.v
}

type failer interface{ get(t *task.T) error }

func typeParamIsError(t *task.T, tr *cases.Trace, n int) (int, error) {
	tr.Print("same", same(t, errSome), same(t, n), fmt.Sprint(same[error](t, nil)))
	k, err := twice(t, tr, n, errSome)
	tr.Print("twice", k, err)
	k, s := twice(t, tr, n, "s")
	tr.Print("twice", k, s)
	a, b, err := deferring(t, tr, errSome)
	tr.Print("deferring", a, b, err)
	tr.Print("do", do(t, fails), do(t, func(t *task.T) error { return same(t, errSome) }))
	x, err := doTwo(t, pairOf)
	tr.Print("two", x, err)
	var f failer = &holder[error]{errSome}
	tr.Print("interface", f.get(t), (&holder[int]{n}).get(t))
	of := same[error]
	tr.Print("value", of(t, errSome))
	return n, nil
}
