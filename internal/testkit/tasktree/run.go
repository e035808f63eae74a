package tasktree

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Options configure a run of a tree. The zero Options run it with frames of the executor's
// arena, and are right for every executor but a Loop with virtual time.
type Options struct {
	// Allocator serves the frames of the tree. Run puts a Ledger in front of it, so one
	// goroutine at a time calls it.
	Allocator arena.FrameAllocator

	// Check is called with the Ledger's counts when the tree has ended. It returns an error
	// if the Allocator's own figures differ from them.
	Check func(Totals) error

	// Arena is the executor's, if the tree is its only user: Run checks that it has no live
	// frame when the tree has ended.
	Arena *arena.Arena

	// Other is the executor on which Other nodes run their child. nil is the tree's executor.
	Other coro.Executor

	// Drive runs tasks until done is closed, for executors that do not run them by
	// themselves. It is called on a goroutine of its own, and again if a task ends that
	// goroutine. An executor.Loop needs none: Run drives it.
	Drive func(done <-chan struct{})

	// Virtual is set if the executor's clock advances when no task is ready. Tasks then do
	// not wait for other goroutines.
	Virtual bool

	// MayRefuse is set if the Allocator may refuse frames.
	MayRefuse bool

	// Patience is how long the tree may take before Run reports that it hangs. 0 is a
	// minute.
	Patience time.Duration

	sabotage *sabotage // for tests
}

// run is one run of a tree. Its tasks find it by the number in their state: see find.
type run struct {
	Options
	id        uint32
	tree      *Tree
	ex        coro.Executor
	nodes     []*Node // by index, as are counts, plan and meets
	counts    []count
	plan      []plan
	meets     []meet
	allocator *Ledger // in front of Options.Allocator; nil if there is none
	own       *Ledger // the allocator of Calls that have one of their own

	never, always coro.Event
	nothing       *coro.Chan[int64]
	undone        coro.WaitGroup
	goNothing     chan int64

	// closing is set by RunClosing before it closes the executor, and read where outcomes
	// are compared. Once it is set, any outcome is right.
	closing atomic.Bool

	mu      sync.Mutex // guards what follows
	first   error
	handles []*coro.Handle[int64]
}

// count counts how often the task of a node has begun, ended and been cleaned up. The task
// writes it. Run reads it when the tree has ended or hangs.
type count struct{ begun, ended, cleaned atomic.Int32 }

// plan has the right outcomes of a node at its place in the tree.
type plan struct {
	expected Outcomes   // of its task, as its parent receives them
	must     bool       // the task is certain to begin
	group    Outcomes   // of the group that the node waits for
	natural  []Outcomes // of the children of that group, if they decide it
}

// runs has the runs that have not ended.
var runs struct {
	sync.RWMutex
	last uint32
	byID map[uint32]*run
}

func find(id uint32) *run {
	runs.RLock()
	defer runs.RUnlock()
	return runs.byID[id]
}

func (r *run) enlist() {
	runs.Lock()
	defer runs.Unlock()
	if runs.byID == nil {
		runs.byID = make(map[uint32]*run)
	}
	runs.last++
	r.id = runs.last
	runs.byID[r.id] = r
}

func (r *run) retire() {
	runs.Lock()
	defer runs.Unlock()
	delete(runs.byID, r.id)
}

func newRun(t *Tree, ex coro.Executor, opts Options) *run {
	r := &run{
		Options: opts, tree: t, ex: ex, nodes: t.nodes,
		counts:    make([]count, len(t.nodes)),
		plan:      make([]plan, len(t.nodes)),
		meets:     make([]meet, len(t.nodes)),
		own:       NewLedger(new(arena.Heap)),
		nothing:   coro.NewChan[int64](0),
		goNothing: make(chan int64),
	}
	if opts.Allocator != nil {
		r.allocator = NewLedger(opts.Allocator)
	}
	if r.Patience == 0 {
		r.Patience = time.Minute
	}
	r.always.Set()
	r.undone.Add(1)
	var c causes
	if opts.MayRefuse {
		c = byRefusal
	}
	r.plan[0].expected = evaluate(t.Root, c).or(c.refused())
	r.plan[0].must = c == 0
	r.expect(t.Root, c)
	r.enlist()
	return r
}

