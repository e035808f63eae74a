// Package executor decides where and when tasks of package coro run.
//
//   - [Inline] runs tasks on the goroutine that posts them, until none is ready. It suits
//     tests, tools, and programs that already have a goroutine for the purpose.
//   - [Pool] runs tasks on workers, each a goroutine with a cache and queues of its own,
//     which take work from each other. It suits servers.
//   - [Strand] runs tasks on another executor, one at a time and in order. State that
//     only they use needs no lock.
//   - [Loop] runs tasks when a goroutine drives it. It suits tests, games, and programs
//     that have another event loop.
//
// All satisfy [coro.Executor] and may be used by any goroutine. Tasks are launched on them
// with coro's functions:
//
//	pool := executor.NewPool()
//	defer pool.Close()
//	err := coro.Go(pool, Session, session{peer: 7})
//	rtt, err := coro.Run(ctx, pool, Ping.With(ping{host: 7}))
//
// # Options
//
// Each constructor takes options of its own type: [PoolOption], [InlineOption], [LoopOption]
// and [StrandOption]. An option that a constructor cannot take does not compile. A
// [BaseOption] is for the first three constructors, an [Option] for all four. If an option
// is given twice, the last one counts.
//
// # Order
//
// On an Inline, a Loop and a Strand, tasks begin in the order in which they are posted, and
// one that yields goes to the end of the queue. On an Inline, the tasks that a step spawns or
// wakes run before those that were posted: 64 of them in a row, and if more are left, as many as
// that.
//
// A Pool promises no order. On all executors each task that is ready has its turn, whatever the
// others do, and a task that yields lets the others have theirs first: all of them, those included
// that it has just spawned or launched, unless these make very many others ready. So a task may make others ready and yield, for
// ever, and a bounded number of frames is live. [docs/executors.md] has the figures.
//
// On a Pool, a task that was woken runs next on the worker that woke it, as a rule. A chain of
// tasks that neither waits nor yields gives way after a millisecond or so, at its next Await,
// so that the others have their turn. Tasks on [Pool.High] go before all others.
//
// # Steps that block
//
// A step that blocks its goroutine keeps a worker of a Pool from running other tasks. The pool
// notices that after 10 ms, gives the worker's tasks to the others, and has another worker
// replace it until the step ends. [WithBlockedLimit] changes the limit,
// [WithBlockedHandler] reports the step, and [Pool.Stats] counts such workers. A function that
// is known to block belongs in [coro.Blocking].
//
// # Time
//
// Each executor has one clock and one alarm for all of its tasks that sleep or have a timeout.
// No worker waits for the time to pass. The clock is the real one, or that of [WithClock] or
// [coro.Environment.SetClock]. A Loop with [WithVirtualTime] jumps to the next timer when it
// has nothing to do: for simulations, and for tests that do not wait.
//
// # Arenas
//
// An executor takes frames from an arena of its own or, with [WithArena], from one that others
// may use too. Such an arena must be closed after all of its executors.
//
// # Errors
//
// The error of a root task that nobody waits for goes to the handler of [WithErrorHandler], on
// the goroutine that ran the task. Without a handler it is printed to standard error. A
// handler that panics is a mistake of the program: the panic passes through [Inline.Post] or
// the method that drives a Loop, and ends the process on a worker of a Pool.
//
// A step function or a handler that calls runtime.Goexit, as the FailNow of a test does, ends
// the goroutine that runs it. A worker of a Pool continues on another goroutine. On an Inline
// the goroutine ends once no task is ready: other goroutines run the tasks that are left, and
// a handler that panics on one of these ends the process. On a Loop, the tasks that are left
// run when it is driven again. If Close has called the handler, other goroutines cancel the
// tasks that are left, and then the goroutine of Close ends.
//
// # Draining and closing
//
// Drain refuses new tasks and waits until all present ones have ended. Close cancels the tasks
// that have not ended, also those that wait or sleep, and leaves no frame behind. The executor
// calls no function of a cancelled task, unless its kind has [coro.HasCleanup]. Strands are
// drained and closed with their base. Afterwards, launching a task returns [ErrClosed]. In a
// step, a cleanup step or a handler of the executor's own tasks, both methods return
// [ErrInStep].
//
// [docs/executors.md] has more, and an executor of one's own.
//
// [docs/executors.md]: https://github.com/framearena/framearena/blob/main/docs/executors.md
package executor

// The files, in the order in which they are read:
//
//	options.go              what the constructors take
//	closing.go              an executor is closed once
//	in_step.go              Close and Drain refuse to be called in a step
//
//	inline.go               Inline
//	inline_queue.go         the tasks that its steps make ready
//	loop.go                 Loop
//	loop_drive.go           one goroutine drives it
//	loop_drain.go           Drain drives it when nobody else does
//	virtual_time.go         its virtual clock
//	strand.go               Strand
//
//	pool.go                 Pool
//	worker.go               a worker: where a ready task is
//	fairness.go             which one runs next, and why each has its turn
//	high.go                 urgent tasks
//	deque.go                a worker's queues
//	injection_queue.go      the queues that all workers share
//	idle_workers.go         searching, parking and waking: why no task is overlooked
//	monitor.go              the timer that looks for long steps
//	blocked.go              workers that are replaced, and their return
//	blocked_report.go       the handler that is called with them
//	blocked_history.go      what the pool remembers of them
//	marked_workers.go       how a goroutine profile shows which worker a goroutine is
//	busy.go                 samples of what workers are busy with
//	worker_set.go           the list of workers
//	pool_close.go           the order in which a pool closes
//	pool_stats.go           what a pool has done
//
//	word.go                 an integer with a store that only releases
//	word_ops.go             its operations; word_explore.go has those of the explorer
//	word_store_plain.go     where a plain store releases; word_store_atomic.go: where not
//	tuning.go               sizes and periods; tuning_explore.go: those of the explorer
//	test_hook.go            delays that tests put between atomic operations
