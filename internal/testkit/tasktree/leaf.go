package tasktree

import (
	"runtime"
	"time"

	"github.com/framearena/framearena/coro"
)

// stepLeaf is the step function of tasks without children. b and h are nil if the kind has no
// branch, or no held part.
func stepLeaf[S any](f *coro.Frame[S, int64], l *leaf, b *branch, h *held) coro.Step {
	r := find(l.run)
	n := r.nodes[l.node]
	if step, ended := begin(f, r, n, l, b, h); ended {
		return step
	}
	if f.At() == atOwn {
		return leafEnds(f, r, n, l)
	}
	switch n.Op {
	case Value:
		return done(f, r, n, n.value())
	case Fail:
		return fail(f, r, n, Failure(n.N))
	case Panic:
		r.ended(n)
		panic(Failure(n.N))
	case Goexit:
		r.ended(n)
		runtime.Goexit()
	case Yield:
		return coro.Yield(f, atOwn)
	case Sleep:
		return coro.Sleep(f, atOwn, time.Duration(n.N%4)*50*time.Microsecond)
	case Forever:
		if n.hopes && r.MayRefuse {
			return fail(f, r, n, Failure(n.N))
		}
		return forever(f, r, n, l)
	case Blocking:
		if r.Virtual {
			return coro.Yield(f, atOwn)
		}
		return coro.Blocking(f, atOwn, n.blocks, &l.got)
	case GoChan:
		c := make(chan int64, 1)
		if r.Virtual || n.variant()&1 == 0 {
			c <- 1
		} else {
			go func() { c <- 1 }()
		}
		return coro.RecvFrom(f, atOwn, c, &l.got)
	case Select:
		return selects(f, r, n, l)
	case Suspend:
		w := coro.NewWaker()
		switch {
		case r.sabotage.forgets(n):
		case n.N%3 == 0 || r.Virtual:
			w.Wake()
		case n.N%3 == 1:
			go w.Wake()
		default:
			time.AfterFunc(short/4, func() { w.Wake() })
		}
		return coro.Suspend(f, atOwn, w)
	case Generate1:
		return loops(f, r, n)
	}
	return f.BadResume()
}

// leafEnds is the step after the wait of a leaf.
func leafEnds[S any](f *coro.Frame[S, int64], r *run, n *Node, l *leaf) coro.Step {
	if err := f.Err(); err != nil {
		return fail(f, r, n, err)
	}
	switch n.Op {
	case Yield:
		if l.i++; int(l.i) <= int(n.N%3) {
			return coro.Yield(f, atOwn)
		}
	case Blocking:
		if r.Virtual { // the task has only yielded: stepLeaf cannot use a goroutine
			v, err := n.blocked()
			if err != nil {
				return fail(f, r, n, err)
			}
			l.got = v
		}
		return done(f, r, n, l.got)
	case GoChan:
		if l.got != 1 {
			r.fault("node %d: it has received %d and not 1", n.index, l.got)
		}
	case Select:
		r.selected(n, l)
	case Forever:
		r.fault("node %d: what never happens has happened", n.index)
	}
	return done(f, r, n, n.value())
}

// blocks is the function of a Blocking.
func (n *Node) blocks() (int64, error) {
	if n.variant()&8 != 0 {
		time.Sleep(short / 4)
	}
	switch n.variant() % 8 {
	case 0:
		return 0, Failure(n.N)
	case 1:
		panic(Failure(n.N))
	case 2:
		runtime.Goexit()
	}
	return n.value(), nil
}

// blocked returns what blocks would, for a step that cannot call it on a goroutine.
func (n *Node) blocked() (int64, error) {
	switch o := n.blocking().list[0]; o.End {
	case Failed:
		return 0, Failure(n.N)
	case Panicked:
		return 0, &coro.PanicError{Value: Failure(n.N)}
	case Exited:
		return 0, &coro.PanicError{Value: coro.ErrGoexit}
	default:
		return o.N, nil
	}
}