// expect sets the plans of n's group and of the nodes below n, if c may cancel n.
func (r *run) expect(n *Node, c causes) {
	in := n.inside(c)
	p := &r.plan[n.index]
	must := p.must && c == 0
	switch n.Op {
	case Spread, Join, Talk, Meet:
		p.group = n.group(c)
		for i := range n.Children {
			p.natural = append(p.natural, n.natural(i, c))
		}
		if n.policy() != waitForAll {
			for _, child := range n.Children {
				must = must && !child.plain.mayFail() && n.policy() == firstError && !n.cancels()
			}
		}
	}
	for i, child := range n.Children {
		q := &r.plan[child.index]
		q.expected = n.launched(i, in)
		if n.Op == Handle { // the task that awaits the handle may be cancelled instead
			q.expected = q.expected.or(c.cancelled())
		}
		q.must = must && child.plain.ends()
		if n.Op == Seq {
			must = must && child.plain.mustReturn()
		}
		r.expect(child, in)
	}
}

// ended records that the task of n is about to end.
func (r *run) ended(n *Node) { r.counts[n.index].ended.Add(1) }

// leafOf returns the beginning of the state of the task of n.
func (r *run) leafOf(n *Node) leaf { return leaf{run: r.id, node: uint32(n.index)} }

// keep makes Run wait for the task of a handle.
func (r *run) keep(h *coro.Handle[int64]) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handles = append(r.handles, h)
}

// allocatorOption returns the option for launches of trees that belong to this one.
func (r *run) allocatorOption() coro.Option {
	if r.allocator == nil {
		return coro.Allocator(nil)
	}
	return coro.Allocator(r.allocator)
}

// compare records a fault if the outcome of the task of n is not right.
func (r *run) compare(n *Node, v int64, err error) {
	r.compareWith(n, r.plan[n.index].expected, v, err)
}

func (r *run) compareWith(n *Node, right Outcomes, v int64, err error) {
	o := outcomeOf(v, err)
	if right.Has(o) || r.closing.Load() {
		return
	}
	r.fault("node %s: %s; right is: %s%s", n, o, right, unknown(o, err))
}

// compareGroup records a fault if the error of the group of n is not right.
func (r *run) compareGroup(n *Node, err error) {
	right := r.plan[n.index].group.failures()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok && n.policy() == firstSuccess {
		all = joined.Unwrap()
	}
	for _, err := range all {
		if o := outcomeOf(0, err); !right.Has(o) && !r.closing.Load() {
			r.fault("node %s: its children's error %s; right is: %s%s", n, o, right, unknown(o, err))
		}
	}
}

func unknown(o Outcome, err error) string {
	if o.End == Strange {
		return fmt.Sprintf("; the error is %v", err)
	}
	return ""
}

// Run runs the tree on ex and returns an error if anything is wrong. The text of the error
// contains the tree. If ctx ends, the tree is cancelled, and Run returns the cause.
//
// Run gives up a tree that hangs for longer than Options.Patience. Its frames stay live.
func Run(ctx context.Context, t *Tree, ex coro.Executor, opts Options) error {
	r := newRun(t, ex, opts)
	err := r.run(ctx, nil)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return r.report(err)
}

// RunClosing is Run in a world that it closes while the tree runs, after some time. The tree
// may have any outcome then. RunClosing checks that no frame is live afterwards, that no task
// has run twice, and that cleanup steps have released what the tasks had.
func RunClosing(t *Tree, w World, opts Options, after time.Duration) error {
	opts.Arena = nil // the world closes it
	r := newRun(t, w.Executor, opts)
	return r.report(r.run(context.Background(), func() error {
		time.Sleep(after)
		r.closing.Store(true)
		return w.Close()
	}))
}

