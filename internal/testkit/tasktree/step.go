package tasktree

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/framearena/framearena/coro"
)

// Resume points.
const (
	atBegin = iota
	atChild // a child has ended
	atOwn   // the operation's own wait is over
	atRoom  // there is room for more children
	atAll   // all spawned children have ended
)

// Times. No outcome depends on how long anything takes, but for this: nothing takes long.
const (
	long  = 1000 * time.Hour
	short = 200 * time.Microsecond
)

// stride is the distance between the bytes of a pattern: the bytes between them are not used.
const stride = 61

// fill writes the pattern of a node.
func fill(pad []byte, seed uint32) {
	for i := 0; i < len(pad); i += stride {
		pad[i] = byte(seed) + byte(i) + 1
	}
	if len(pad) > 0 {
		pad[len(pad)-1] = ^byte(seed)
	}
}

// intact reports whether the pattern of a node is as fill has written it.
func intact(pad []byte, seed uint32) bool {
	for i := 0; i < len(pad)-1; i += stride {
		if pad[i] != byte(seed)+byte(i)+1 {
			return false
		}
	}
	return len(pad) == 0 || pad[len(pad)-1] == ^byte(seed)
}

func heldOf(n *Node) held { return held{text: n.Op.String(), any: n} }

// step is the step function of all tasks but the tiny ones.
func step[S any](f *coro.Frame[S, int64], b *branch, pad []byte, h *held) coro.Step {
	r := find(b.run)
	n := r.nodes[b.node]
	if seed := b.run<<8 ^ b.node; f.At() == atBegin {
		fill(pad, seed)
	} else if f.At() != coro.Cleanup && !intact(pad, seed) {
		r.fault("node %d: its frame has been written to by somebody else", n.index)
	}
	if n.Op.fitsTiny() {
		return stepLeaf(f, &b.leaf, b, h)
	}
	if step, ended := begin(f, r, n, &b.leaf, b, h); ended {
		return step
	}
	switch n.Op {
	case Seq:
		return stepSeq(f, r, n, b)
	case Recover, Call, Handle, Other:
		return stepOne(f, r, n, b)
	case Spread, Talk, Meet:
		return stepGroup(f, r, n, b)
	case Join:
		return stepJoin(f, r, n, b)
	case Sender:
		return stepSender(f, r, n, b)
	case Receiver:
		return stepReceiver(f, r, n, b)
	default:
		return stepAround(f, r, n, b)
	}
}

// begin does what all tasks do when they begin and when they are cleaned up. If the task ends
// with that, it returns the last step and true.
func begin[S any](f *coro.Frame[S, int64], r *run, n *Node, l *leaf, b *branch, h *held) (coro.Step, bool) {
	if h != nil && (h.text != n.Op.String() || h.any != any(n)) {
		r.fault("node %d: its held part is that of another task", n.index)
	}
	switch f.At() {
	case coro.Cleanup:
		if b != nil && b.locked && !r.sabotage.keeps(n) {
			r.release(n, b)
		}
		if r.counts[n.index].ended.Load() == 0 && r.counts[n.index].begun.Load() == 1 {
			r.ended(n)
		}
		r.counts[n.index].cleaned.Add(1)
		return f.Fail(f.Err()), true
	case atBegin:
		r.counts[n.index].begun.Add(1)
		if err := f.Err(); err != nil && n.How&heeds != 0 {
			return fail(f, r, n, err), true
		}
	}
	return coro.Step{}, false
}

// done ends the task of a node with a result.
func done[S any](f *coro.Frame[S, int64], r *run, n *Node, v int64) coro.Step {
	r.ended(n)
	return f.Return(r.sabotage.value(n, v))
}

// fail ends the task of a node with an error.
func fail[S any](f *coro.Frame[S, int64], r *run, n *Node, err error) coro.Step {
	r.ended(n)
	return f.Fail(r.sabotage.failure(n, err))
}

// stepSeq awaits one child after the other.
func stepSeq[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	if f.At() == atBegin {
		b.sum = int64(n.N)
	} else {
		err := f.Err()
		r.compare(n.Children[b.i-1], b.got, err)
		if err != nil {
			return fail(f, r, n, err)
		}
		if r.sabotage.again(n) {
			b.i--
		} else {
			b.sum = mix(b.sum, b.got)
		}
	}
	if int(b.i) == len(n.Children) {
		return done(f, r, n, b.sum)
	}
	b.i++
	b.got = math.MinInt64
	return await(f, r, n.Children[b.i-1], &b.got)
}

