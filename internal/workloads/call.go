package workloads

import "github.com/framearena/framearena/coro"

// CallTask starts a task that waits for calls. A call sends a number to the task over a
// [coro.Chan] and returns the task's answer, the same number, which comes over a Go channel.
// Both have room for one, so the call wakes the task and is woken by it. hangUp ends the task
// and returns its error.
//
// It measures a wake from outside of the executor, there and back. One call at a time: call
// and hangUp belong to one goroutine.
func CallTask(ex coro.Executor) (call func(i int) int, hangUp func() error, err error) {
	calls, answers := coro.NewChan[int](1), make(chan int, 1)
	h, err := coro.Start(ex, porter.With(0, bell{calls, answers}))
	if err != nil {
		return nil, nil, err
	}
	call = func(i int) int {
		calls.TrySend(i) // there is room: the last call was answered
		return <-answers
	}
	hangUp = func() error {
		calls.Close()
		<-h.Done()
		_, err := h.Result()
		return err
	}
	return call, hangUp, nil
}

// CallGoroutine is [CallTask] with a goroutine that waits, and two Go channels.
func CallGoroutine() (call func(i int) int, hangUp func()) {
	calls, answers := make(chan int, 1), make(chan int, 1)
	go func() {
		for i := range calls {
			answers <- i
		}
	}()
	call = func(i int) int {
		calls <- i
		return <-answers
	}
	return call, func() { close(calls) }
}

// bell is what rings for a porter, and where its answers go.
type bell struct {
	calls   *coro.Chan[int]
	answers chan<- int // has room whenever a call is received
}

// porter answers calls until the channel is closed.
var porter = coro.DefineHeld("porter", func(f *coro.Frame[int, none], held *bell) coro.Step {
	switch {
	case f.Err() == coro.ErrChanClosed:
		return f.Return(none{})
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1:
		held.answers <- f.State
	}
	return held.calls.Recv(f, 1, &f.State)
})
