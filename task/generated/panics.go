package generated

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/task"
)

// Resume points of functions with deferred calls. From Exit on those run that are left; Unwinding is
// behind the wait of one of them.
const (
	Exit      = coro.Cleanup - 1
	Unwinding = coro.Cleanup - 2
)

// Panic is the deferred calls of a function, and its panic. It lies in the held part, so it stays
// while a deferred call waits. The step form is a function around another, which has the resume point
// as a parameter, because it is called again, by Catch, if it panics:
//
//	func sessionStep(f *generated.Frame, h *sessionHeld) generated.Step {
//		step, _ := sessionRun(f, h, f.At())
//		return step
//	}
//
//	func sessionRun(f *generated.Frame, h *sessionHeld, at int) (step generated.Step, ok bool) {
//		t := generated.Resume(f)
//		p := &h.exit.panic
//		defer p.Catch(t, func() (generated.Step, bool) { return sessionRun(f, h, generated.Exit) }, &step, &ok)
//		…
//		p.Defer(func(p *generated.Panic, t *task.T) {
//			defer p.Settle()
//			defer callee(a)
//			p.Raise()
//		})
//		…
//	exit:
//		if p.Run(t) {
//			return generated.Wait(f, t, generated.Unwinding), true
//		}
//		return generated.End(p, f, t, h.exit.result, h.exit.err)
//	}
type Panic struct {
	value    any              // the argument of panic, if the function panics
	origin   *coro.PanicError // what is known of that panic, if its stack is gone
	exit     *coro.PanicError // the Goexit, if exits is set
	state    panicState
	goexit   bool // the goroutine ends, or the executor has ended: nothing recovers from it
	exits    bool // a function that was called has ended by runtime.Goexit: nothing recovers from that either
	deferred []deferred
}

// deferred is a deferred call: one that may suspend, or one that does not.
type deferred struct {
	task  func(*task.T)
	plain func(*Panic, *task.T)
}

type panicState uint8

const (
	calm panicState = iota
	panicking
	ended // all deferred calls have run, and the panic is left
)

// Defer defers a call that does not suspend.
func (p *Panic) Defer(call func(*Panic, *task.T)) {
	p.deferred = append(p.deferred, deferred{plain: call})
}

// DeferTask defers a call that may suspend. call is a start form without results.
func (p *Panic) DeferTask(call func(*task.T)) { p.deferred = append(p.deferred, deferred{task: call}) }

// Run runs the deferred calls that are left, until one of them waits.
func (p *Panic) Run(t *task.T) (waits bool) {
	for len(p.deferred) > 0 {
		last := len(p.deferred) - 1
		d := p.deferred[last]
		p.deferred[last] = deferred{}
		p.deferred = p.deferred[:last]
		if d.plain != nil {
			d.plain(p, t)
			continue
		}
		d.task(t)
		if !Suspended(t) {
			continue
		}
		if !p.goexit {
			return true
		}
		suspension(t).Unwind() // there is nobody to resume a function that ends
	}
	return false
}

// Raise panics if the function is panicking.
func (p *Panic) Raise() {
	if p.state == panicking {
		panic(p.value)
	}
}

// Settle is deferred around a deferred call that has run with Raise. It notes whether the call has
// recovered the panic, or has raised another.
func (p *Panic) Settle() {
	v := recover()
	switch {
	case v == nil:
		p.calm()
	case p.state != panicking || !coro.SamePanic(v, p.value):
		p.value, p.origin, p.state = v, coro.NewPanic(v), panicking
	}
}

func (p *Panic) calm() { p.value, p.origin, p.state = nil, nil, calm }

// Recover is the recover of a deferred literal that may suspend.
func (p *Panic) Recover() any {
	v := p.value
	p.calm()
	return v
}

// Catch is deferred by the function that does the work. If that panics, Catch calls exit, which runs
// the deferred calls that are left, and the function returns what exit returns. The stack of the panic
// is there meanwhile. In a Goexit, which nothing can stop, exit is called as well.
func (p *Panic) Catch(t *task.T, exit func() (Step, bool), step *Step, ok *bool) {
	if *ok || p.state == ended {
		return
	}
	v := recover()
	origin := suspension(t).AfterPanic(v)
	switch {
	case v == nil:
		p.goexit = true
		p.calm()
	case coro.IsExit(v):
		p.exits = true
		p.calm()
		p.exit = origin
	default:
		p.value, p.origin, p.state = v, origin, panicking
		if exit := coro.ExitOf(origin); exit != nil {
			p.exits, p.exit = true, exit
		}
	}
	*step, *ok = exit()
	if p.state == panicking && p.origin == nil {
		p.origin = coro.NewPanic(p.value)
	}
}

// End ends the function after its deferred calls have run. If it is panicking, so does End.
func End[R any](p *Panic, f *Frame, t *task.T, r R, err error) (step Step, ok bool) {
	switch {
	case p.state == panicking:
		p.state = ended
		if p.exits {
			if p.origin == nil {
				p.origin = coro.NewPanic(p.value)
			}
			coro.DuringExit(p.origin, p.exit)
		}
		suspension(t).Reraise(p.origin)
		panic(p.value)
	case p.goexit:
		return Step{}, true // to Catch: the Goexit goes on
	case p.exits:
		return coro.EndByExit(f, p.exit), true
	}
	return coro.ReturnCompiled(f, r, err), true
}
