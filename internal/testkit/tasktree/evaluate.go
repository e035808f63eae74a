package tasktree

// causes are the reasons for which a task may be cancelled, at any moment, and whether its
// frame may be refused.
type causes uint8

const (
	byTime    causes = 1 << iota // context.DeadlineExceeded
	byGroup                      // coro.ErrGroupDecided
	byContext                    // errCancelled
	byRefusal                    // a frame may be refused, which cancels nothing
)

// cancelled returns the outcomes of a waiting task that is cancelled for one of the causes.
func (c causes) cancelled() Outcomes {
	var o Outcomes
	for _, x := range []struct {
		cause causes
		end   End
	}{{byTime, Expired}, {byGroup, Decided}, {byContext, Cancelled}} {
		if c&x.cause != 0 {
			o = o.with(Outcome{End: x.end})
		}
	}
	return o
}

// refused returns the outcome of a task whose frame is refused, if frames may be refused.
func (c causes) refused() Outcomes {
	if c&byRefusal != 0 {
		return these(Outcome{End: Refused})
	}
	return Outcomes{}
}

// shielded returns the causes that reach a task in a Shield.
func (c causes) shielded() causes { return c & byRefusal }

// Evaluate returns the right outcomes of the tree, by recursion and without any task.
func (t *Tree) Evaluate() Outcomes { return t.Root.plain }

// choose sets plain and vague of a node whose children are complete.
func (n *Node) choose() {
	// If several children may fail, or the first one decides, the outcome depends on the
	// schedule.
	switch n.Op {
	case Spread, Join, Talk, Meet:
		failing := 0
		for _, c := range n.Children {
			if c.plain.mayFail() {
				failing++
			}
		}
		n.vague = failing > 1 || n.policy() > firstError || n.cancels()
		if n.leaves() {
			n.vague = false
		}
	}
	n.plain = evaluate(n, 0)
}

// mix combines the values of children, one after the other. The result depends on their
// order.
func mix(sum, v int64) int64 { return (sum*31 + v) % 1000003 }

// evaluate returns the right outcomes of a node that has begun and that c may cancel.
func evaluate(n *Node, c causes) Outcomes {
	if n.plain.ends() && c == 0 {
		return n.plain
	}
	o := n.outcomes(c)
	if n.How&heeds != 0 {
		o = o.or(c.cancelled())
	}
	return o
}

func (n *Node) outcomes(c causes) Outcomes {
	value := these(Outcome{Returned, n.value()})
	waited := c.cancelled().or(c.refused())
	switch n.Op {
	case Value:
		return value
	case Fail:
		return these(Outcome{Failed, int64(n.N)})
	case Panic:
		return these(Outcome{Panicked, int64(n.N)})
	case Goexit:
		return these(Outcome{End: Exited})
	case Forever:
		if n.hopes && c&byRefusal != 0 {
			return these(Outcome{Failed, int64(n.N)}).or(waited)
		}
		return waited
	case Yield, Sleep, GoChan, Select, Suspend:
		return value.or(waited)
	case Blocking:
		return n.blocking().or(waited)
	case Generate1:
		return value.or(c.refused())
	case Seq:
		return n.sequence(c)
	case Recover:
		return n.begun(0, c).each(n.recovered)
	case Call:
		return n.begun(0, n.inside(c))
	case Handle:
		return n.launched(0, n.inside(c)).or(waited)
	case Other:
		return n.launched(0, c).or(waited)
	case Spread, Join, Talk, Meet:
		o := n.group(c)
		switch {
		case !o.ends():
			return o
		case n.vague:
			return these(Outcome{Returned, n.collapsed()})
		}
		return o
	case Sender:
		return these(Outcome{Returned, 0}).or(waited)
	case Receiver:
		for v := range n.parent.spoken() + 1 { // the schedule decides which of several receives what
			waited = waited.with(Outcome{Returned, v})
		}
		return waited
	default: // Around
		o := n.begun(0, c)
		if n.panics() {
			if !o.ends() {
				return o
			}
			o = these(Outcome{Panicked, int64(n.N)})
		}
		return o.or(waited)
	}
}

