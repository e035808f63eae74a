package generated

import (
	"errors"
	"runtime"

	"github.com/framearena/framearena/coro"
)

// Exit is the resume point, in the step form of a function with deferred calls, from which on those
// run that are left.
const Exit = Cleanup - 1

// Panic is what the step form of a function with deferred calls knows of its panic. The step form is
// a loop around another function, which does the work and catches its panics:
//
//	func sessionStep(f *generated.Frame[…]) generated.Step {
//		var x sessionExit // x.panic is a Panic; the rest is the variables that live at the exit
//		for at := f.At(); !x.panic.Ended(); at = generated.Exit {
//			if step, ok := sessionSteps(f, &x, at); ok {
//				return step
//			}
//		}
//		x.panic.Raise()
//		panic("unreachable")
//	}
//
//	func sessionSteps(f *generated.Frame[…], x *sessionExit, at int) (step generated.Step, ok bool) {
//		defer x.panic.Catch(func() { sessionSteps(f, x, generated.Exit) }, &ok)
//		…
//	exit:
//		if x.d1 {
//			x.d1 = false
//			func() {
//				defer x.panic.Settle()
//				defer callee(x.d1a)
//				x.panic.Raise()
//			}()
//		}
//		return generated.End(&x.panic, f, result, x.err)
//	}
//
// A Panic can be kept in a held part, while a deferred call waits.
type Panic struct {
	value  any // the argument of panic, if the function panics
	state  panicState
	goexit bool // runtime.Goexit was called; it cannot be recovered
}

type panicState uint8

const (
	calm panicState = iota
	panicking
	ended // all deferred calls have run, and the panic is left
)

// Active reports whether the function is panicking, or in a Goexit.
func (p *Panic) Active() bool { return p.state != calm || p.goexit }

// Ended reports whether all deferred calls have run and the panic is left: then the step form raises
// it.
func (p *Panic) Ended() bool { return p.state == ended }

// Raise panics if the function is panicking.
func (p *Panic) Raise() {
	if p.state != calm {
		panic(p.value)
	}
	if p.goexit && p.state == ended {
		runtime.Goexit()
	}
}

// Catch is deferred. It notes a panic of the function that does the work, and makes that return
// false. In a Goexit, which nothing can stop, it calls exit, which runs the deferred calls that are
// left.
func (p *Panic) Catch(exit func(), ok *bool) {
	if v := recover(); v != nil {
		p.value, p.state = v, panicking
		*ok = false
		return
	}
	if !*ok && p.state != ended && !p.goexit {
		p.goexit = true
		p.state = calm
		exit()
	}
}

// Settle is deferred around a deferred call that has run with Raise: it notes whether the call has
// recovered the panic, or has raised another.
func (p *Panic) Settle() {
	if v := recover(); v != nil {
		p.value, p.state = v, panicking
		return
	}
	p.value, p.state = nil, calm
}

// Recover is the recover of a deferred literal that may wait, and whose body is therefore not that of
// a deferred function.
func (p *Panic) Recover() any {
	v := p.value
	p.value, p.state = nil, calm
	return v
}

// End ends the function after its deferred calls have run. If it is panicking, the step form raises
// the panic.
func End[S, R any](p *Panic, f *Frame[S, R], r R, err error) (step Step, ok bool) {
	if p.state == panicking {
		p.state = ended
		return Step{}, false
	}
	if p.goexit {
		return Step{}, true // to the deferred Catch: the Goexit goes on
	}
	return coro.ReturnBoth(f, r, err), true
}

// EndsAt reports whether f is not resumed to go on, but because its executor is closed: then the
// function ends where it waits, as by Goexit.
func EndsAt(err error) bool { return errors.Is(err, coro.ErrGoexit) }
