// Package task is what programs are written in: ordinary Go functions that wait, run by an executor.
//
// A task function is a function whose first parameter is a *[T]. It waits by the methods of T and by
// the functions of this package, and calls other task functions with its T. Without more it runs on
// a goroutine. After `go tool framearena gen ./...` the same function runs as a task: while it waits,
// it is a frame of 128 bytes or more, which the garbage collector does not look at.
//
// # Launching
//
// A function with its arguments is a [Call], made by [Call0] to [Call4] or, for functions that return
// an error alone, by [Do0] to [Do4]:
//
//	n, err := task.Run(ctx, pool, task.Call2(session, conn, 7)) // and wait for it
//	err := task.Go(pool, task.Do1(serve, conn))                 // and do not wait
//	h, err := task.Start(pool, task.Call2(session, conn, 7))    // and keep a handle of it
//
// Both forms of a compiled function are in the program. [OnGoroutine] launches the plain one,
// [RequireCompiled] refuses functions that have no other, and [UncompiledFunctions] lists these.
//
// # Waiting
//
// What a function can wait for:
//
//   - time: [T.Sleep], [T.SleepUntil], [T.Yield];
//   - what others do: [Mutex], [RWMutex], [Cond], [Event], [Semaphore], [WaitGroup], [Once], [Chan],
//     and the first of several by [Select];
//   - functions that run beside it: [Group], and the [Handle] of one that was launched;
//   - goroutines and Go channels: [Block], [RecvFrom], [SendTo], [Suspend];
//   - tasks that were written by hand, with package coro: [Await], and the reverse, [AwaitStep].
//
// [Timeout], [Deadline], [Shield], [OnExecutor] and [WithAllocator] call a function in another
// surrounding. [Seq] makes a function a generator.
//
// Functions on goroutines and in tasks may use one object, and take their turns in one queue. What
// does not have to wait costs about as much as on goroutines.
//
// # Errors
//
// A wait returns nil, or says why the function has not got what it waited for: the cause of the end of
// its context (see [T.Err]) or, from a Chan, [ErrChanClosed]. A function that ends its work after
// that returns soon: later waits return the same error, unless they need not wait.
//
// If its executor is closed, a function does not return from a wait. It ends there as by
// [runtime.Goexit]: its deferred calls run, and in them a wait ends the call. The executor's Close
// waits for that, on goroutines too: it waits for a function there until that waits or returns. Its
// caller gets [ErrClosed].
//
// A panic passes through the functions to the root, running their deferred calls, and can be
// recovered on the way. The root's error is a [*coro.PanicError] then.
package task

// For maintainers: the order in which the files are read. Each group needs only those before it.
//
//	functions    t, wait, sleep, errors
//	launching    call_form, call, start_form, plain, options, launch, handle
//	children     call_plain, group, scopes
//	to wait for  locks, events, chan, select, offload, once
//	others       seq, await
