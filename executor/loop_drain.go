package executor

import "context"

// Drain makes launches return [ErrClosed] from now on, except for tasks that the Loop's tasks
// await with [coro.AwaitOn]. It drives the Loop until no root task is live: until all have ended,
// also those that wait or sleep. While another goroutine drives, Drain waits, and it lets
// another goroutine drive that calls a method to do so. The Loop still has to be closed.
//
// If ctx ends before that, Drain returns its cause, and may be called again. If the Loop is
// closed before that, the error is ErrClosed. Any goroutine may call Drain. In a step or a
// handler of the Loop's tasks it does nothing and returns an error that wraps [ErrInStep].
// While the Loop is driven, that may also happen in a step of another Loop.
func (l *Loop) Drain(ctx context.Context) error {
	if l.inStep() {
		return inStep("Drain")
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // if a handler panics
	driving, stop := context.WithCancel(context.Background())
	drained := make(chan error, 1)
	go func() {
		drained <- l.env.Drain(ctx, ErrClosed)
		stop()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.released.Broadcast()
	}()
	for {
		turn, ok := l.takeTurn(driving)
		if !ok {
			return <-drained
		}
		l.runDraining(turn)
	}
}

// takeTurn makes the calling goroutine the one that drives, as soon as no other drives or wants
// to. It returns a context that ends when another wants to. It returns false if ctx has
// ended or the Loop is closed.
func (l *Loop) takeTurn(ctx context.Context) (turn context.Context, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil && !l.closed.Load() {
		if !l.driven && l.waiters == 0 {
			l.drive()
			turn, l.giveUp = context.WithCancel(ctx)
			return turn, true
		}
		l.released.Wait()
	}
	return nil, false
}

// runDraining runs tasks until ctx ends. The caller drives; it does not afterwards.
func (l *Loop) runDraining(ctx context.Context) {
	defer l.end()
	_ = l.run(ctx) // Drain returns the error of Environment.Drain instead
}
