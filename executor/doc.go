// Package executor decides where and when tasks of package coro run.
//
//   - [Inline] runs tasks on the goroutine that posts them, until nothing is left
//     to run. It suits tests, tools, and loops that already own a goroutine.
//   - [Pool] runs tasks on workers, each a goroutine with a cache and queues of its
//     own, which take work from each other. It suits servers.
//   - [Strand] runs tasks on another executor, one at a time and in order. State that
//     only they use needs no lock.
//   - [Loop] runs tasks when it is told to. It suits tests, games, and programs that
//     have another event loop.
//
// All satisfy [coro.Executor] and may be used by any goroutine. Tasks are
// launched on them with coro's functions:
//
//	pool := executor.NewPool()
//	defer pool.Close()
//	err := coro.Go(pool, Session, session{peer: 7})
//	rtt, err := coro.Run(ctx, pool, Ping.With(ping{host: 7}))
//
// # Order
//
// On an Inline, a Loop and a Strand, tasks begin in the order in which they are posted,
// and one that yields goes to the end of the queue. On an Inline, what a step spawns or
// wakes goes before what was posted, but not more than 64 such tasks in a row. A Pool
// promises no order, but a task that yields lets every other that is ready have its turn.
//
// On a Pool, a task that was woken runs next on the worker that woke it, as a rule. A
// chain of tasks that neither waits nor yields gives way after a millisecond or so,
// at its next Await, so that the others have their turn.
//
// # Steps that block
//
// A step that blocks its goroutine keeps a worker of a Pool from running others. The
// pool notices after 10 ms, gives the worker's tasks to the others and has another
// worker take its place until it comes back. [WithBlockedLimit] changes the limit, and
// [WithBlockedHandler] tells which step it was. [Pool.Stats] counts such things. A
// function that is known to block belongs in [coro.Blocking].
//
// # Time
//
// Each executor has one clock and one alarm for all of its tasks that sleep or have a
// timeout. No worker waits for the time to pass. The clock is the real one, unless
// [coro.Environment.SetClock] has given the executor another before its first task.
//
// # Arenas
//
// An executor takes frames from an arena of its own or, with [WithArena], from
// one that others may use too: then it must be closed after all of them.
//
// # Errors
//
// The error of a root task that nobody waits for goes to the handler given by
// [WithErrorHandler], on the goroutine that ran the task; without one it is
// printed to standard error. A handler that panics is a mistake of the program:
// the panic goes on through [Inline.Post] or what drives a Loop, and ends the process
// from a worker of a Pool.
//
// A step function or a handler that calls runtime.Goexit, as the FailNow of a test
// does, ends the goroutine that runs it. A worker of a Pool goes on with another
// one. On an Inline the goroutine ends once nothing is left to run, which others do
// for it; there, a handler that panics ends the process too. On a Loop, what is left
// runs when that is driven again. If it was Close that called the handler, others cancel what
// is left, and then Close's goroutine ends.
//
// # Clocks
//
// Timers of tasks go by the real time, or by the clock of [WithClock]. A Loop
// [WithVirtualTime] jumps to the next timer when it has nothing to do: for simulations,
// and for tests that do not wait.
//
// # Draining and closing
//
// Drain refuses new tasks and waits until those that are there have ended. Close cancels
// the tasks that have not ended, also those that wait for something or sleep, and leaves no
// frame behind. Of a cancelled task nothing is called, unless its kind has
// [coro.HasCleanup]. Strands are drained and closed with what they are on. Afterwards, launching a task
// returns [ErrClosed]. In a step or a handler of the executor's own tasks, both return
// [ErrInStep].
//
// [docs/executors.md] has more, and an executor of one's own.
//
// [docs/executors.md]: https://github.com/framearena/framearena/blob/main/docs/executors.md
package executor