// stepOne awaits one child, in the way that the operation requires.
func stepOne[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	child := n.Children[0]
	if f.At() == atBegin {
		b.got = math.MinInt64
		switch n.Op {
		case Call:
			return coro.AwaitCall(f, atChild, r.callOf(child), &b.got, r.options(n)...)
		case Handle:
			handle, err := coro.Start(r.executorOf(n), r.callOf(child), r.allocatorOption())
			if err != nil {
				return fail(f, r, n, err)
			}
			r.keep(handle)
			if n.cancels() {
				handle.Cancel(errCancelled)
			}
			return handle.Await(f, atChild, &b.got)
		case Other:
			if r.Other != nil {
				return coro.AwaitOn(f, atChild, r.Other, r.callOf(child), &b.got)
			}
		}
		return await(f, r, child, &b.got)
	}
	err := f.Err()
	r.compare(child, b.got, err)
	if n.Op == Recover {
		return done(f, r, n, n.recovered(outcomeOf(b.got, err)).N)
	}
	if err != nil {
		return fail(f, r, n, err)
	}
	return done(f, r, n, b.got)
}

// executorOf returns the executor that runs the task of n.
func (r *run) executorOf(n *Node) coro.Executor {
	for ; n.parent != nil; n = n.parent {
		if n.parent.Op == Other && r.Other != nil {
			return r.Other
		}
	}
	return r.ex
}

// options returns the options of the Call n.
func (r *run) options(n *Node) []coro.ChildOption {
	var opts []coro.ChildOption
	switch n.call() {
	case callLong:
		opts = append(opts, coro.Timeout(long))
	case callShort:
		opts = append(opts, coro.Timeout(short))
	case callExpired:
		opts = append(opts, coro.Timeout(0))
	case callShield:
		opts = append(opts, coro.Shield())
	case callContext:
		opts = append(opts, coro.Context(context.WithValue(context.Background(), r, n)))
	case callCancelled, callCancelledSoon:
		ctx, cancel := context.WithCancelCause(context.Background())
		opts = append(opts, coro.Context(ctx))
		if n.call() == callCancelled || r.Virtual {
			cancel(errCancelled)
		} else {
			time.AfterFunc(short, func() { cancel(errCancelled) })
		}
	}
	if n.ownAllocator() {
		opts = append(opts, coro.Allocator(r.own))
	}
	return opts
}

// stepGroup spawns all children and waits for them.
func stepGroup[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	g := &b.children
	switch f.At() {
	case atBegin:
		if n.policy() != waitForAll {
			g.SetPolicy(f, coro.GroupPolicy(n.policy()))
		}
		if n.Op == Spread && n.limit() > 0 {
			g.SetLimit(f, n.limit())
		}
		r.prepare(n)
	case atAll:
		return groupEnded(f, r, n, b)
	}
	for int(b.i) < len(n.Children) {
		i := b.i
		b.i++
		b.results[i] = math.MinInt64
		spawn(f, g, r, n.Children[i], &b.results[i])
		if n.waitsForRoom() && n.Op == Spread {
			return g.WaitRoom(f, atRoom)
		}
	}
	if n.cancels() {
		g.Cancel(f, errCancelled)
	}
	if n.leaves() {
		return done(f, r, n, n.collapsed())
	}
	return g.Wait(f, atAll)
}

// groupEnded checks the outcome of a group, and ends the task.
func groupEnded[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	err := f.Err()
	winner := -1
	if n.policy() != waitForAll {
		for i := range n.Children {
			if coro.Won(&b.children, &b.results[i]) {
				if winner >= 0 {
					r.fault("node %d: children %d and %d have both won", n.index, winner, i)
				}
				winner = i
			}
		}
	}
	var sum int64
	switch {
	case n.policy() == waitForAll && err == nil, n.policy() == firstError && err == nil:
		sum = int64(n.N)
		for i, c := range n.Children {
			r.compare(c, b.results[i], nil)
			sum = mix(sum, b.results[i])
		}
		if n.Op == Talk {
			sum = 0
			for i := range n.Children {
				sum += b.results[i]
			}
		}
	case winner >= 0:
		if err == nil {
			sum = b.results[winner]
		}
		r.compareWith(n.Children[winner], r.plan[n.index].natural[winner], sum, err)
	case n.policy() == firstEnd:
		r.fault("node %d: no child has won, and the error is %v", n.index, err)
	}
	return groupResult(f, r, n, sum, err)
}

// groupResult checks the outcome of several children, and ends the task that has waited for
// them.
func groupResult[S any](f *coro.Frame[S, int64], r *run, n *Node, sum int64, err error) coro.Step {
	if err != nil {
		r.compareGroup(n, err)
	} else if n.policy() >= firstSuccess {
		r.compareWith(n, r.plan[n.index].group, sum, nil)
	}
	switch {
	case n.vague:
		return done(f, r, n, n.collapsed())
	case err != nil:
		return fail(f, r, n, err)
	}
	return done(f, r, n, sum)
}