// forever waits for something that never happens.
func forever[S any](f *coro.Frame[S, int64], r *run, n *Node, l *leaf) coro.Step {
	switch n.forever() {
	case 0:
		return r.never.Wait(f, atOwn)
	case 1:
		return coro.Sleep(f, atOwn, 100*long)
	case 2:
		return r.nothing.Recv(f, atOwn, &l.got)
	case 3:
		return coro.Suspend(f, atOwn, coro.NewWaker())
	case 4:
		return r.undone.Wait(f, atOwn)
	case 5:
		return coro.Select(f, atOwn, &l.chosen, r.never.WaitCase(), r.nothing.RecvCase(&l.got), coro.After(100*long))
	default:
		return coro.RecvFrom(f, atOwn, r.goNothing, &l.got)
	}
}

// selects waits for the first of several things. One of them is certain to happen.
func selects[S any](f *coro.Frame[S, int64], r *run, n *Node, l *leaf) coro.Step {
	switch n.N % 6 {
	case 0:
		return coro.Select(f, atOwn, &l.chosen, r.never.WaitCase(), coro.After(short/4))
	case 1:
		return coro.Select(f, atOwn, &l.chosen, r.nothing.RecvCase(&l.got), coro.Default())
	case 2:
		return coro.Select(f, atOwn, &l.chosen, r.always.WaitCase(), coro.After(long))
	case 3:
		w := coro.NewWaker()
		if r.Virtual {
			w.Wake()
		} else {
			go w.Wake()
		}
		return coro.Select(f, atOwn, &l.chosen, w.WaitCase(), r.nothing.RecvCase(&l.got), r.never.WaitCase(), r.undone.WaitCase())
	case 4: // two cases are ready
		c := coro.NewChan[int64](1)
		c.TrySend(1)
		return coro.Select(f, atOwn, &l.chosen, c.RecvCase(&l.got), c.RecvCase(&l.got), coro.After(long))
	default:
		return coro.Select(f, atOwn, &l.chosen, coro.NewChan[int64](1).SendCase(1), r.nothing.RecvCase(&l.got))
	}
}

// selected checks that the right case of selects has happened.
func (r *run) selected(n *Node, l *leaf) {
	ok := false
	switch n.N % 6 {
	case 0, 1:
		ok = l.chosen == 1
	case 4:
		ok = l.chosen < 2 && l.got == 1
	default:
		ok = l.chosen == 0
	}
	if !ok {
		r.fault("node %d: case %d has happened", n.index, l.chosen)
	}
}

// generator is the state of a generator of squares.
type generator struct {
	n, last int64
	square  int64
}

// generate yields the squares of the numbers up to the last.
func generate(f *coro.SeqFrame[generator, int64]) coro.Step {
	s := &f.State
	switch f.At() {
	case atChild:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return coro.YieldValue(f, atBegin, s.square)
	default:
		if s.n == s.last {
			return f.Return()
		}
		s.n++
		return coro.Await(&f.Frame, atChild, kinds.square, s.n, &s.square)
	}
}

// loops adds up the values of a generator, all of them or the first half.
func loops[S any](f *coro.Frame[S, int64], r *run, n *Node) coro.Step {
	last := int64(1 + n.N%4)
	enough := last
	if n.variant()&1 != 0 {
		enough = (last + 1) / 2
	}
	var opts []coro.SeqOption
	if r.allocator != nil {
		opts = append(opts, coro.Allocator(r.allocator))
	}
	sum, i := int64(0), int64(0)
	for v, err := range kinds.generator.Seq2(generator{last: last}, opts...) {
		if err != nil {
			return fail(f, r, n, err)
		}
		sum += v
		if i++; i == enough {
			break
		}
	}
	if want := enough * (enough + 1) * (2*enough + 1) / 6; sum != want {
		r.fault("node %d: its generator's values add up to %d and not %d", n.index, sum, want)
	}
	return done(f, r, n, n.value())
}
