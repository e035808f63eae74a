package coro

import (
	"reflect"
	"unsafe"

	"github.com/framearena/framearena/internal/framecheck"
)

// CompiledKind is what the frames of one compiled function share; see suspension.go. It is for the code
// that framearena gen writes. Unlike [Kind] it is not generic: a program has as many kinds as it
// has functions, and each would have code of its own.
type CompiledKind struct {
	kind
	parts heldParts
}

// CompiledFrame is the frame of a compiled function: a header and the state, whose size the kind knows.
type CompiledFrame struct{ header header }

// DefineCompiled makes the kind of a function whose variables that live while it waits have no Go
// pointers, and at most size bytes, a multiple of 8. Its results are of type result.
func DefineCompiled(name string, size uintptr, result reflect.Type, step func(*CompiledFrame) Step, opts ...KindOption) *CompiledKind {
	k := new(CompiledKind)
	k.step = *(*func(*header) Step)(unsafe.Pointer(&step)) // as in Define
	k.define(name, headerSize+size, result, opts)
	return k
}

// DefineCompiledHeld is [DefineCompiled] for a function with variables that have Go pointers: those lie
// in its held part, of type H. The step form gets the held part's address, or nil if the frame was made
// by SpillBare.
func DefineCompiledHeld[H any](name string, size uintptr, result reflect.Type, step func(*CompiledFrame, *H) Step, opts ...KindOption) *CompiledKind {
	k := new(CompiledKind)
	// Pointers of all types are passed in the same way.
	k.callWithHeld(*(*func(*header, unsafe.Pointer) Step)(unsafe.Pointer(&step)))
	initParts[H](&k.parts, k, headerSize+size)
	k.held = &k.parts
	k.define(name, headerSize+size+unsafe.Sizeof(link[byte](0)), result, opts)
	return k
}

func (k *CompiledKind) callWithHeld(step func(*header, unsafe.Pointer) Step) {
	k.step = func(h *header) Step { return step(h, k.parts.value(h)) }
}

func (k *CompiledKind) define(name string, size uintptr, result reflect.Type, opts []KindOption) {
	k.name = name
	k.size = size
	k.resultPointer = pointerPath("result", result)
	k.compiled = true
	k.layOut()
	for _, o := range opts {
		o(&k.kind)
	}
	kinds.add(&k.kind)
}

// DefinedAt says where the function is that the kind was compiled from, in place of the position of
// the call of Define.
func DefinedAt(file string, line int) KindOption {
	return func(k *kind) { k.defined = position{file: file, line: line} }
}

// Compiled declares that the step function does what compiled ones do: it runs the function's
// deferred calls itself when it panics, and it never resumes at [Cleanup]. If it has deferred calls, which
// [HasCleanup] says, the end of its executor resumes it where it waits, and there [ChildErr] ends its
// goroutine. A panic of the task is raised again in the function that called it.
func Compiled() KindOption { return func(k *kind) { k.compiled = true } }

// Spill makes the frame of a function in its start form, which resumes at the resume point at. Its state
// is undefined.
func (k *CompiledKind) Spill(s *Suspension, at int) *CompiledFrame {
	return (*CompiledFrame)(unsafe.Pointer(s.spill(&k.kind, at)))
}

// SpillHeld is Spill for a kind with a held part. That is zero.
func (k *CompiledKind) SpillHeld(s *Suspension, at int) (*CompiledFrame, unsafe.Pointer) {
	h := s.spill(&k.kind, at)
	return (*CompiledFrame)(unsafe.Pointer(h)), k.parts.hold(s.w, h)
}

// SpillBare is SpillHeld for a resume point at which nothing lives in the held part: the frame has
// none, until Hold gives it one.
func (k *CompiledKind) SpillBare(s *Suspension, at int) *CompiledFrame {
	h := s.spill(&k.kind, at)
	*k.parts.slot(h) = 0
	return (*CompiledFrame)(unsafe.Pointer(h))
}