// stepJoin runs All, Any or Race.
func stepJoin[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	if f.At() == atBegin {
		args := make([]padded[[0]byte], len(n.Children))
		for i, c := range n.Children {
			args[i].branch = branch{leaf: r.leafOf(c)}
			b.results[i] = math.MinInt64
		}
		var opts []coro.JoinOption
		if n.limit() > 0 {
			opts = append(opts, coro.Limit(n.limit()))
		}
		if n.variant()&1 != 0 {
			opts = append(opts, coro.Timeout(long))
		}
		switch n.policy() {
		case firstError:
			return coro.All(f, atAll, kinds.small, args, b.results[:len(args)], opts...)
		case firstSuccess:
			return coro.Any(f, atAll, kinds.small, args, &b.got, opts...)
		default:
			return coro.Race(f, atAll, kinds.small, args, &b.got, opts...)
		}
	}
	err := f.Err()
	sum := b.got
	if n.policy() == firstError && err == nil {
		sum = int64(n.N)
		for i, c := range n.Children {
			r.compare(c, b.results[i], nil)
			sum = mix(sum, b.results[i])
		}
	}
	return groupResult(f, r, n, sum, err)
}

// stepSender sends 1, 2, 3 and so on to the Chan of the Talk around it.
func stepSender[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	talk := n.parent
	if f.At() == atOwn && f.Err() != nil {
		return fail(f, r, n, f.Err())
	}
	c := r.meets[talk.index].values
	if int(b.i) == talk.values() {
		c.Close()
		return done(f, r, n, 0)
	}
	b.i++
	if n.variant()&1 != 0 {
		return coro.Select(f, atOwn, &b.chosen, c.SendCase(int64(b.i)), coro.After(long))
	}
	return c.Send(f, atOwn, int64(b.i))
}

// stepReceiver adds up the values that it receives from the Chan of the Talk around it.
func stepReceiver[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	c := r.meets[n.parent.index].values
	if f.At() == atOwn {
		switch err := f.Err(); err {
		case nil:
			b.sum += b.got
		case coro.ErrChanClosed:
			return done(f, r, n, b.sum)
		default:
			return fail(f, r, n, err)
		}
	}
	if n.variant()&1 != 0 {
		return coro.Select(f, atOwn, &b.chosen, r.never.WaitCase(), c.RecvCase(&b.got))
	}
	return c.Recv(f, atOwn, &b.got)
}

// stepAround awaits one child. It does so while it has the mutex or permits of the Meet around
// it, or before or after other children of that Meet have come to some point.
func stepAround[S any](f *coro.Frame[S, int64], r *run, n *Node, b *branch) coro.Step {
	m := &r.meets[n.parent.index]
	switch f.At() {
	case atBegin:
		switch n.parent.meeting() {
		case atMutex:
			return m.mutex.Lock(f, atOwn)
		case atSemaphore:
			return m.semaphore.Acquire(f, atOwn, n.permits())
		case atEvent:
			if n.slot > 0 {
				return m.event.Wait(f, atOwn)
			}
		}
		b.locked = true
	case atOwn:
		if f.Err() != nil {
			return fail(f, r, n, f.Err())
		}
		b.locked = true
		r.enter(n, b)
	case atChild:
		err := f.Err()
		r.compare(n.Children[0], b.got, err)
		if n.panics() {
			panic(Failure(n.N)) // the cleanup releases
		}
		r.release(n, b)
		if err != nil {
			return fail(f, r, n, err)
		}
		if n.parent.meeting() == atWaitGroup {
			return m.latch.Wait(f, atAll)
		}
		return done(f, r, n, b.got)
	case atAll:
		if f.Err() != nil {
			return fail(f, r, n, f.Err())
		}
		return done(f, r, n, b.got)
	}
	b.got = math.MinInt64
	return await(f, r, n.Children[0], &b.got)
}

// meet has what the children of a Meet or a Talk share.
type meet struct {
	mutex     coro.Mutex
	semaphore *coro.Semaphore
	event     coro.Event
	latch     coro.WaitGroup
	values    *coro.Chan[int64]

	inside int // how many tasks have the mutex; guarded by it, which the race detector checks
}

// prepare makes what the children of n share.
func (r *run) prepare(n *Node) {
	m := &r.meets[n.index]
	switch n.Op {
	case Talk:
		m.values = coro.NewChan[int64](n.capacity())
	case Meet:
		m.semaphore = coro.NewSemaphore(2)
		m.latch.Add(len(n.Children))
	}
}

// enter records that the task of n has what it has waited for.
func (r *run) enter(n *Node, b *branch) {
	m := &r.meets[n.parent.index]
	if n.parent.meeting() == atMutex {
		if m.inside++; m.inside != 1 {
			r.fault("node %d: it has the mutex, and somebody else has it too", n.index)
		}
		b.inside = true
	}
}

// release releases what the task of n has, for the tasks that wait for it.
func (r *run) release(n *Node, b *branch) {
	m := &r.meets[n.parent.index]
	b.locked = false
	switch n.parent.meeting() {
	case atMutex:
		if b.inside {
			m.inside--
		}
		m.mutex.Unlock()
	case atSemaphore:
		m.semaphore.Release(n.permits())
	case atEvent:
		if n.slot == 0 {
			m.event.Set()
		}
	case atWaitGroup:
		m.latch.Done()
	}
}

// fault records something that must not happen. Run returns the first fault.
func (r *run) fault(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = fmt.Errorf(format, args...)
	}
}
