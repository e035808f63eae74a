package coro

// Where profiled frames come from: two tables, and why two short locks are enough.
//
// origins has the origins: each is a path of kinds from a task to its root, and the stack of
// the launch. An origin is made once and never changed or freed, except that children are added
// to it. So a pointer to one may be kept and read without a lock. Finding the child of an origin
// is a load from a sync.Map. originTable.mu is held to find the origin of a root, and to make an
// origin: child looks again with mu held before it makes one, so there is one for each parent and
// kind. Origins are never freed, so their number has a bound: maxOrigins, and one more for each
// kind.
//
// liveFrames has the origin of each live profiled frame, by the frame's address. The addresses
// are spread over shards, each with a lock of its own. An address identifies one frame at a
// time: countStart adds the frame after it was allocated, and countEnd or uncount removes it
// before it is freed. The allocator, which hands the memory from one goroutine to the next,
// orders the removal before the next addition. Nothing else removes a frame, so the entry of a
// parent stays while its child is added: a child starts while its parent is live. Therefore
// profileStart may find the parent's origin, release that shard's lock, and take another one.
//
// No other lock of this package is taken while originTable.mu or a liveShard.mu is held. In each
// shard, with its mu held,
//
//	frames of an origin's frameCount = addresses in live that refer to it
//
// A reader takes the shards one after the other, so what it sees is of no single moment.

import (
	"runtime"
	"sync"
	"unsafe"
)

const (
	maxOriginDepth = 64 // tasks
	maxLaunchStack = 32 // functions
)

// maxOrigins is how many origins there may be, apart from those of otherStacks. Tests make it
// smaller, with origins.mu held.
var maxOrigins = 1 << 14

// frameOrigin is what profiled frames with the same history have in common: their kind, the
// origin of their parents and, for roots, the stack of the launch. Any goroutine reads it. It is
// never changed, except for its children.
type frameOrigin struct {
	kind     *kind
	parent   *frameOrigin // nil for a root's
	launch   launchStack
	depth    int      // tasks from the root, which has 1
	number   int      // the order in which origins were made; from 1
	children sync.Map // *kind to *frameOrigin; stored with originTable.mu held
}

// launchStack is the stack of a goroutine, as runtime.Callers returns it.
type launchStack struct {
	n   int
	pcs [maxLaunchStack]uintptr
}

// origins has all origins. Any goroutine uses it.
var origins originTable

type originTable struct {
	mu    sync.Mutex // guards what follows, and is held to add children to origins
	roots map[launchKey]*frameOrigin
	count int
}

// launchKey identifies the origin of a root.
type launchKey struct {
	kind   *kind
	launch launchStack
}

// otherStacks is the parent of the origins of tasks for which there was no place in the table:
// one origin for each kind. No task is of its own kind.
var otherStacks = &frameOrigin{kind: &kind{name: "other stacks"}, depth: 1}

// root returns the origin of a root of kind k that is being launched on the calling goroutine.
func (t *originTable) root(k *kind) *frameOrigin {
	key := launchKey{kind: k}
	key.launch.n = runtime.Callers(2, key.launch.pcs[:])
	t.mu.Lock()
	defer t.mu.Unlock()
	if o := t.roots[key]; o != nil {
		return o
	}
	if t.count >= maxOrigins {
		return t.other(k)
	}
	if t.roots == nil {
		t.roots = make(map[launchKey]*frameOrigin)
	}
	o := t.add(&frameOrigin{kind: k, launch: key.launch, depth: 1})
	t.roots[key] = o
	return o
}

// child returns the origin of a task of kind k whose parent has the origin parent; nil means that
// the parent's origin is not known. In a chain of more than maxOriginDepth tasks, the task
// gets the origin that it would have as a child of the outermost maxOriginDepth-1.
func (t *originTable) child(parent *frameOrigin, k *kind) *frameOrigin {
	if parent == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.other(k)
	}
	if parent.depth == maxOriginDepth {
		parent = parent.parent
	}
	if o, ok := parent.children.Load(k); ok {
		return o.(*frameOrigin)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := parent.children.Load(k); ok {
		return o.(*frameOrigin)
	}
	if t.count >= maxOrigins {
		return t.other(k)
	}
	o := t.add(&frameOrigin{kind: k, parent: parent, depth: parent.depth + 1})
	parent.children.Store(k, o)
	return o
}

// add counts a new origin. The caller holds mu.
func (t *originTable) add(o *frameOrigin) *frameOrigin {
	t.count++
	o.number = t.count
	return o
}

// other returns the origin of tasks of kind k for which there is no place in the table. The caller
// holds mu. Its depth is the greatest, so the origins of the children of such a task are
// children of otherStacks too.
func (t *originTable) other(k *kind) *frameOrigin {
	if o, ok := otherStacks.children.Load(k); ok {
		return o.(*frameOrigin)
	}
	o := t.add(&frameOrigin{kind: k, parent: otherStacks, depth: maxOriginDepth})
	otherStacks.children.Store(k, o)
	return o
}

// liveShardBits is the binary logarithm of the number of shards.
const liveShardBits = 6

// address returns what identifies the frame h while it is live. The tables hold no pointers to
// frames.
func address(h *header) uintptr { return uintptr(unsafe.Pointer(h)) }

// liveFrames has the origin of each live frame that is profiled. Any goroutine uses it.
var liveFrames liveTable

type liveTable struct{ shards [1 << liveShardBits]liveShard }

// liveShard has the frames at the addresses that shardOf maps to it.
type liveShard struct {
	mu     sync.Mutex                   // guards the rest
	live   map[uintptr]*frameCount      // by the frames' addresses
	counts map[*frameOrigin]*frameCount // an origin stays when it has no frames left

	_ [128 - 3*8]byte // other threads use the next shard
}

// frameCount counts the live frames of a shard that have the same origin, and the bytes that were
// asked for them. The shard's mu guards it.
type frameCount struct {
	origin        *frameOrigin
	frames, bytes int64
}

// shardOf returns the shard for the frame h. Frames lie at multiples of 16 bytes, so the lowest 4
// bits of the address say nothing.
func (l *liveTable) shardOf(h *header) *liveShard {
	const golden = 0x9E3779B97F4A7C15
	return &l.shards[uint64(address(h)>>4)*golden>>(64-liveShardBits)]
}

// originOf returns the origin of h, which is live. It returns nil if h is not in the table: then h
// began before SetProfiled was called for its executor.
func (l *liveTable) originOf(h *header) *frameOrigin {
	s := l.shardOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.live[address(h)]; c != nil {
		return c.origin
	}
	return nil
}

// add enters the frame h with the origin o. bytes is what was asked for the frame alone.
func (l *liveTable) add(h *header, o *frameOrigin, bytes int64) {
	s := l.shardOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[o]
	if c == nil {
		if s.counts == nil {
			s.counts, s.live = make(map[*frameOrigin]*frameCount), make(map[uintptr]*frameCount)
		}
		c = &frameCount{origin: o}
		s.counts[o] = c
	}
	s.live[address(h)] = c
	c.frames++
	c.bytes += bytes
}

// remove removes the frame h, which is about to be freed, if it is in the table. bytes is what
// add was given.
func (l *liveTable) remove(h *header, bytes int64) {
	s := l.shardOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.live[address(h)]
	if c == nil {
		return
	}
	delete(s.live, address(h))
	c.frames--
	c.bytes -= bytes
}
