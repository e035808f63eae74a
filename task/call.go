package task

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task/internal/bound"
)

// None is the result of a function that returns an error alone.
type None = struct{}

// Call is a task function with its arguments, which [Run], [Go] or [Start] launches. It is made by
// [Call0] to [Call4] or, if the function returns an error alone, by [Do0] to [Do4]. It is good for one
// launch, and belongs to one goroutine until then. R is the type of the result.
//
// A function that takes more arguments is called by a literal:
//
//	task.Do0(func(t *task.T) error { return f(t, a, b, c, d, e) })
type Call[R any] struct {
	call  coro.Call[R] // if the function is compiled
	plain form[R]      // otherwise; or nil
}

// Call0 returns a call of fn with no arguments.
func Call0[R any](fn func(*T) (R, error)) Call[R] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[R]{plain: &call0[R]{fn}}
	}
	callOf, ok := forms.Call.(func() coro.Call[R])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[R](&call0[R]{start}, &call0[R]{fn})
	}
	call := callOf()
	kept := call.Kept()
	f, ok := (*kept).(*call0[R])
	if !ok {
		f = new(call0[R])
		*kept = f
	}
	*f = call0[R]{fn}
	return Call[R]{call: call}
}

// Call1 returns a call of fn with the argument a.
func Call1[A, R any](fn func(*T, A) (R, error), a A) Call[R] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[R]{plain: &call1[A, R]{fn, a}}
	}
	callOf, ok := forms.Call.(func(A) coro.Call[R])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[R](&call1[A, R]{start, a}, &call1[A, R]{fn, a})
	}
	call := callOf(a)
	kept := call.Kept()
	f, ok := (*kept).(*call1[A, R])
	if !ok {
		f = new(call1[A, R])
		*kept = f
	}
	*f = call1[A, R]{fn, a}
	return Call[R]{call: call}
}

// Call2 returns a call of fn with the arguments a and b.
func Call2[A, B, R any](fn func(*T, A, B) (R, error), a A, b B) Call[R] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[R]{plain: &call2[A, B, R]{fn, a, b}}
	}
	callOf, ok := forms.Call.(func(A, B) coro.Call[R])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[R](&call2[A, B, R]{start, a, b}, &call2[A, B, R]{fn, a, b})
	}
	call := callOf(a, b)
	kept := call.Kept()
	f, ok := (*kept).(*call2[A, B, R])
	if !ok {
		f = new(call2[A, B, R])
		*kept = f
	}
	*f = call2[A, B, R]{fn, a, b}
	return Call[R]{call: call}
}

// Call3 returns a call of fn with the arguments a, b and c.
func Call3[A, B, C, R any](fn func(*T, A, B, C) (R, error), a A, b B, c C) Call[R] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[R]{plain: &call3[A, B, C, R]{fn, a, b, c}}
	}
	callOf, ok := forms.Call.(func(A, B, C) coro.Call[R])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[R](&call3[A, B, C, R]{start, a, b, c}, &call3[A, B, C, R]{fn, a, b, c})
	}
	call := callOf(a, b, c)
	kept := call.Kept()
	f, ok := (*kept).(*call3[A, B, C, R])
	if !ok {
		f = new(call3[A, B, C, R])
		*kept = f
	}
	*f = call3[A, B, C, R]{fn, a, b, c}
	return Call[R]{call: call}
}

// Call4 returns a call of fn with the arguments a, b, c and d.
func Call4[A, B, C, D, R any](fn func(*T, A, B, C, D) (R, error), a A, b B, c C, d D) Call[R] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[R]{plain: &call4[A, B, C, D, R]{fn, a, b, c, d}}
	}
	callOf, ok := forms.Call.(func(A, B, C, D) coro.Call[R])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[R](&call4[A, B, C, D, R]{start, a, b, c, d}, &call4[A, B, C, D, R]{fn, a, b, c, d})
	}
	call := callOf(a, b, c, d)
	kept := call.Kept()
	f, ok := (*kept).(*call4[A, B, C, D, R])
	if !ok {
		f = new(call4[A, B, C, D, R])
		*kept = f
	}
	*f = call4[A, B, C, D, R]{fn, a, b, c, d}
	return Call[R]{call: call}
}

// Do0 returns a call of fn with no arguments.
func Do0(fn func(*T) error) Call[None] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[None]{plain: &do0{fn}}
	}
	callOf, ok := forms.Call.(func() coro.Call[None])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[None](&do0{start}, &do0{fn})
	}
	call := callOf()
	kept := call.Kept()
	f, ok := (*kept).(*do0)
	if !ok {
		f = new(do0)
		*kept = f
	}
	*f = do0{fn}
	return Call[None]{call: call}
}

// Do1 returns a call of fn with the argument a.
func Do1[A any](fn func(*T, A) error, a A) Call[None] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[None]{plain: &do1[A]{fn, a}}
	}
	callOf, ok := forms.Call.(func(A) coro.Call[None])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[None](&do1[A]{start, a}, &do1[A]{fn, a})
	}
	call := callOf(a)
	kept := call.Kept()
	f, ok := (*kept).(*do1[A])
	if !ok {
		f = new(do1[A])
		*kept = f
	}
	*f = do1[A]{fn, a}
	return Call[None]{call: call}
}

// Do2 returns a call of fn with the arguments a and b.
func Do2[A, B any](fn func(*T, A, B) error, a A, b B) Call[None] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[None]{plain: &do2[A, B]{fn, a, b}}
	}
	callOf, ok := forms.Call.(func(A, B) coro.Call[None])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[None](&do2[A, B]{start, a, b}, &do2[A, B]{fn, a, b})
	}
	call := callOf(a, b)
	kept := call.Kept()
	f, ok := (*kept).(*do2[A, B])
	if !ok {
		f = new(do2[A, B])
		*kept = f
	}
	*f = do2[A, B]{fn, a, b}
	return Call[None]{call: call}
}

// Do3 returns a call of fn with the arguments a, b and c.
func Do3[A, B, C any](fn func(*T, A, B, C) error, a A, b B, c C) Call[None] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[None]{plain: &do3[A, B, C]{fn, a, b, c}}
	}
	callOf, ok := forms.Call.(func(A, B, C) coro.Call[None])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[None](&do3[A, B, C]{start, a, b, c}, &do3[A, B, C]{fn, a, b, c})
	}
	call := callOf(a, b, c)
	kept := call.Kept()
	f, ok := (*kept).(*do3[A, B, C])
	if !ok {
		f = new(do3[A, B, C])
		*kept = f
	}
	*f = do3[A, B, C]{fn, a, b, c}
	return Call[None]{call: call}
}

// Do4 returns a call of fn with the arguments a, b, c and d.
func Do4[A, B, C, D any](fn func(*T, A, B, C, D) error, a A, b B, c C, d D) Call[None] {
	forms := bound.Of(fn)
	if forms == nil {
		return Call[None]{plain: &do4[A, B, C, D]{fn, a, b, c, d}}
	}
	callOf, ok := forms.Call.(func(A, B, C, D) coro.Call[None])
	if !ok {
		start, _ := bound.StartOf(forms, fn)
		return startCall[None](&do4[A, B, C, D]{start, a, b, c, d}, &do4[A, B, C, D]{fn, a, b, c, d})
	}
	call := callOf(a, b, c, d)
	kept := call.Kept()
	f, ok := (*kept).(*do4[A, B, C, D])
	if !ok {
		f = new(do4[A, B, C, D])
		*kept = f
	}
	*f = do4[A, B, C, D]{fn, a, b, c, d}
	return Call[None]{call: call}
}
