package task

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"github.com/framearena/framearena/coro"
)

// Once calls a function once. The zero Once is ready for use. It must not be copied.
type Once struct {
	m    Mutex // held while the function runs
	done atomic.Bool
	err  error // of the function; written before done
}

// errOnce is what a [Once] returns whose function has not returned.
var errOnce = errors.New("task: the function of a Once has panicked, or was ended by runtime.Goexit")

// Do calls fn if no Do of this Once has called its function before, and returns its error. Otherwise
// it waits until that function has returned, and returns that one's error. If the context of t ends
// meanwhile, it returns the cause, and fn was not called. If the function panics, its Do panics, and
// others return an error.
func (o *Once) Do(t *T, fn func(*T) error) error {
	if o.done.Load() {
		return o.err
	}
	if t.s.InTask() {
		t.s.Argument = startOf(fn)
		t.s.Wait((*onceCall)(o))
		return nil
	}
	if err := o.m.Lock(t); err != nil {
		return err
	}
	if o.done.Load() {
		o.m.Unlock()
		return o.err
	}
	err := errOnce
	defer func() { o.end(err) }()
	err = fn(t)
	return err
}

// end ends the call of the function.
func (o *Once) end(err error) {
	o.err = err
	o.done.Store(true)
	o.m.Unlock()
}

type onceCall Once

func (o *onceCall) Enter(s *coro.Suspension, f coro.AnyFrame, at int) coro.Step {
	start := s.Argument.(func(*T) error)
	s.Argument = nil
	return coro.AwaitCall(f, at, onceKind.With(struct{}{}, onceHeld{(*Once)(o), start}), nil)
}

// onceHeld is the held part of the child that does a Do in a task.
type onceHeld struct {
	o     *Once
	start func(*T) error
}

var onceKind *coro.HeldKind[struct{}, onceHeld, None]

func init() {
	onceKind = coro.DefineHeld("task.Once", stepOnce, coro.Compiled(), coro.HasCleanup())
}

func stepOnce(f *coro.Frame[struct{}, None], held *onceHeld) coro.Step {
	s := coro.Resumed(f)
	o, at := held.o, f.At()
	switch at {
	case 0:
		return o.m.m.Lock(f, 1)
	case 1:
		if err := f.Err(); err != nil {
			return f.Fail(err)
		}
		if o.done.Load() {
			o.m.Unlock()
			return coro.ReturnBoth(f, None{}, o.err)
		}
	}
	goesOn := false // after this step, or the function has returned
	defer func() {
		if !goesOn {
			o.end(errOnce)
		}
	}()
	var err error
	if at == 1 {
		err = held.start((*T)(unsafe.Pointer(s)))
		if goesOn = s.Suspended(); goesOn {
			return coro.Leave(f, s, 2)
		}
	} else {
		err = coro.ChildErr(f)
	}
	goesOn = true
	o.end(err)
	return coro.ReturnBoth(f, None{}, err)
}
