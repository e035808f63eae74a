package executor

import (
	"context"
	"math"
	"time"

	"github.com/framearena/framearena/coro"
)

// RunOne runs the next task until it has ended, yields or waits. It returns false if no task was
// ready. With virtual time it jumps to the next timer if no task is ready.
func (l *Loop) RunOne() bool {
	l.begin()
	defer l.end()
	return l.runOne()
}

// RunUntilIdle runs tasks until none is ready, and returns how many it has run. A task that was
// ready several times counts as often. Tasks that wait for something are not ready. With
// virtual time, tasks that sleep are ready as soon as nothing else is: RunUntilIdle runs a
// simulation to its end.
func (l *Loop) RunUntilIdle() int {
	l.begin()
	defer l.end()
	n := 0
	for l.runOne() {
		n++
	}
	return n
}

// RunFor is like RunUntilIdle, but returns when d has passed, even if tasks are still ready. It
// looks at the clock after each task, so it runs at least one, if one is ready. It does not
// wait for tasks: Run does.
//
// With virtual time, d is virtual too: RunFor runs all tasks that are ready in that time,
// however long it takes, and then the clock has moved on by d.
func (l *Loop) RunFor(d time.Duration) int {
	l.begin()
	defer l.end()
	if l.clock != nil {
		return l.runVirtual(d)
	}
	begun := time.Now()
	n := 0
	for l.runOne() {
		n++
		if time.Since(begun) >= d {
			break
		}
	}
	return n
}

// runVirtual is RunFor with virtual time. The caller drives.
func (l *Loop) runVirtual(d time.Duration) int {
	l.until = later(l.clock.now.Load(), d)
	n := 0
	for l.runOne() {
		n++
	}
	if !l.closed.Load() {
		l.clock.moveTo(l.until)
	}
	return n
}

// Now returns the time of the Loop's clock: that of [WithVirtualTime], which begins at 0, or that
// of [WithClock]. Without these options it is the real time since some moment. Any
// goroutine may call Now, also in a step.
func (l *Loop) Now() time.Duration { return l.env.Now() }

// Run runs tasks, and waits for more when none is ready, until ctx ends. It returns the cause of
// that. Tasks that are ready then stay in the queue, also a task in a chain of awaits: it gives way
// at its next await. The error is [ErrClosed] if the Loop is closed.
func (l *Loop) Run(ctx context.Context) error {
	l.begin()
	defer l.end()
	return l.run(ctx)
}

// run is Run for a caller that drives.
func (l *Loop) run(ctx context.Context) error {
	returned := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { l.preemptUntil(returned) })
	defer func() {
		stop()
		close(returned)
	}()
	for ctx.Err() == nil {
		if l.runOne() {
			continue
		}
		if l.closed.Load() {
			return ErrClosed
		}
		l.worker.Publish() // an idle worker keeps no free frames from others
		if l.sleep() {
			select {
			case <-l.ready:
			case <-ctx.Done():
			case <-l.quit:
			}
			l.wake()
		}
	}
	return context.Cause(ctx)
}

// preemptUntil makes the chain of awaits that runs give way, until done is closed: the chain
// gives way at its next await. It asks again and again, since the worker forgets a request when it
// begins to run a task.
func (l *Loop) preemptUntil(done <-chan struct{}) {
	ticker := time.NewTicker(preemptInterval)
	defer ticker.Stop()
	for {
		l.worker.Preempt()
		select {
		case <-done:
			return
		case <-ticker.C:
		}
	}
}

// preemptInterval is how long run may go on at most, beside a single step, if a request to give
// way is lost.
const preemptInterval = time.Millisecond

// begin makes the calling goroutine the one that drives. If another drives, it panics, unless
// that one is in Drain: then it waits until Drain lets it drive. It also panics in a
// task.
func (l *Loop) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiters++
	for l.driven {
		if l.giveUp == nil || onStack(loopRunOne) {
			l.waiters--
			panic("executor: a Loop is driven by two at a time, or by one of its own tasks: let one goroutine drive it, outside of tasks")
		}
		l.giveUp()
		l.released.Wait()
	}
	l.waiters--
	l.drive()
}

// drive makes the calling goroutine the one that drives. The caller holds mu, and no goroutine
// drives.
func (l *Loop) drive() { l.driven, l.awake, l.until = true, true, math.MaxInt64 }

// end says that the calling goroutine drives no longer. It is called also when a task ends the
// goroutine.
func (l *Loop) end() {
	l.mu.Lock()
	l.driven, l.awake, l.giveUp = false, false, nil
	left := !l.closed.Load() && l.queue.Len() > 0
	l.released.Broadcast()
	l.mu.Unlock()
	if left {
		l.notify()
	}
}

// sleep says that the goroutine that drives is about to wait, so that Post notifies. It returns
// false if a task is ready.
func (l *Loop) sleep() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awake = l.queue.Len() > 0
	return !l.awake
}

// wake says that the goroutine that drives waits no longer.
func (l *Loop) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.awake = true
}

// runOne runs the next task, with virtual time after a jump if necessary. It returns false if no
// task is ready. The caller drives.
func (l *Loop) runOne() bool {
	t, ok := l.pop()
	for !ok && l.clock != nil && !l.closed.Load() && l.clock.jump(l.until) {
		t, ok = l.pop()
	}
	if ok {
		l.worker.Run(t)
	}
	return ok
}

// pop takes the next task. It takes nothing from a closed Loop, whose queue and worker belong to
// the closer.
func (l *Loop) pop() (t coro.Runnable, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed.Load() {
		return coro.Runnable{}, false
	}
	return l.queue.Pop()
}
