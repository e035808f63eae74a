package task

import "github.com/framearena/framearena/task/internal/bound"

// form is a task function with its arguments. It belongs to the call.
type form[R any] interface {
	call(t *T) (R, error)

	// code returns the code pointer of the function.
	code() uintptr

	// Clear makes it the zero form; see coro.Kept.
	Clear()
}

type call0[R any] struct {
	fn func(*T) (R, error)
}

func (f *call0[R]) call(t *T) (R, error) { return f.fn(t) }
func (f *call0[R]) code() uintptr        { return bound.Code(f.fn) }
func (f *call0[R]) Clear()               { *f = call0[R]{} }

type call1[A, R any] struct {
	fn func(*T, A) (R, error)
	a  A
}

func (f *call1[A, R]) call(t *T) (R, error) { return f.fn(t, f.a) }
func (f *call1[A, R]) code() uintptr        { return bound.Code(f.fn) }
func (f *call1[A, R]) Clear()               { *f = call1[A, R]{} }

type call2[A, B, R any] struct {
	fn func(*T, A, B) (R, error)
	a  A
	b  B
}

func (f *call2[A, B, R]) call(t *T) (R, error) { return f.fn(t, f.a, f.b) }
func (f *call2[A, B, R]) code() uintptr        { return bound.Code(f.fn) }
func (f *call2[A, B, R]) Clear()               { *f = call2[A, B, R]{} }

type call3[A, B, C, R any] struct {
	fn func(*T, A, B, C) (R, error)
	a  A
	b  B
	c  C
}

func (f *call3[A, B, C, R]) call(t *T) (R, error) { return f.fn(t, f.a, f.b, f.c) }
func (f *call3[A, B, C, R]) code() uintptr        { return bound.Code(f.fn) }
func (f *call3[A, B, C, R]) Clear()               { *f = call3[A, B, C, R]{} }

type call4[A, B, C, D, R any] struct {
	fn func(*T, A, B, C, D) (R, error)
	a  A
	b  B
	c  C
	d  D
}

func (f *call4[A, B, C, D, R]) call(t *T) (R, error) { return f.fn(t, f.a, f.b, f.c, f.d) }
func (f *call4[A, B, C, D, R]) code() uintptr        { return bound.Code(f.fn) }
func (f *call4[A, B, C, D, R]) Clear()               { *f = call4[A, B, C, D, R]{} }

type do0 struct {
	fn func(*T) error
}

func (f *do0) call(t *T) (None, error) { return None{}, f.fn(t) }
func (f *do0) code() uintptr           { return bound.Code(f.fn) }
func (f *do0) Clear()                  { *f = do0{} }

type do1[A any] struct {
	fn func(*T, A) error
	a  A
}

func (f *do1[A]) call(t *T) (None, error) { return None{}, f.fn(t, f.a) }
func (f *do1[A]) code() uintptr           { return bound.Code(f.fn) }
func (f *do1[A]) Clear()                  { *f = do1[A]{} }

type do2[A, B any] struct {
	fn func(*T, A, B) error
	a  A
	b  B
}

func (f *do2[A, B]) call(t *T) (None, error) { return None{}, f.fn(t, f.a, f.b) }
func (f *do2[A, B]) code() uintptr           { return bound.Code(f.fn) }
func (f *do2[A, B]) Clear()                  { *f = do2[A, B]{} }

type do3[A, B, C any] struct {
	fn func(*T, A, B, C) error
	a  A
	b  B
	c  C
}

func (f *do3[A, B, C]) call(t *T) (None, error) { return None{}, f.fn(t, f.a, f.b, f.c) }
func (f *do3[A, B, C]) code() uintptr           { return bound.Code(f.fn) }
func (f *do3[A, B, C]) Clear()                  { *f = do3[A, B, C]{} }

type do4[A, B, C, D any] struct {
	fn func(*T, A, B, C, D) error
	a  A
	b  B
	c  C
	d  D
}

func (f *do4[A, B, C, D]) call(t *T) (None, error) { return None{}, f.fn(t, f.a, f.b, f.c, f.d) }
func (f *do4[A, B, C, D]) code() uintptr           { return bound.Code(f.fn) }
func (f *do4[A, B, C, D]) Clear()                  { *f = do4[A, B, C, D]{} }
