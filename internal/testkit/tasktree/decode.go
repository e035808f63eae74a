package tasktree

import "math/rand/v2"

// Bounds of a tree, besides the size that is asked for.
const (
	maxDepth    = 12
	maxChildren = 4
)

// weights decide how often an operation occurs. A byte that names an operation is an index
// of weights, modulo its length. The first element is what 0 names, and so what a node beyond
// the end of the bytes is.
var weights = [...]Op{
	Value, Yield, Sleep, Fail, Panic, Goexit, Forever, Blocking, GoChan, Select, Suspend, Generate1,
	Seq, Recover, Call, Spread, Join, Talk, Meet, Handle, Other,
	Value, Yield, Select, Suspend, Forever, Forever, // the rest repeats what matters most
	Seq, Seq, Seq, Seq, Seq, Seq, Recover, Recover, Recover, Recover, Call, Call, Call, Call,
	Spread, Spread, Spread, Spread, Spread, Spread, Join, Join, Join, Meet, Meet, Meet, Talk, Talk, Handle, Other,
}

// byteOf returns a byte that names op.
func byteOf(op Op) byte {
	for i, o := range weights {
		if o == op {
			return byte(i)
		}
	}
	return 0 // a child that only Talk and Meet have: its place decides what it is
}

// Generate returns the tree of about size nodes that belongs to the seed.
func Generate(seed uint64, size int) *Tree {
	rng := rand.New(rand.NewPCG(seed, 0x7ee5))
	data := make([]byte, 1+size*6)
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	if size > 2 { // a root that has children
		data[1] = byteOf(Seq) + byte(rng.IntN(len(weights)-int(byteOf(Seq))))
	}
	return Decode(data, size)
}

// Decode returns the tree that data encodes, of about size nodes at most. Every string of
// bytes encodes a tree: bytes beyond its end count as zero, and nodes that would keep the tree
// from ending are replaced.
//
// The first byte decides how the tree is launched. A node is five bytes (operation, kind, N,
// How and the number of children), and then its children. Where the place of a node requires
// something, as a Talk does of its children, the place decides and not the bytes.
func Decode(data []byte, size int) *Tree {
	d := decoder{in: data, left: max(size, 1)}
	t := &Tree{size: size, Launch: d.next()}
	t.Root = d.node(place{})
	t.number()
	return t
}

// Bytes returns bytes from which Decode makes the same tree.
func (t *Tree) Bytes() []byte {
	out := []byte{t.Launch}
	for _, n := range t.nodes {
		out = append(out, byteOf(n.Op), kindByte(n.Kind), n.N, n.How, byte(len(n.Children)))
	}
	for len(out) > 0 && out[len(out)-1] == 0 { // Decode takes them for zeros
		out = out[:len(out)-1]
	}
	return out
}

// decoder reads nodes.
type decoder struct {
	in   []byte
	left int // how many more nodes there may be
}

// place is what decode knows of a node from the nodes above it.
type place struct {
	parent *Node
	depth  int
	doomed bool // a node above is certain to cancel it: it may wait for ever
	hopes  bool // it is doomed only if another node succeeds
	joined bool // it is a child of a Join
	forced Op   // its operation, if not 0
}

func (d *decoder) next() byte {
	if len(d.in) == 0 {
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return b
}

func (d *decoder) node(p place) *Node {
	d.left--
	n := &Node{Op: weights[int(d.next())%len(weights)], parent: p.parent}
	kind := d.next()
	n.N, n.How = d.next(), d.next()
	count := int(d.next())
	if p.forced != 0 {
		n.Op = p.forced
	}
	if n.Op == Forever && !p.doomed {
		n.Op = Value
	}
	count = d.children(n, count, p.depth)
	if n.Op >= Seq && n.Op < Sender && count == 0 {
		n.Op = Value
	}
	n.Kind = kindFor(n, kind, p)
	for i := range count {
		n.Children = append(n.Children, d.node(n.placeOf(i, p)))
	}
	n.hopes = p.hopes
	n.choose()
	return n
}

// children returns how many children a node has whose bytes say count.
func (d *decoder) children(n *Node, count, depth int) int {
	most := max(d.left, 0)
	if depth >= maxDepth {
		most = 0
	}
	switch n.Op {
	case Seq, Spread, Join:
		return min(1+(count+maxChildren-1)%maxChildren, most)
	case Recover, Call, Handle, Other:
		return min(1, most)
	case Around:
		return 1
	case Talk:
		if most < 2 {
			return 0
		}
		return 2 + count&1
	case Meet:
		return min(1+(count+maxChildren-1)%maxChildren, most/2)
	default:
		return 0
	}
}

// placeOf returns the place of child i of n. n.Children has the children before it.
func (n *Node) placeOf(i int, p place) place {
	c := place{parent: n, depth: p.depth + 1, doomed: p.doomed, hopes: p.hopes}
	switch n.Op {
	case Call:
		switch n.call() {
		case callShort, callExpired, callCancelled, callCancelledSoon:
			c.doomed, c.hopes = true, false
		case callShield:
			c.doomed = false
		}
	case Spread, Join:
		c.joined = n.Op == Join
		if n.Op == Spread && n.cancels() || i > 0 && n.decides(n.Children[0]) {
			c.doomed, c.hopes = true, n.policy() == firstSuccess && !n.cancels()
		}
	case Handle:
		c.doomed, c.hopes = n.cancels(), false
	case Talk:
		c.forced = Sender
		if i > 0 {
			c.forced = Receiver
		}
	case Meet:
		c.forced = Around
	}
	return c
}

// decides reports whether the child is certain to decide the group of n, whatever the other
// children do.
func (n *Node) decides(child *Node) bool {
	switch n.policy() {
	case firstError:
		return child.plain.mustFail()
	case firstSuccess:
		return child.plain.mustReturn()
	case firstEnd:
		return child.plain.mustEnd()
	default:
		return false
	}
}
