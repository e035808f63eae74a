package tasktree

import (
	"slices"

	"github.com/framearena/framearena/coro"
)

// leaf is the state of a task that has no children. Every state begins with it.
type leaf struct {
	run    uint32 // the run's number: see find
	node   uint32
	i      int32 // how far the operation has got
	chosen int   // the case that a Select has chosen
	got    int64 // the result of what the task awaited
}

// branch is the state of a task that may have children.
type branch struct {
	leaf
	children coro.Group
	sum      int64
	results  [maxChildren]int64 // of spawned children
	locked   bool
	inside   bool
}

// padded is a state of some size. The pad holds a pattern that belongs to the node, so a task
// notices when another task was given the same frame.
type padded[P any] struct {
	branch
	pad P
}

// held is a held part.
type held struct {
	text string
	any  any // the node
}

// Kinds of tasks, by number.
const (
	kindTiny  = iota // for leaves only; is elided in most others
	kindSmall        // the rest have room for children
	kindTidy         // has a cleanup step
	kindMiddle
	kindApart // is never elided, and has a cleanup step
	kindLarge
	kindMapped // larger than the largest class
	kindHeld   // has a cleanup step
	kindHeldLarge

	kindCount
)

var kindNames = [kindCount]string{"tiny", "small", "tidy", "middle", "apart", "large", "mapped", "held", "large held"}

var kinds struct {
	tiny      *coro.Kind[leaf, int64]
	small     *coro.Kind[padded[[0]byte], int64]
	tidy      *coro.Kind[padded[[80]byte], int64]
	middle    *coro.Kind[padded[[700]byte], int64]
	apart     *coro.Kind[padded[[1500]byte], int64]
	large     *coro.Kind[padded[[20_000]byte], int64]
	mapped    *coro.Kind[padded[[70_000]byte], int64]
	held      *coro.HeldKind[padded[[8]byte], held, int64]
	heldLarge *coro.HeldKind[padded[[3000]byte], held, int64]
	generator *coro.SeqKind[generator, int64]
	square    *coro.Kind[int64, int64]
}

// The steps refer to the kinds, so the kinds cannot be initialised in their declaration.
func init() {
	kinds.tiny = coro.Define("tree: tiny", func(f *coro.Frame[leaf, int64]) coro.Step {
		return stepLeaf(f, &f.State, nil, nil)
	})
	kinds.small = coro.Define("tree: small", stepOf(func(p *[0]byte) []byte { return p[:] }))
	kinds.tidy = coro.Define("tree: tidy", stepOf(func(p *[80]byte) []byte { return p[:] }), coro.HasCleanup())
	kinds.middle = coro.Define("tree: middle", stepOf(func(p *[700]byte) []byte { return p[:] }))
	kinds.apart = coro.Define("tree: apart", stepOf(func(p *[1500]byte) []byte { return p[:] }), coro.HasCleanup(), coro.NeverElided())
	kinds.large = coro.Define("tree: large", stepOf(func(p *[20_000]byte) []byte { return p[:] }))
	kinds.mapped = coro.Define("tree: mapped", stepOf(func(p *[70_000]byte) []byte { return p[:] }))
	kinds.held = coro.DefineHeld("tree: held", heldStepOf(func(p *[8]byte) []byte { return p[:] }), coro.HasCleanup())
	kinds.heldLarge = coro.DefineHeld("tree: held, large", heldStepOf(func(p *[3000]byte) []byte { return p[:] }))
	kinds.generator = coro.DefineSeq("tree: generator", generate)
	kinds.square = coro.Define("tree: square", func(f *coro.Frame[int64, int64]) coro.Step {
		return f.Return(f.State * f.State)
	})
}

func stepOf[P any](bytes func(*P) []byte) func(*coro.Frame[padded[P], int64]) coro.Step {
	return func(f *coro.Frame[padded[P], int64]) coro.Step {
		return step(f, &f.State.branch, bytes(&f.State.pad), nil)
	}
}

