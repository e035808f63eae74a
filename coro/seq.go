package coro

import (
	"fmt"
	"iter"
	"reflect"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/framecheck"
)

// SeqKind is a kind of generators: tasks that yield values of type T to a range
// loop. It is made by [DefineSeq], once, and may be used by all goroutines.
type SeqKind[S, T any] struct {
	kind

	// loops has *seqLoop[T] values for reuse.
	loops sync.Pool
}

// SeqFrame is the frame of a generator. [Await] and [Yield] take its Frame field.
type SeqFrame[S, T any] struct{ Frame[S, struct{}] }

// DefineSeq makes a kind of generators. The step function is called to begin, and again each
// time that the loop wants the next value or that what the generator awaited has ended. It
// returns what [YieldValue], [YieldFrom], [SeqFrame.Return], Fail or Await(&f.Frame, ...)
// returned.
//
// As with [Define], the state must not contain Go pointers. Values may: they go to the loop
// directly, not through a frame.
func DefineSeq[S, T any](name string, step func(f *SeqFrame[S, T]) Step, opts ...KindOption) *SeqKind[S, T] {
	if step == nil {
		panic("coro: task " + quote(name) + ": DefineSeq needs a step function")
	}
	mustBePointerFree(name, "state", reflect.TypeFor[S]())
	g := &SeqKind[S, T]{kind: kind{
		step:    *(*func(*header) Step)(unsafe.Pointer(&step)), // as in Define
		size:    unsafe.Sizeof(SeqFrame[S, T]{}),
		name:    name,
		defined: callerPosition(1),
	}}
	g.layOut()
	for _, o := range opts {
		o(&g.kind)
	}
	g.loops.New = func() any { return newSeqLoop[T]() }
	kinds.add(&g.kind)
	return g
}

// Seq returns the values of a generator that begins with the given state. Each
// loop over them runs a generator of its own, on the loop's goroutine: between two
// values the step function is called, and nothing else happens. There is no
// executor, and a loop may be anywhere, in another generator too.
//
// When the loop ends, for whatever reason, the generator and what it awaits have ended and
// their frames are free. The step function is not called for that (but see [HasCleanup]): after
// a yield it may never be called again.
//
// The frames come from the allocator given by [Allocator] or, without one, from
// an arena of this package that has no limit. With [Context], Err says after each
// value whether the context has ended.
//
// If the generator fails, or there is no memory for its frame, the error goes to the function
// given by [OnError]; without one the loop panics with an error that wraps it. To get errors
// in the loop, use [SeqKind.Seq2]. A panic of the generator's step function comes out of the
// loop; a panic of a task that it awaits is that task's failure, as always. A step that calls
// [runtime.Goexit] ends the loop's goroutine.
//
// A generator or a child that waits for something, as by [Yield], keeps the loop's goroutine
// waiting.
func (g *SeqKind[S, T]) Seq(state S, opts ...SeqOption) iter.Seq[T] {
	return func(yield func(T) bool) { g.seq(state, opts, yield) }
}

// Seq2 is [SeqKind.Seq] with errors: if the generator fails, the loop gets one more value,
// which is zero, with the error. The error of all other values is nil.
func (g *SeqKind[S, T]) Seq2(state S, opts ...SeqOption) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { g.seq2(state, opts, yield) }
}

func (g *SeqKind[S, T]) seq(state S, opts []SeqOption, yield func(T) bool) {
	o := seqOptions(opts)
	if err := g.run(state, &o, yield); err != nil {
		g.failed(o.handler, err)
	}
}

func (g *SeqKind[S, T]) seq2(state S, opts []SeqOption, yield func(T, error) bool) {
	o := seqOptions(opts)
	if err := g.run(state, &o, func(v T) bool { return yield(v, nil) }); err != nil {
		var zero T
		yield(zero, err)
	}
}

// failed gives the error of a generator, whose loop takes none, to the handler, or panics.
func (k *kind) failed(handler func(error), err error) {
	if handler == nil {
		panic(fmt.Errorf("coro: generator %s failed, and the loop takes no errors: use Seq2 or OnError: %w", quote(k.name), err))
	}
	handler(err)
}

// run is one loop. It returns the generator's error, or nil if yield has ended the loop.
func (g *SeqKind[S, T]) run(state S, o *options, yield func(T) bool) error {
	l := g.loops.Get().(*seqLoop[T])
	defer g.end(l)
	h := l.begin(&g.kind, o)
	if h == nil {
		return arena.ErrExhausted
	}
	(*SeqFrame[S, T])(unsafe.Pointer(h)).State = state
	h.result = uintptr(unsafe.Pointer(&l.value))
	for l.pass(yield) {
	}
	return l.call.err
}

func (g *SeqKind[S, T]) end(l *seqLoop[T]) {
	l.seqDriver.end()
	var zero T
	l.value = zero
	if l.runtime.timers == nil { // with timers, l may belong to a synctest bubble
		g.loops.Put(l)
	}
}

// Return ends the generator, and with it the loop.
func (f *SeqFrame[S, T]) Return() Step { return f.Frame.Return(struct{}{}) }

// Kind returns the generator's kind.
func (f *SeqFrame[S, T]) Kind() *SeqKind[S, T] {
	return (*SeqKind[S, T])(unsafe.Pointer(f.kind.get()))
}

// noLoop is a constant, so that YieldValue is small enough to be inlined. The PanicError has
// the name of the task.
const noLoop = "coro: a generator yields a value, but no loop takes it: run a generator by a loop over its Seq or Seq2, or by YieldFrom"

// YieldValue gives v to the loop. The generator continues at the resume point at when, and if,
// the loop wants the next value. A step function yields at most one value, and returns the
// Step at once.
func YieldValue[S, T any](f *SeqFrame[S, T], at int, v T) Step {
	if framecheck.Enabled {
		f.mustRun("YieldValue")
	}
	if f.layout&flagSeq == 0 {
		panic(noLoop)
	}
	**(**T)(unsafe.Pointer(&f.result)) = v
	f.resumeAt(at)
	return Step{next: &f.header, op: opValue}
}

// YieldFrom runs a generator of kind g as a child of f. What the child yields goes to the loop
// as if f had yielded it, at the same cost however deep generators are nested. f continues at
// the resume point at when the child has ended; then f.Err returns its error, if it failed.
func YieldFrom[S, CS, T any](f *SeqFrame[S, T], at int, g *SeqKind[CS, T], args CS) Step {
	if f.layout&flagSeq == 0 {
		panic(noLoop)
	}
	c := (*SeqFrame[CS, T])(unsafe.Pointer(f.await(at, &g.kind, nil, unsafe.Sizeof(f.State))))
	c.State = args
	c.result = f.result
	c.layout |= flagSeq
	return Step{next: &c.header, op: opAwait}
}