// Hold returns the held part of f, whose step runs: held or, if that is nil, a new one, which is
// zero.
func (k *CompiledKind) Hold(s *Suspension, f *CompiledFrame, held unsafe.Pointer) unsafe.Pointer {
	if held != nil {
		return held
	}
	return k.parts.hold(s.w, &f.header)
}

// BeginHeld makes a frame on which [RunNow] runs the step form of k. Its state is undefined, and its held
// part zero.
func (k *CompiledKind) BeginHeld(s *Suspension) (*CompiledFrame, unsafe.Pointer) {
	h := s.begin(&k.kind)
	return (*CompiledFrame)(unsafe.Pointer(h)), k.parts.hold(s.w, h)
}

func (f *CompiledFrame) anyFrame() *header { return &f.header }

// At is as that of [Frame].
func (f *CompiledFrame) At() int { return int(f.header.at & atMask) }

// Resumed is the function [Resumed] for f. Calls of an interface's method would not be inlined.
func (f *CompiledFrame) Resumed() *Suspension { return f.header.resumed() }

// Leave is the function [Leave] for f.
func (f *CompiledFrame) Leave(s *Suspension, at int) Step { return s.leave(&f.header, at) }

// ChildErr is the function [ChildErr] for f.
func (f *CompiledFrame) ChildErr() error { return f.header.childErr() }

// ReturnCompiled is [ReturnBoth] for compiled functions.
func ReturnCompiled[R any](f *CompiledFrame, result R, err error) Step {
	return returnBoth(&f.header, result, err)
}

// BadResume is as that of [Frame].
func (f *CompiledFrame) BadResume() Step { return f.header.badResume() }

// State returns the address of f's state. The function uses the first size bytes of it now.
func (f *CompiledFrame) State(size uintptr) unsafe.Pointer {
	if framecheck.Enabled {
		f.header.worker.get().suspension.live = size
	}
	return unsafe.Add(unsafe.Pointer(f), headerSize)
}

// compiledArgs is what the task of a call begins with, if the kind is a CompiledKind. held is nil if it has
// no held part.
type compiledArgs struct {
	state []uint64
	held  unsafe.Pointer
}

// CompiledCall returns a call of k, whose results are of type R. Its state is undefined, and its held part
// zero: the caller fills what [Call.CompiledState] and [Call.CompiledHeld] return.
func CompiledCall[R any](k *CompiledKind) Call[R] {
	c, ok := k.calls.Get().(*callFor[R])
	if !ok {
		c = new(callFor[R])
		c.init(&k.kind)
		k.fillBy(&c.call)
	}
	return Call[R]{c, c.id.Load()}
}

// CompiledState returns the state that a call from [CompiledCall] begins with.
func (c Call[R]) CompiledState() unsafe.Pointer {
	return unsafe.Pointer(unsafe.SliceData(c.c.compiled.state))
}

// CompiledHeld returns the held part that a call from [CompiledCall] begins with.
func (c Call[R]) CompiledHeld() unsafe.Pointer { return c.c.compiled.held }

// fillBy sets what c needs to be one of k.
func (k *CompiledKind) fillBy(c *call) {
	args := &c.compiled
	size := k.size - headerSize
	if k.held != nil {
		size -= unsafe.Sizeof(link[byte](0))
		args.held = reflect.New(k.parts.typ).UnsafePointer()
	}
	args.state = make([]uint64, size/8)
	c.fill = func(w *Worker, h *header) {
		state := (*uint64)(unsafe.Add(unsafe.Pointer(h), headerSize))
		copy(unsafe.Slice(state, len(args.state)), args.state)
		if args.held != nil {
			k.parts.move(k.parts.hold(w, h), args.held)
		}
	}
	c.recycle = func() {
		if args.held != nil {
			k.parts.move(nil, args.held) // if there was no launch
		}
		c.clearKept()
		k.calls.Put(c.self)
	}
}