func heldStepOf[P any](bytes func(*P) []byte) func(*coro.Frame[padded[P], int64], *held) coro.Step {
	return func(f *coro.Frame[padded[P], int64], h *held) coro.Step {
		return step(f, &f.State.branch, bytes(&f.State.pad), h)
	}
}

// hasCleanup reports whether tasks of a kind have a cleanup step.
func hasCleanup(kind uint8) bool { return kind == kindTidy || kind == kindApart || kind == kindHeld }

// kindWeights decide how often a kind occurs, as weights do for operations.
var kindWeights = [...]uint8{
	kindTiny, kindSmall, kindTidy, kindMiddle, kindApart, kindHeld, kindHeldLarge, kindLarge, kindMapped,
	kindTiny, kindTiny, kindSmall, kindSmall, kindTidy, kindTidy, kindHeld,
}

// kindByte returns a byte that names a kind.
func kindByte(kind uint8) byte { return byte(slices.Index(kindWeights[:], kind)) }

// kindFor returns the kind of a node whose byte for it is b.
func kindFor(n *Node, b byte, p place) uint8 {
	kind := kindWeights[int(b)%len(kindWeights)]
	switch {
	case p.joined: // All, Any and Race take children of one kind
		return kindSmall
	case n.Op == Around && !hasCleanup(kind):
		return [...]uint8{kindTidy, kindApart, kindHeld}[kind%3]
	case kind == kindTiny && !n.Op.fitsTiny():
		return kindSmall
	}
	return kind
}

// fitsTiny reports whether the state of a leaf is enough for a task that does o.
func (o Op) fitsTiny() bool { return o < Seq }

// callOf returns a call of the task of a node.
func (r *run) callOf(n *Node) coro.Call[int64] {
	b := branch{leaf: r.leafOf(n)}
	switch n.Kind {
	case kindTiny:
		return kinds.tiny.With(b.leaf)
	case kindTidy:
		return kinds.tidy.With(padded[[80]byte]{branch: b})
	case kindMiddle:
		return kinds.middle.With(padded[[700]byte]{branch: b})
	case kindApart:
		return kinds.apart.With(padded[[1500]byte]{branch: b})
	case kindLarge:
		return kinds.large.With(padded[[20_000]byte]{branch: b})
	case kindMapped:
		return kinds.mapped.With(padded[[70_000]byte]{branch: b})
	case kindHeld:
		return kinds.held.With(padded[[8]byte]{branch: b}, heldOf(n))
	case kindHeldLarge:
		return kinds.heldLarge.With(padded[[3000]byte]{branch: b}, heldOf(n))
	default:
		return kinds.small.With(padded[[0]byte]{branch: b})
	}
}

// await awaits the task of n, in the way that n.way says.
func await[S any](f *coro.Frame[S, int64], r *run, n *Node, result *int64) coro.Step {
	switch n.way() {
	case 2:
		if n.fits(r.tree.rootSize()) {
			return awaitElided(f, r, n, result)
		}
	case 3:
		return coro.AwaitCall(f, atChild, r.callOf(n), result)
	}
	b := branch{leaf: r.leafOf(n)}
	switch n.Kind {
	case kindTiny:
		return coro.Await(f, atChild, kinds.tiny, b.leaf, result)
	case kindTidy:
		return coro.Await(f, atChild, kinds.tidy, padded[[80]byte]{branch: b}, result)
	case kindMiddle:
		return coro.Await(f, atChild, kinds.middle, padded[[700]byte]{branch: b}, result)
	case kindApart:
		return coro.Await(f, atChild, kinds.apart, padded[[1500]byte]{branch: b}, result)
	case kindLarge:
		return coro.Await(f, atChild, kinds.large, padded[[20_000]byte]{branch: b}, result)
	case kindMapped:
		return coro.Await(f, atChild, kinds.mapped, padded[[70_000]byte]{branch: b}, result)
	case kindHeld:
		return coro.AwaitHeld(f, atChild, kinds.held, padded[[8]byte]{branch: b}, heldOf(n), result)
	case kindHeldLarge:
		return coro.AwaitHeld(f, atChild, kinds.heldLarge, padded[[3000]byte]{branch: b}, heldOf(n), result)
	default:
		return coro.Await(f, atChild, kinds.small, padded[[0]byte]{branch: b}, result)
	}
}

