package tasktree

import (
	"slices"
	"time"
)

// Bounds of a reduction. A tree that needs more stays larger than necessary.
const (
	maxReduceRuns = 2000
	maxReduceTime = 20 * time.Second
)

// Reduce returns the smallest tree that it finds for which fails returns an error, and that
// error. If fails returns nil for t itself, Reduce returns t and nil. It replaces nodes by one
// of their children or by a Value, and leaves out children, for as long as that helps, and
// then tries simpler kinds and choices. A failure that depends on the schedule may need
// several runs of a tree: that is up to fails.
func Reduce(t *Tree, fails func(*Tree) error) (*Tree, error) {
	r := reduction{fails: fails, end: time.Now().Add(maxReduceTime)}
	if !r.try(t) {
		return t, nil
	}
	for r.smaller() || r.simpler() {
	}
	return r.best, r.err
}

type reduction struct {
	fails func(*Tree) error
	best  *Tree
	err   error // of best
	runs  int
	end   time.Time
}

// try runs a tree, and makes it the best one if it fails.
func (r *reduction) try(t *Tree) bool {
	if r.runs >= maxReduceRuns || r.runs > 0 && time.Now().After(r.end) {
		return false
	}
	r.runs++
	err := r.fails(t)
	if err == nil {
		return false
	}
	r.best, r.err = t, err
	return true
}

// with returns the best tree with n in place of the node with index at. Decode makes sure that
// the tree ends.
func (r *reduction) with(at int, n *Node) *Tree {
	return Decode((&Tree{Launch: r.best.Launch, nodes: written(r.best.Root, at, n)}).Bytes(), r.best.size)
}

// written returns n and the nodes below it, in the order in which Bytes writes them, with
// other in place of the node with index at.
func written(n *Node, at int, other *Node) []*Node {
	if n.index == at && other != nil {
		at, n = -1, other
	}
	list := []*Node{n}
	for _, c := range n.Children {
		list = append(list, written(c, at, other)...)
	}
	return list
}

// smaller looks for a tree with fewer nodes.
func (r *reduction) smaller() bool {
	for i := 0; i < len(r.best.nodes); i++ {
		n := r.best.nodes[i]
		var candidates []*Node
		if len(n.Children) > 0 {
			candidates = append(candidates, &Node{index: -1, N: n.N})
		}
		for _, c := range n.Children {
			if c.Op == Around {
				candidates = append(candidates, c.Children[0])
			}
			candidates = append(candidates, c)
		}
		if len(n.Children) > 1 {
			for j := range n.Children {
				m := *n
				m.index = -1
				m.Children = slices.Delete(slices.Clone(n.Children), j, j+1)
				candidates = append(candidates, &m)
			}
		}
		for _, c := range candidates {
			if t := r.with(i, c); t.Len() < r.best.Len() && r.try(t) {
				return true
			}
		}
	}
	return false
}

// simpler looks for a tree of as many nodes, one of which is simpler.
func (r *reduction) simpler() bool {
	if r.best.Launch != 0 {
		t := Decode(r.best.Bytes(), r.best.size)
		t.Launch = 0
		if r.try(t) {
			return true
		}
	}
	for i := 0; i < len(r.best.nodes); i++ {
		for _, change := range []func(n *Node){
			func(n *Node) { n.Kind = kindTiny },
			func(n *Node) { n.Kind = kindSmall },
			func(n *Node) { n.How = 0 },
			func(n *Node) { n.How &^= heeds },
			func(n *Node) { n.How &^= howMask << howShift },
			func(n *Node) { n.N = 0 },
			func(n *Node) { n.Op = Yield },
			func(n *Node) { n.Op = Value },
		} {
			n := r.best.nodes[i]
			m := *n
			m.index = -1
			if change(&m); len(m.Children) > 0 && m.Op < Seq {
				continue
			}
			before := r.best.cost()
			if t := r.with(i, &m); t.cost() < before && t.Len() <= r.best.Len() && r.try(t) {
				return true
			}
		}
	}
	return false
}

// cost returns a measure of how far a tree is from the simplest one of as many nodes.
func (t *Tree) cost() int {
	sum := 0
	for _, b := range t.Bytes() {
		sum += int(b)
	}
	return sum
}
