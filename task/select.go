package task

import (
	"time"
	"unsafe"

	"github.com/framearena/framearena/coro"
)

// Case is one of the things that a [Select] waits for. It is made by [Recv], [Send], [After], [Done] or
// [Default], and is good for one Select. The zero Case never happens, and nor does that of a nil Chan
// or Event: use one to leave a case out.
type Case struct{ c coro.Case } // the only field: Select takes a []Case for a []coro.Case

// Recv is the case that a value is received from c, into *v; v may be nil. It also happens if c is
// closed and has no values left.
func Recv[E any](c *Chan[E], v *E) Case { return Case{c.channel().StagedRecvCase(v)} }

// Send is the case that v is sent to c. It also happens if c is closed.
func Send[E any](c *Chan[E], v E) Case { return Case{c.channel().StagedSendCase(v)} }

// After is the case that the time d has passed since the Select began.
func After(d time.Duration) Case { return Case{coro.After(d)} }

// Done is the case that the event is set.
func Done(e *Event) Case {
	if e == nil {
		return Case{}
	}
	return Case{e.e.WaitCase()}
}

// Default is the case that happens if no other can happen at once: a Select with it does not wait.
func Default() Case { return Case{coro.Default()} }

// Select waits until one of the cases can happen, does that one and no other, and returns its number,
// counted from 0. If several can happen, each is as likely to be chosen. The error is
// [ErrChanClosed] if the channel of the chosen case is closed. With any other error the number is -1,
// and no case has happened: the context of t has ended or, with [arena.ErrExhausted], there was no
// memory to wait with.
//
//	var job Job
//	switch i, err := task.Select(t, task.Recv(jobs, &job), task.After(time.Second)); {
func Select(t *T, cases ...Case) (int, error) {
	all := unsafe.Slice((*coro.Case)(unsafe.Pointer(unsafe.SliceData(cases))), len(cases))
	if !t.s.InTask() {
		return wait[int](t, coro.SelectOnGoroutine(all))
	}
	chosen, err, done := t.s.TrySelect(all)
	if !done {
		t.s.Wait(coro.StagedSelect{})
	}
	return chosen, err
}
