package coro

// A step function that calls runtime.Goexit ends the goroutine that runs it, and
// nothing can stop that. What can be done is done in a deferred function: the task
// fails, and if that leaves something to run, another goroutine relieves the one
// that ends, with the same worker. It in turn may be relieved, so that a chain
// whose tasks all do this needs no deeper stack than one.
//
// The executor's goroutine waits for its relief before it ends: whoever deferred
// something there, such as to close the executor, finds no task running.

// exited makes the end of the goroutine in a step function a failure of its task.
func (w *Worker) exited() {
	if w.current == 0 {
		return // not in a step function, but in an executor or a handler
	}
	h, child := w.running()
	err := newPanicError(h, ErrGoexit)
	if child != nil { // it will not begin
		w.discard(child)
	}
	if w.needsCleanup(h, err) {
		w.unfinished = h
	} else {
		w.unfinished = w.finish(h, err)
	}
	if w.unfinished == nil && w.uncounted != 0 {
		w.unfinished = w.countEnded()
	}
	if w.unfinished == nil || w.relieved != nil {
		return
	}
	w.relieved = make(chan struct{})
	go w.relieve()
	<-w.relieved
	w.relieved = nil
}

// relieve runs what a step function that ended its goroutine left to run.
func (w *Worker) relieve() {
	defer func() {
		if w.unfinished != nil {
			go w.relieve()
		} else {
			w.owner.Store(0)
			close(w.relieved)
		}
	}()
	w.SetOwner()
	h := w.unfinished
	w.unfinished = nil
	w.runChain(h)
}
