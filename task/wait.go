package task

import "github.com/framearena/framearena/coro"

// wait makes the function of t wait for op, whose arguments are in t.s. In a task the caller has to
// return at once, with zero values; the code of the function does the rest.
func wait[E any](t *T, op coro.Waiting) (E, error) {
	if t.s.InTask() {
		t.s.Wait(op)
		var none E
		return none, nil
	}
	return coro.WaitOnGoroutine[E](&t.s, op)
}

// waitFor is wait for an operation without a result.
func waitFor(t *T, op coro.Waiting) error {
	if t.s.InTask() {
		t.s.Wait(op)
		return nil
	}
	_, err := coro.WaitOnGoroutine[None](&t.s, op)
	return err
}

// goOn is the end of an operation that has not had to wait: another task has its turn if the worker
// was asked for that.
func goOn(t *T) error {
	if t.s.MustGiveWay() {
		t.s.Wait(coro.GivingWay{})
	}
	return nil
}
