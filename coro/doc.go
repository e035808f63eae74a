// Package coro runs tasks: functions that can stop in the middle, wait without a
// goroutine, and resume later. What a task remembers meanwhile lies in a frame of
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
//   - [Await] runs another task, a child, and resumes when the child has ended;
//   - [Yield] lets other tasks run first;
//   - [Sleep] lets some time pass;
//   - [Mutex.Lock], [Chan.Recv] and others wait for what other tasks do;
//   - [Frame.Return] ends the task with a result;
//   - [Frame.Fail] ends it with an error.
//
// Where the task resumes is a number, the resume point. Await and all that waits take
// it, and [Frame.At] returns it. A step function is a switch over it, unless it has one
// resume point only. Local variables are gone when the step has returned; what the task
// needs afterwards is in [Frame.State].
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
// A task that no other task awaits is a root. It is launched on an [Executor]; package
// executor has several:
//
//	coro.Go(ex, Retry, retry{})                                  // the short form
//	coro.RunAsync(ex)(Retry.With(retry{}))                       // the same, in two steps
//	coro.RunAsync(ex, coro.Allocator(mine))(Retry.With(retry{})) // with options
//	rtt, err := coro.Run(ctx, ex, Retry.With(retry{}))           // and wait for it
//	handle, err := coro.Start(ex, Retry.With(retry{}))           // and keep a handle of it
//
// The form in two steps has the options in force before there is a frame.
//
// A [Handle] can be awaited, by any number of tasks and goroutines. It can cancel its task,
// and it has the task's state. [AwaitOn] runs one call on another executor; the task resumes on
// its own when the call has ended.
//
// # Several at once
//
// A [Group] in a task's state is the children that run beside the task: [Spawn] adds one,
// and [Group.Wait] waits until all have ended. A [GroupPolicy] cancels the others when one
// has failed or succeeded, and [Group.SetLimit] limits how many run at a time. A task never
// ends before its children. [All], [Any] and [Race] run one child for each element of a
// slice.
//
// # Timeouts, shields, cleanup
//
// [AwaitCall] and [SpawnCall] take options for a child and what it awaits. [Timeout] and
// [Deadline] limit its time: then tasks that wait resume with context.DeadlineExceeded.
// [Shield] keeps it running when what surrounds it is cancelled. A task that is cancelled
// resumes, gives back what it has, and ends by itself. A task that panics, or whose executor
// is closed, does not: its kind may have a step for that, see [HasCleanup].
//
// # Symmetric transfer
//
// A step function never calls another one. It returns the frame to run next: the
// child that it awaits or, when it ends, the parent. One loop makes all the
// calls. So a chain of tasks may be a million deep, and the goroutine's stack does
// not grow.
//
// # Waiting
//
// A task that waits is a frame in a queue: it costs no goroutine, and nothing
// besides its frame, except in a Select of other cases than Afters. Tasks wait for a [Mutex], an [Event], a
// [Semaphore], a [WaitGroup], a [Cond] or a [Chan], which tasks on several executors may share.
// They are served in the order in which they began to wait. With [Suspend] a task waits for a
// [Waker], which any goroutine may wake. With [Select] it waits for the first of several
// operations, or until some time has passed, by [After]. Each such operation takes the frame
// and the resume point, returns a Step, and happens when the step function has returned:
//
//	case 1:
//		return jobs.Recv(f, 2, &s.job)
//	case 2:
//		if f.Err() != nil { // the Chan is closed, or the context has ended
//			return f.Fail(f.Err())
//		}
//
// When the context of a tree ends, its tasks that wait resume, and Err returns the
// context's cause: they have not got what they waited for. A task that has got it before
// the end sees the cause only later, so nothing is lost in between. When an executor is
// closed, its tasks that wait are cancelled. A lock or a permit that such a task has is
// given back by the task's cleanup, if its kind has one, and not otherwise.
//
// # The outside world
//
// [Blocking] calls a function on a goroutine while the task waits. [RecvFrom] and
// [SendTo] use a Go channel, such as that of a timer or a signal. [WaitContext] waits for
// the end of a context. All are like an Await of a child. If the tree's context ends, the
// task resumes at once. A function that has not returned then runs to its end, and what it
// returns is dropped.
//
// # The environment travels in the frame
//
// Executor, allocator and context are one word in the header, which a child
// copies from its parent. An allocator given at launch makes every frame of that
// tree of tasks and no frame of another tree, whatever tasks a goroutine runs in
// between. Each frame goes back to the memory it came from, children before
// parents. No thread or goroutine has state that could belong to another tree.
//
// # The pointer rule
//
// The garbage collector does not see frames, so a Go pointer that is only in a frame
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
// A frame is free again when its task has ended. A step function must not keep the frame,
// nor an address in it or in the held part, after it has returned.
//
// # Goroutines
//
// Any goroutine may use a kind. A frame is used by one goroutine at a time, the one
// that runs its step, so state needs no lock and no atomics; an executor that moves a
// task to another goroutine orders its steps. Go, RunAsync, Start and Run may be called
// from any goroutine, and all but Run in step functions. A [Call] is good for one launch
// and belongs to one goroutine. A step function that blocks also blocks its worker.
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
// [YieldFrom] yields the values of another generator. However the loop ends, its frames
// are freed.
//
// # Errors
//
// The task that awaits another gets that one's error, unchanged, from [Frame.Err] in its
// next step. It is not passed on unless that step does so. Run returns the error of a
// root. If no caller waits for the root, its error goes to the handler of [OnError] or of
// the executor.
//
// A panic in a step function ends the task with a [*PanicError], which is an
// error like any other; the worker continues. It has the stack, and the chain of
// tasks up to the root with the positions of their Define. A step function that
// calls runtime.Goexit, as FailNow of a test does, ends its goroutine, but not the
// worker: the value of the task's PanicError is [ErrGoexit].
//
// If an allocator has no memory for a frame, the launch, or the child, fails with
// [arena.ErrExhausted]. When the context of a tree ends, Err returns its cause after the
// next Yield, or after a wait.
//
// Misuse, such as awaiting twice in one step or using a frame outside of its step,
// panics with a message that says what to do instead. A build with the tag framecheck
// also checks where that takes time: at each Return, Err, YieldValue and resume point, and
// whether the memory of an elided task was written to after the task had ended.
//
// # Inspection
//
// [Kinds] lists the kinds of the program: name, position, frame size.
// [Environment.WaitingByKind] and [Environment.Waiting] show what the tasks of an
// executor wait for; tasks pay nothing for that. [Stats] has the counts of trees
// launched with [Counted], and [WriteFrameProfile] shows where the live frames of trees
// launched with [Profiled] come from. With [SetProfileLabels], profiles show which kind
// of task a goroutine ran. While package runtime/trace takes a trace, each step is a
// region of it. [docs/looking-inside.md] has more.
//
// # Cost
//
// Launching, awaiting, yielding, waiting and returning allocate nothing on the Go
// heap once the free lists are filled; nor do spawning, sleeping and timeouts. These
// do: the first wait in a tree whose context can end, which registers with the context;
// [Frame.Context] where a part of a tree has a context of its own, which is made then;
// and [Start], which makes a handle.
//
// [docs/hand-written-steps.md] leads from the first task to a pipeline with timeouts,
// [docs/coming-from.md] has programs beside those with goroutines, and [docs/when-not.md] says
// when these are the better choice. Package task, and [docs/tasks.md], are for those who would
// rather write plain Go functions.
//
// [docs/coming-from.md]: https://github.com/framearena/framearena/blob/main/docs/coming-from.md
// [docs/hand-written-steps.md]: https://github.com/framearena/framearena/blob/main/docs/hand-written-steps.md
// [docs/looking-inside.md]: https://github.com/framearena/framearena/blob/main/docs/looking-inside.md
// [docs/pointers.md]: https://github.com/framearena/framearena/blob/main/docs/pointers.md
// [docs/tasks.md]: https://github.com/framearena/framearena/blob/main/docs/tasks.md
// [docs/when-not.md]: https://github.com/framearena/framearena/blob/main/docs/when-not.md
package coro

