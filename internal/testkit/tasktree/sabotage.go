package tasktree

// sabotage makes tasks do something wrong, for the tests that check that Run notices it. It
// and each of its functions may be nil.
type sabotage struct {
	onValue   func(n *Node, v int64) int64
	onFailure func(n *Node, err error) error
	onAgain   func(n *Node) bool
	onWake    func(n *Node) bool
	onCleanup func(n *Node) bool
}

// value returns the result with which the task of n ends.
func (s *sabotage) value(n *Node, v int64) int64 {
	if s != nil && s.onValue != nil {
		return s.onValue(n, v)
	}
	return v
}

// failure returns the error with which the task of n ends.
func (s *sabotage) failure(n *Node, err error) error {
	if s != nil && s.onFailure != nil {
		return s.onFailure(n, err)
	}
	return err
}

// again reports whether the Seq n awaits the child that has just ended once more.
func (s *sabotage) again(n *Node) bool { return s != nil && s.onAgain != nil && s.onAgain(n) }

// forgets reports whether the Waker of n is never woken.
func (s *sabotage) forgets(n *Node) bool { return s != nil && s.onWake != nil && s.onWake(n) }

// keeps reports whether the cleanup step of n does not release what the task has.
func (s *sabotage) keeps(n *Node) bool { return s != nil && s.onCleanup != nil && s.onCleanup(n) }

// Sabotaged returns options with which the results of all nodes are wrong. It is for tests of
// the callers of Run.
func Sabotaged(o Options) Options {
	o.sabotage = &sabotage{onValue: func(_ *Node, v int64) int64 { return v + 1 }}
	return o
}
