package tasktree

// sabotage is what tests make tasks do wrong, to see whether that is found. It and each of
// its functions may be nil.
type sabotage struct {
	onValue   func(n *Node, v int64) int64
	onFailure func(n *Node, err error) error
	onAgain   func(n *Node) bool
	onWake    func(n *Node) bool
	onCleanup func(n *Node) bool
}

// value returns what the task of n returns.
func (s *sabotage) value(n *Node, v int64) int64 {
	if s != nil && s.onValue != nil {
		return s.onValue(n, v)
	}
	return v
}

// failure returns what the task of n fails with.
func (s *sabotage) failure(n *Node, err error) error {
	if s != nil && s.onFailure != nil {
		return s.onFailure(n, err)
	}
	return err
}

// again reports whether a Seq awaits the child once more that has just ended.
func (s *sabotage) again(n *Node) bool { return s != nil && s.onAgain != nil && s.onAgain(n) }

// forgets reports whether the Waker of n is never woken.
func (s *sabotage) forgets(n *Node) bool { return s != nil && s.onWake != nil && s.onWake(n) }

// keeps reports whether the cleanup of n does not give back what the task has.
func (s *sabotage) keeps(n *Node) bool { return s != nil && s.onCleanup != nil && s.onCleanup(n) }

// Sabotaged returns options with which the results of all nodes are wrong: for tests of what
// uses Run.
func Sabotaged(o Options) Options {
	o.sabotage = &sabotage{onValue: func(_ *Node, v int64) int64 { return v + 1 }}
	return o
}