// For maintainers: the order in which the files are read. Each group needs only those before
// it, except where a comment names another. The order of locks is in
// docs/internals/design.md.
//
//	frames           header, kind, pointers, result, frame, step, elision, elision_check, held, held_parts
//	executors        runnable, environment, options, shared_environment, pins, waitables, runtime, tuning, tuning_explore
//	workers          worker, worker_slot, steps, finish, goexit, cleanup, errors, print_errors
//	roots            launch, root_end, signal, relay
//	children         await, call, scope, scope_hold, scope_context, scope_wait, group, group_record, group_end, join, kind_by_result
//	waiting          wait, waitable, marks, ring, wake
//	to wait for      mutex, rw_mutex, cond, event, semaphore, wait_group, chan, waker, waker_chunks
//	the first of     select, select_cases, select_proxy, select_after, seeded_random
//	time             sleep, pieces, deadline, timers, clock
//	generators       seq, seq_loop
//	handles          handle, await_on
//	offloading       blocking, offload
//	compiled tasks   suspension, compiled, suspension_eager, suspension_scope, suspension_group, suspension_on, suspension_end,
//	                 suspension_panic, suspension_exit, suspension_move, suspension_sharing, staged
//	in plain Go      plain, plain_wait
//	for operators    kinds, kind_stats, heap_stats, waiting_tasks, cursor, survey, stamp, waitable_name, backtrace,
//	                 frame_origin, frame_profile, trace
//
// What coro needs and no task is part of stands below it: internal/gate (who is inside, and
// closing), internal/slots (recycled memory on the Go heap), internal/timerwheel, and
// internal/helpers (goroutines that are used again).