// report adds the tree to an error.
func (r *run) report(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("tasktree: %w\nThe tree, %s:\n%s", err, r.tree.Evaluate(), r.tree)
}

// run launches the tree, calls meanwhile, unless that is nil, and waits for the end of the
// tree.
func (r *run) run(ctx context.Context, meanwhile func() error) error {
	patience := time.NewTimer(r.Patience)
	defer patience.Stop()
	results := make(chan result, 2) // room for one more than there should be
	over := make(chan struct{})
	stopped := r.drive(over)
	defer func() {
		close(over)
		<-stopped
	}()
	go r.launch(ctx, results)
	if meanwhile != nil {
		if err := meanwhile(); err != nil {
			return err
		}
	}
	select {
	case got := <-results:
		r.compare(r.tree.Root, got.v, got.err)
	case <-patience.C:
		return r.hangs()
	}
	r.mu.Lock()
	handles := r.handles // only the tasks of handles can add more
	r.mu.Unlock()
	for i := 0; i < len(handles); i++ {
		select {
		case <-handles[i].Done():
		case <-patience.C:
			return r.hangs()
		}
		r.mu.Lock()
		handles = r.handles
		r.mu.Unlock()
	}
	if ctx.Err() != nil {
		return nil // any outcome is right
	}
	if err := r.check(); err != nil {
		return err
	}
	select {
	case <-results:
		return fmt.Errorf("the root has ended twice")
	default:
	}
	r.retire()
	return nil
}

type result struct {
	v   int64
	err error
}

// launch launches the tree and sends its result, and a second one if there is a second one.
func (r *run) launch(ctx context.Context, results chan<- result) {
	tell := func(v int64, err error) {
		select {
		case results <- result{v, err}:
		default: // results has two already
		}
	}
	opts := []coro.TreeOption{coro.Context(ctx), r.allocatorOption()}
	if size := r.tree.rootSize(); size > 0 {
		opts = append(opts, coro.RootFrameSize(size))
	}
	if r.tree.counted() {
		opts = append(opts, coro.Counted())
	}
	call := r.callOf(r.tree.Root)
	way := r.tree.launchWay()
	if !r.returns() {
		way = launchAsync
	}
	switch {
	case way == launchRun && r.allocator == nil:
		tell(coro.Run(ctx, r.ex, call))
	case way == launchStart:
		start := make([]coro.StartOption, len(opts))
		for i, o := range opts {
			start[i] = o
		}
		handle, err := coro.Start(r.ex, call, start...)
		if err != nil {
			tell(0, err)
			return
		}
		tell(handle.Wait(context.Background()))
	default:
		launch := []coro.LaunchOption{
			coro.OnResult(func(v int64) { tell(v, nil) }),
			coro.OnError(func(err error) { tell(0, err) }),
		}
		for _, o := range opts {
			launch = append(launch, o)
		}
		if err := coro.RunAsync(r.ex, launch...)(call); err != nil {
			tell(0, err)
		}
	}
}

// returns reports whether a launch returns. On an executor that runs tasks in Post, a task of
// another tree may end the goroutine that launches this tree.
func (r *run) returns() bool {
	switch r.ex.(type) {
	case *executor.Pool, *executor.High, *executor.Loop:
		return true
	default:
		return r.Arena != nil // then there is no other tree
	}
}

// drive starts to drive the executor, if it does not run tasks by itself, until over is
// closed. It returns a channel that is closed when the driving has ended.
func (r *run) drive(over <-chan struct{}) (stopped chan struct{}) {
	stopped = make(chan struct{})
	drive := r.Drive
	if loop, ok := r.ex.(*executor.Loop); ok && drive == nil {
		drive = func(done <-chan struct{}) {
			for {
				loop.RunUntilIdle()
				select {
				case <-done:
					return
				case <-loop.Ready():
				}
			}
		}
	}
	if drive == nil {
		close(stopped)
		return stopped
	}
	go func() {
		defer close(stopped)
		for {
			returned := make(chan bool, 1)
			go func() {
				ok := false
				defer func() { returned <- ok }() // also when a task exits the goroutine
				drive(over)
				ok = true
			}()
			if <-returned {
				return
			}
		}
	}()
	return stopped
}