// value is what a leaf returns.
func (n *Node) value() int64 { return int64(n.N) + 1 }

// blocking returns the outcome of the function of a Blocking.
func (n *Node) blocking() Outcomes {
	switch n.variant() % 8 {
	case 0:
		return these(Outcome{Failed, int64(n.N)})
	case 1:
		return these(Outcome{Panicked, int64(n.N)})
	case 2:
		return these(Outcome{End: Exited})
	default:
		return these(Outcome{Returned, n.value()})
	}
}

// recovered returns the value that a Recover makes of its child's outcome.
func (n *Node) recovered(o Outcome) Outcome {
	if o.failed() {
		return Outcome{Returned, 2000 + 100*int64(o.End) + o.N%100}
	}
	return Outcome{Returned, o.N + 1}
}

// inside returns the causes that may cancel the children of n, if c may cancel n.
func (n *Node) inside(c causes) causes {
	switch n.Op {
	case Call:
		switch n.call() {
		case callShort, callExpired:
			c |= byTime
		case callCancelled, callCancelledSoon:
			c |= byContext
		case callShield:
			c = c.shielded()
		}
	case Spread, Join, Talk, Meet:
		if n.policy() != waitForAll {
			c |= byGroup
		}
		if n.cancels() {
			c |= byContext
		}
	case Handle:
		c = c.shielded()
		if n.cancels() {
			c |= byContext
		}
	}
	return c
}

// begun returns the outcomes of a child that n awaits.
func (n *Node) begun(i int, c causes) Outcomes {
	return evaluate(n.Children[i], c).or(c.refused())
}

// launched returns the outcomes of a child that may be cancelled before it begins.
func (n *Node) launched(i int, c causes) Outcomes { return n.begun(i, c).or(c.cancelled()) }

// sequence returns the outcomes of a Seq.
func (n *Node) sequence(c causes) Outcomes {
	sum := these(Outcome{Returned, int64(n.N)})
	var failed Outcomes
	for i := range n.Children {
		o := n.begun(i, c)
		failed = failed.or(o.failures())
		sum = sum.then(o.returns(), mix)
		if !sum.ends() {
			break
		}
	}
	return failed.or(sum)
}

// natural returns the outcomes of a spawned child that ends before its group is decided.
func (n *Node) natural(i int, c causes) Outcomes {
	if n.cancels() {
		c |= byContext
	}
	return n.launched(i, c)
}

// group returns the outcomes of the Wait of a group. If the first child to end, or to succeed,
// decides the group, these are the outcomes of that child.
func (n *Node) group(c causes) Outcomes {
	sum := these(Outcome{Returned, int64(n.N)})
	var failed, first Outcomes
	mustFail := true // all children
	for i := range n.Children {
		o := n.natural(i, c)
		failed = failed.or(o.failures())
		first = first.or(o)
		sum = sum.then(o.returns(), mix)
		mustFail = mustFail && (!o.ends() || o.mayFail())
	}
	if n.Op == Join {
		failed = failed.or(c.cancelled()) // a child may be cancelled before it begins
	}
	switch n.policy() {
	case firstEnd:
		if n.Op == Join {
			first = first.or(c.cancelled())
		}
		return first
	case firstSuccess:
		if mustFail {
			return first.returns().or(failed)
		}
		return first.returns()
	}
	switch {
	case n.Op == Talk:
		sum = these(Outcome{Returned, n.spoken()})
	case n.leaves():
		sum = sum.each(func(Outcome) Outcome { return Outcome{Returned, n.collapsed()} })
	}
	return failed.or(sum)
}

// spoken returns the sum of the values that the Sender of a Talk sends.
func (n *Node) spoken() int64 {
	k := int64(n.values())
	return k * (k + 1) / 2
}