// awaitElided awaits the task of n, whose frame must be elided into that of f.
func awaitElided[S any](f *coro.Frame[S, int64], r *run, n *Node, result *int64) coro.Step {
	b := branch{leaf: r.leafOf(n)}
	switch n.Kind {
	case kindTiny:
		return coro.AwaitElided(f, atChild, kinds.tiny, b.leaf, result)
	case kindTidy:
		return coro.AwaitElided(f, atChild, kinds.tidy, padded[[80]byte]{branch: b}, result)
	case kindMiddle:
		return coro.AwaitElided(f, atChild, kinds.middle, padded[[700]byte]{branch: b}, result)
	case kindLarge:
		return coro.AwaitElided(f, atChild, kinds.large, padded[[20_000]byte]{branch: b}, result)
	default:
		return coro.AwaitElided(f, atChild, kinds.small, padded[[0]byte]{branch: b}, result)
	}
}

// mayBeElided reports whether awaitElided can await tasks of the kind.
func mayBeElided(kind uint8) bool {
	return kind != kindApart && kind != kindMapped && kind != kindHeld && kind != kindHeldLarge
}

// frameSize returns the room in bytes that an elided frame of the kind takes.
func frameSize(kind uint8) uintptr {
	switch kind {
	case kindTiny:
		return coro.ChainSize(kinds.tiny)
	case kindTidy:
		return coro.ChainSize(kinds.tidy)
	case kindMiddle:
		return coro.ChainSize(kinds.middle)
	case kindApart:
		return coro.ChainSize(kinds.apart)
	case kindLarge:
		return coro.ChainSize(kinds.large)
	case kindMapped:
		return coro.ChainSize(kinds.mapped)
	case kindHeld:
		return coro.ChainSize(kinds.held)
	case kindHeldLarge:
		return coro.ChainSize(kinds.heldLarge)
	default:
		return coro.ChainSize(kinds.small)
	}
}

// fits reports whether the frame of n is certain to be elided: n and the nodes above it are
// awaited, and their frames together fit a root frame of root bytes.
func (n *Node) fits(root uintptr) bool {
	room := root
	for ; ; n = n.parent {
		size := frameSize(n.Kind)
		if room < size {
			return false
		}
		room -= size
		if n.parent == nil {
			return true
		}
		if !mayBeElided(n.Kind) || n.way() == 3 || n.parent.Op != Seq && n.parent.Op != Recover && n.parent.Op != Around {
			return false
		}
	}
}

// spawn spawns the task of n, in the way that n.way says.
func spawn[S any](f *coro.Frame[S, int64], g *coro.Group, r *run, n *Node, result *int64) {
	switch n.way() {
	case 2:
		coro.SpawnCall(f, g, r.callOf(n), result)
		return
	case 3:
		coro.SpawnCall(f, g, r.callOf(n), result, coro.Timeout(long))
		return
	}
	b := branch{leaf: r.leafOf(n)}
	switch n.Kind {
	case kindTiny:
		coro.Spawn(f, g, kinds.tiny, b.leaf, result)
	case kindTidy:
		coro.Spawn(f, g, kinds.tidy, padded[[80]byte]{branch: b}, result)
	case kindMiddle:
		coro.Spawn(f, g, kinds.middle, padded[[700]byte]{branch: b}, result)
	case kindApart:
		coro.Spawn(f, g, kinds.apart, padded[[1500]byte]{branch: b}, result)
	case kindLarge:
		coro.Spawn(f, g, kinds.large, padded[[20_000]byte]{branch: b}, result)
	case kindMapped:
		coro.Spawn(f, g, kinds.mapped, padded[[70_000]byte]{branch: b}, result)
	case kindHeld, kindHeldLarge:
		coro.SpawnCall(f, g, r.callOf(n), result)
	default:
		coro.Spawn(f, g, kinds.small, padded[[0]byte]{branch: b}, result)
	}
}
