package coro

import (
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/framecheck"
)

// SeqKind is a kind of generators: tasks that yield values of type T to a range loop. It is
// made by [DefineSeq], once, and any goroutine may use it.
type SeqKind[S, T any] struct {
	kind

	// loops has *seqLoop[T] values that no loop uses.
	loops sync.Pool
}

// SeqFrame is the frame of a generator. Like a [Frame], it belongs to its task, and only the
// generator's step function may use it. [Await] and [Yield] take its Frame field.
type SeqFrame[S, T any] struct{ Frame[S, struct{}] }

// DefineSeq makes a kind of generators. The step function is called when the generator begins,
// and again each time that the loop wants the next value, or that a task it awaited has ended.
// It returns what [YieldValue], [YieldFrom], [SeqFrame.Return], Fail or Await(&f.Frame, ...)
// returned.
//
// The state must not contain pointers, as with [Define]. Values may: they go to the loop, not
// through a frame.
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

// Seq returns the values of a generator that begins with the given state. Each loop over them
// runs a generator of its own, on the loop's goroutine: to get the next value, the loop calls
// the step function. It needs no executor. A loop may be anywhere, also in another generator.
//
// When the loop ends, by a break, a return or a panic too, the generator and the tasks that it
// awaits have ended, and their frames are free. If the loop ends early, their step functions are
// not called again, except for the cleanup step of kinds with [HasCleanup]. If such a step panics,
// the panic comes out of the loop, as a [*PanicError]; if it calls [runtime.Goexit], the loop's
// goroutine ends. If the generator's cleanup step fails with another error than its Err, the error
// goes the way of those of a generator that fails, and in a loop over Seq2 as in one over Seq: the
// loop is over, and takes no values.
//
// The frames come from the allocator given by [Allocator] or, without one, from an arena of
// this package that has no limit. With [Context], Err returns the context's error after each
// value if the context has ended.
//
// If the generator fails, or there is no memory for its frame, the error goes to the function
// given by [OnError]. Without that function, the loop panics with an error that wraps it. Use
// [SeqKind.Seq2] to get errors in the loop. A panic of the generator's step function passes
// through the loop. A panic of a task that the generator awaits fails that task, as with
// other tasks. A step that calls [runtime.Goexit] ends the loop's goroutine.
//
// If the generator or a task that it awaits waits for something, or calls [Yield], the loop's
// goroutine blocks meanwhile.
func (g *SeqKind[S, T]) Seq(state S, opts ...SeqOption) iter.Seq[T] {
	if g == nil {
		panicNoSeqKind("Seq")
	}
	return func(yield func(T) bool) { g.seq(state, opts, yield) }
}

// Seq2 is [SeqKind.Seq] with errors: if the generator fails, the loop gets one more value, which
// is zero, with the error. The error of all other values is nil.
func (g *SeqKind[S, T]) Seq2(state S, opts ...SeqOption) iter.Seq2[T, error] {
	if g == nil {
		panicNoSeqKind("Seq2")
	}
	return func(yield func(T, error) bool) { g.seq2(state, opts, yield) }
}

func panicNoSeqKind(function string) {
	panic("coro: " + function + " of a nil SeqKind: make one with DefineSeq")
}

func (g *SeqKind[S, T]) seq(state S, opts []SeqOption, yield func(T) bool) {
	o := seqOptions(opts)
	if err := g.run(state, &o, yield); err != nil {
		g.reportSeqError(o.handler, err)
	}
}

func (g *SeqKind[S, T]) seq2(state S, opts []SeqOption, yield func(T, error) bool) {
	o := seqOptions(opts)
	if err := g.run(state, &o, func(v T) bool { return yield(v, nil) }); err != nil {
		var zero T
		yield(zero, err)
	}
}

// reportSeqError gives the error of a loop over Seq to handler, or panics with it if there is no
// handler.
func (k *kind) reportSeqError(handler func(error), err error) {
	if handler == nil {
		panic(fmt.Errorf("coro: generator %s failed, and the loop takes no errors: use Seq2 or OnError: %w", quote(k.name), err))
	}
	handler(err)
}

// run is one loop. It returns the generator's error, or nil if yield ended the loop.
func (g *SeqKind[S, T]) run(state S, o *options, yield func(T) bool) error {
	l := g.loops.Get().(*seqLoop[T])
	defer g.end(l, o.handler)
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

// end ends a loop, and keeps l for another one. What cleanup steps have ended with comes out of the
// loop, or goes to handler.
func (g *SeqKind[S, T]) end(l *seqLoop[T], handler func(error)) {
	panicked, exited, failed := l.seqDriver.end()
	var zero T
	l.value = zero
	if l.runtime.timers == nil { // with timers, it may belong to a synctest bubble
		g.loops.Put(l)
	}
	if exited {
		defer runtime.Goexit()
	}
	switch {
	case panicked:
		panic(failed)
	case failed != nil:
		g.reportSeqError(handler, failed)
	}
}

// Return ends the generator, and with it the loop.
func (f *SeqFrame[S, T]) Return() Step { return f.Frame.Return(struct{}{}) }

// Kind returns the generator's kind.
func (f *SeqFrame[S, T]) Kind() *SeqKind[S, T] {
	return (*SeqKind[S, T])(unsafe.Pointer(f.header.kind.get()))
}

// noLoop is a constant, so that YieldValue is small enough to be inlined. The PanicError has the
// task's name.
const noLoop = "coro: a generator yields a value, but no loop takes it: run a generator by a loop over its Seq or Seq2, or by YieldFrom"

// YieldValue gives v to the loop. The generator resumes at the resume point at when the loop wants
// the next value; if the loop ends first, it does not resume. A step function yields at most
// one value, and returns the Step at once.
func YieldValue[S, T any](f *SeqFrame[S, T], at int, v T) Step {
	if framecheck.Enabled {
		f.header.makesStep("YieldValue")
	}
	if f.header.layout&flagSeq == 0 {
		panic(noLoop)
	}
	**(**T)(unsafe.Pointer(&f.header.result)) = v
	f.header.resumeAt(at)
	if framecheck.Enabled {
		return Step{next: f.header.withStep(), op: opValue}
	}
	return Step{next: &f.header, op: opValue}
}

// YieldFrom runs a generator of kind g as a child of f. Its values go directly to the loop, as if
// f had yielded them, and cost the same however deep generators are nested. f's task resumes at
// the resume point at when the child has ended. If the child has failed, f.Err then returns
// its error.
func YieldFrom[S, CS, T any](f *SeqFrame[S, T], at int, g *SeqKind[CS, T], args CS) Step {
	if f.header.layout&flagSeq == 0 {
		panic(noLoop)
	}
	if g == nil {
		panicNoSeqKind("YieldFrom")
	}
	c := (*SeqFrame[CS, T])(unsafe.Pointer(f.header.await(at, &g.kind, nil, unsafe.Sizeof(f.State))))
	c.State = args
	c.header.result = f.header.result
	c.header.layout |= flagSeq
	return Step{next: &c.header, op: opAwait}
}