// hangs returns an error that lists the waiting tasks and the nodes that have not ended.
func (r *run) hangs() error {
	var b strings.Builder
	for _, g := range r.ex.Environment().WaitingByKind() {
		fmt.Fprintf(&b, "; %d of %q in %s", g.N, g.Kind.Name, g.What)
	}
	for i := range r.counts {
		if c := &r.counts[i]; c.begun.Load() != c.ended.Load() {
			fmt.Fprintf(&b, "; node %d has not ended", i)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first != nil {
		return fmt.Errorf("%w; and then the tree hangs%s", r.first, b.String())
	}
	return fmt.Errorf("the tree hangs%s", b.String())
}

// check returns the first thing that is wrong when the tree has ended.
func (r *run) check() error {
	r.mu.Lock()
	first := r.first
	r.mu.Unlock()
	if first != nil {
		return first
	}
	closing := r.closing.Load()
	for i, n := range r.nodes {
		begun, ended := r.counts[i].begun.Load(), r.counts[i].ended.Load()
		cleaned := r.counts[i].cleaned.Load()
		switch {
		case begun > 1 || r.plan[i].must && begun == 0 && !closing:
			return fmt.Errorf("node %s: it has begun %d times", n, begun)
		case begun != ended && !closing || ended > begun:
			return fmt.Errorf("node %s: it has begun %d times and ended %d times", n, begun, ended)
		case cleaned > 1:
			return fmt.Errorf("node %s: it was cleaned up %d times", n, cleaned)
		case begun == 1 && hasCleanup(n.Kind) && (n.mustClean() || ended == 0) && cleaned == 0:
			return fmt.Errorf("node %s: it was not cleaned up", n)
		case n.Op == Meet && n.meeting() == atMutex && !r.meets[i].mutex.TryLock():
			return fmt.Errorf("node %s: its mutex is still locked", n)
		case n.Op == Meet && r.meets[i].semaphore != nil && !r.meets[i].semaphore.TryAcquire(2):
			return fmt.Errorf("node %s: not all permits are back", n)
		}
	}
	if err := r.own.Check(); err != nil {
		return fmt.Errorf("frames of a Call's own allocator: %w", err)
	}
	if r.allocator != nil {
		if err := r.allocator.Check(); err != nil {
			return err
		}
		if r.Check != nil {
			if err := r.Check(r.allocator.Totals()); err != nil {
				return err
			}
		}
	}
	if r.Arena != nil {
		return r.checkArena()
	}
	return nil
}

// mustClean reports whether the task of n, if it has begun, is certain to go to its cleanup
// step, if it has one.
func (n *Node) mustClean() bool {
	return n.How&heeds == 0 && (n.Op == Panic || n.Op == Goexit)
}

// checkArena waits until the arena has no live frame. A frame that belongs to no task, such as
// that of the timer of a task that ended before the time was over, may be freed a moment
// later than the last task's.
func (r *run) checkArena() error {
	end := time.Now().Add(r.Patience)
	for wait := time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
		s := r.Arena.Stats()
		switch {
		case s.Total.Live == 0 && s.Large == 0 && s.Total.Carved == s.Total.Private+s.Total.Public:
			return nil
		case time.Now().After(end):
			return fmt.Errorf("the executor's arena: %d frames are live, and %d large ones; %d carved, %d private, %d public",
				s.Total.Live, s.Large, s.Total.Carved, s.Total.Private, s.Total.Public)
		}
		time.Sleep(wait)
	}
}
