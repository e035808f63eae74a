// Package coro runs tasks: functions that can stop in the middle, wait without a
// goroutine, and go on later. What a task remembers meanwhile lies in a frame of
// 128 bytes or more, in memory that the garbage collector neither scans nor
// moves. A million suspended tasks are a million frames, and no goroutine.
//
// # Kinds, frames, steps
//
// A task is a kind and a frame. The [Kind], made once by [Define], is what all
// tasks of one sort share: a name, a step function, the layout of the frame. The
// [Frame] is the task's memory: a header and the state, a struct of the user's.
//
// The step function runs until the task has to wait or has ended, and says which
// by the [Step] that it returns:
//
//   - [Await] runs another task, a child, and goes on when that has ended;
//   - [Yield] lets other tasks run, and goes on afterwards;
//   - [Sleep] lets some time pass, and goes on then;
//   - [Mutex.Lock], [Chan.Recv] and others wait for what other tasks do;
//   - [Frame.Return] ends the task with a result;
//   - [Frame.Fail] ends it with an error.
//
// Where to go on is a number, the resume point, given to Await and all that waits,
// and read back with [Frame.At]. A step function is a switch over it, or has no need of
// one. Local variables do not outlive the step; what must is in [Frame.State].
//
//	// retry is the state: what the task remembers from step to step.
//	type retry struct {
//		attempt int
//		rtt     time.Duration // the child's result goes here
//	}
//
//	// Retry pings a host up to three times, and waits twice as long each time.
//	var Retry = coro.Define("retry", func(f *coro.Frame[retry, time.Duration]) coro.Step {
//		switch s := &f.State; f.At() {
//		case 0: // the task begins, or has slept
//			if f.Err() != nil {
//				return f.Fail(f.Err()) // the context has ended
//			}
//			return coro.Await(f, 1, Ping, ping{host: 7, attempt: s.attempt}, &s.rtt)
//		case 1: // the child has ended
//			if f.Err() == nil {
//				return f.Return(s.rtt)
//			}
//			if s.attempt++; s.attempt == 3 {
//				return f.Fail(f.Err())
//			}
//			return coro.Sleep(f, 0, time.Millisecond<<s.attempt)
//		default:
//			return f.BadResume()
//		}
//	})
//
// # Launching
//
// A task that nobody awaits is a root. It is launched on an [Executor], of which
// package executor has several:
//
//	coro.Go(ex, Retry, retry{})                                  // the short form
//	coro.RunAsync(ex)(Retry.With(retry{}))                       // the same, in two steps
//	coro.RunAsync(ex, coro.Allocator(mine))(Retry.With(retry{})) // with options
//	rtt, err := coro.Run(ctx, ex, Retry.With(retry{}))           // and wait for it
//	handle, err := coro.Start(ex, Retry.With(retry{}))           // and keep a handle of it
//
// The form in two steps lets the options be in force before there is a frame.
//
// A [Handle] can be awaited, by any number of tasks and goroutines, cancelled, and asked
// how its task stands. [AwaitOn] is for one call on another executor: the task goes on,
// where it was, when the call has ended there.
//
// # Several at once
//
// A [Group] in a task's state is its children that run beside it: [Spawn] adds one, and
// [Group.Wait] waits until all have ended. A [GroupPolicy] cancels the others when one
// has failed or succeeded, and [Group.SetLimit] says how many run at a time. A task never
// ends before its children. [All], [Any] and [Race] run one child for each element of a
// slice.
//
// # Timeouts, shields, cleanup
//
// [AwaitCall] and [SpawnCall] take options for a child and what it awaits: [Timeout] and
// [Deadline] end its time, so that what waits goes on with context.DeadlineExceeded, and
// [Shield] keeps it from learning of the end of what is around it. A task that is told of
// an end goes on, gives back what it has, and ends by itself. One that panics, or is on an
// executor that is closed, cannot: its kind may have a step for that, see [HasCleanup].
//
// # Symmetric transfer
//
// A step function never calls another one. It returns the frame to run next: the
// child that it awaits or, when it ends, the parent. One loop makes all the
// calls, so a chain of tasks may be a million deep and the goroutine's stack does
// not grow.
//
// # Waiting
//
// A task that waits is a frame in a queue: it costs no goroutine, and nothing
// besides its frame, except in a Select. Tasks wait for a [Mutex], an [Event], a
// [Semaphore], a [WaitGroup], a [Cond] or a [Chan], which tasks on several executors may share,
// and are served in the order in which they came; or, with [Suspend], for a [Waker] that
// anything outside may wake; or, with [Select], for the first of several, or until some
// time has passed, by [After]. Each such operation is a
// Step, takes the frame and the resume point, and happens when the step function has
// returned:
//
//	case 1:
//		return jobs.Recv(f, 2, &s.job)
//	case 2:
//		if f.Err() != nil { // the Chan is closed, or the context has ended
//			return f.Fail(f.Err())
//		}
//
// When the context of a tree ends, its tasks that wait go on, and Err gives the
// context's cause: then they have not got what they waited for. A task that was
// given it before that learns of the context only later, so nothing is lost in
// between. When an executor is closed, its tasks that wait are cancelled. A lock
// or a permit that a cancelled task has is given back by its cleanup, if it has one,
// and not by itself.
//
// # The outside world
//
// [Blocking] calls a function on a goroutine while the task waits. [RecvFrom] and
// [SendTo] are for Go channels, so also for those of timers and signals, and
// [WaitContext] for the end of a context. All are like an Await of a child. If the
// tree's context ends, the task goes on at once; a function that has not returned
// finishes by itself, and what it returns is dropped.
//
// # The environment travels in the frame
//
// Executor, allocator and context are one word in the header, which a child
// copies from its parent. An allocator given at launch serves every frame of that
// tree of tasks and no frame of any other, whatever tasks a goroutine runs in
// between; and each frame goes back to where it came from, children before
// parents. There is no state in threads or goroutines that could be a different
// tree's.
//
// # The pointer rule
//
// The collector does not see frames, so a Go pointer that is only in a frame
// points to memory that may be gone. State types must not contain any: no
// pointers, slices, strings, maps, channels, functions, interfaces. Define looks
// through the type and panics with the path of the first.
//
// What needs pointers goes into a task's held part: a second struct, of any types,
// on the Go heap. A kind whose tasks have one is made by [DefineHeld]; its step
// function gets the address of the held part as its second parameter:
//
//	var Greet = coro.DefineHeld("greet", func(f *coro.Frame[times, none], held *greeting) coro.Step {
//		...
//		return coro.AwaitHeld(f, 1, Write, none{}, message{held.conn, held.text}, &held.written)
//	})
//
//	coro.GoHeld(ex, Greet, times{2}, greeting{conn, "hello"})
//
// The held part is cleared when the task has ended, in whatever way.
//
// For the same reason, where a child's result goes must be a field of the
// awaiting frame's state or held part, which live as long as the child does.
// Every Await checks that. A result type with Go pointers leaves only the held
// part: no state has a field of that type. [docs/pointers.md] has more.
//
// A frame is gone when its task has ended: the step function must not keep it, nor
// an address inside or in the held part, beyond its own return.
//
// # Goroutines
//
// Kinds may be used by all goroutines. A frame is used by one goroutine at a
// time, the one that runs its step, so state needs no lock and no atomics; an
// executor that moves a task to another goroutine orders its steps. Go, RunAsync,
// Start and Run may be called from any goroutine, all but Run from step functions
// too. A [Call] is good for one launch and belongs to one goroutine. A step
// function that blocks keeps its worker.
//
// # Generators
//
// A task that yields values is an [iter.Seq]. Its kind is made by [DefineSeq], its
// step function returns what [YieldValue] returned, and a loop runs it:
//
//	for v := range Fibonacci.Seq(fibonacci{0, 1}) {
//
// The loop's goroutine calls the step functions: there is no executor, no other
// goroutine and no channel. Between two values a generator may await tasks, and
// [YieldFrom] passes on what another generator yields. However the loop ends, the
// frames are free then.
//
// # Errors
//
// What a task fails with is seen, as it is, by the task that awaits it: in the
// next step, by [Frame.Err]. Nothing is passed on unless that step does so. The
// error of a root is returned by Run; if nobody waits for the root, it goes to
// the handler of [OnError] or of the executor.
//
// A panic in a step function ends the task with a [*PanicError], which is an
// error like any other; the worker goes on. It has the stack, and the chain of
// tasks up to the root with the positions of their Define. A step function that
// calls runtime.Goexit, as the FailNow of a test does, ends the goroutine, which
// cannot be helped, but not the worker: its error has the value [ErrGoexit].
//
// An allocator that has no frame to give makes the launch, or the child, fail with
// [arena.ErrExhausted]. When the context of a tree ends, Err says so after the next
// Yield, or after a wait.
//
// Misuse, such as to await twice in one step or to use a frame outside of its step,
// panics with a message that says what to do instead. A build with the tag
// framecheck also looks where that has a price: at each Return, Err, YieldValue and
// resume point.
//
// # Inspection
//
// [Kinds] lists the kinds of the program: name, position, frame size.
// [Environment.WaitingByKind] and [Environment.Waiting] say what the tasks of an
// executor wait for; tasks pay nothing for that. [Stats] has what was counted of trees
// launched with [Counted], and [WriteFrameProfile] where the live frames of those
// launched with [Profiled] come from. With [SetProfileLabels], profiles say which kind
// of task a goroutine ran, and while package runtime/trace takes a trace, each step is a
// region of it. [docs/looking-inside.md] has more.
//
// # Cost
//
// Launching, awaiting, yielding, waiting and returning allocate nothing on the Go
// heap once the free lists are filled; nor does spawning, sleeping or a timeout. These
// do: the first wait in a tree whose context can end, which registers with the context;
// [Frame.Context] where a part of a tree has one of its own, which is made then; and
// [Start], which makes a handle.
//
// [docs/getting-started.md] leads from an empty folder to a server, [docs/tasks.md] from the
// first task to a pipeline with timeouts; [docs/coming-from.md] has programs beside those with
// goroutines, and [docs/when-not.md] says when these are the better choice.
//
// [docs/coming-from.md]: https://github.com/framearena/framearena/blob/main/docs/coming-from.md
// [docs/getting-started.md]: https://github.com/framearena/framearena/blob/main/docs/getting-started.md
// [docs/looking-inside.md]: https://github.com/framearena/framearena/blob/main/docs/looking-inside.md
// [docs/pointers.md]: https://github.com/framearena/framearena/blob/main/docs/pointers.md
// [docs/tasks.md]: https://github.com/framearena/framearena/blob/main/docs/tasks.md
// [docs/when-not.md]: https://github.com/framearena/framearena/blob/main/docs/when-not.md
package coro
