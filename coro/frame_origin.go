package coro

import (
	"runtime"
	"sync"
	"unsafe"
)

const (
	maxOriginDepth = 64
	maxLaunchStack = 32
)

// maxOrigins bounds how many origins there are: they are never freed. Tests make it
// smaller.
var maxOrigins = 1 << 14

// origin is how tasks came to be that are profiled: their kind, the origin of those
// that await them and, for roots, the stack of the launch. Equal ones are one. It is
// never changed, but for its children.
type origin struct {
	kind     *kind
	parent   *origin // nil for a root's
	launch   launchStack
	depth    int
	number   int      // counts up
	children sync.Map // *kind to *origin
}

// launchStack is the stack of a goroutine, as runtime.Callers gives it.
type launchStack struct {
	n   int
	pcs [maxLaunchStack]uintptr
}

// origins are all there are.
var origins originTable

type originTable struct {
	mu    sync.Mutex // guards what follows, and the adding of children
	roots map[rootOrigin]*origin
	count int
}

type rootOrigin struct {
	kind   *kind
	launch launchStack
}

// otherStacks is the parent of the origins of tasks that come when there are too many,
// one for each kind. No task is of its own kind.
var otherStacks = &origin{kind: &kind{name: "other stacks"}, depth: 1}

// root returns the origin of a root of kind k that is being launched on the calling
// goroutine.
func (t *originTable) root(k *kind) *origin {
	key := rootOrigin{kind: k}
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
		t.roots = make(map[rootOrigin]*origin)
	}
	o := t.add(&origin{kind: k, launch: key.launch, depth: 1})
	t.roots[key] = o
	return o
}

// child returns the origin of a task of kind k that one with the origin parent awaits. If
// that is nil, it is not known.
func (t *originTable) child(parent *origin, k *kind) *origin {
	if parent == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.other(k)
	}
	if parent.depth == maxOriginDepth {
		parent = parent.parent
	}
	if o, ok := parent.children.Load(k); ok {
		return o.(*origin)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if o, ok := parent.children.Load(k); ok {
		return o.(*origin)
	}
	if t.count >= maxOrigins {
		return t.other(k)
	}
	o := t.add(&origin{kind: k, parent: parent, depth: parent.depth + 1})
	parent.children.Store(k, o)
	return o
}

// add counts a new origin. The caller holds mu.
func (t *originTable) add(o *origin) *origin {
	t.count++
	o.number = t.count
	return o
}

// other returns the origin of tasks of kind k that get none of their own. The caller
// holds mu. What such tasks await has no place in the table either.
func (t *originTable) other(k *kind) *origin {
	if o, ok := otherStacks.children.Load(k); ok {
		return o.(*origin)
	}
	o := t.add(&origin{kind: k, parent: otherStacks, depth: maxOriginDepth})
	otherStacks.children.Store(k, o)
	return o
}

const liveShardBits = 6

// address is a frame's name while it is live.
func address(h *header) uintptr { return uintptr(unsafe.Pointer(h)) }

// liveTable has the origin of each live frame that is profiled. Any goroutine uses it.
var liveFrames liveTable

type liveTable struct{ shards [1 << liveShardBits]liveShard }

// liveShard has the frames of some addresses.
type liveShard struct {
	mu     sync.Mutex              // guards the rest
	live   map[uintptr]*frameCount // by the frames' addresses
	counts map[*origin]*frameCount

	_ [128 - 3*8]byte // shards are used by different threads
}

// frameCount is how many frames of a shard have an origin. The shard's mu guards it.
type frameCount struct {
	origin        *origin
	frames, bytes int64
}

// shardOf returns the shard for the frame h. Frames lie at multiples of 16.
func (l *liveTable) shardOf(h *header) *liveShard {
	const golden = 0x9E3779B97F4A7C15
	return &l.shards[uint64(address(h)>>4)*golden>>(64-liveShardBits)]
}

// originOf returns the origin of h, which is live, or nil if it is not in the table: it
// began before its executor was told to profile.
func (l *liveTable) originOf(h *header) *origin {
	s := l.shardOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.live[address(h)]; c != nil {
		return c.origin
	}
	return nil
}

func (l *liveTable) add(h *header, o *origin, bytes int64) {
	s := l.shardOf(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts[o]
	if c == nil {
		if s.counts == nil {
			s.counts, s.live = make(map[*origin]*frameCount), make(map[uintptr]*frameCount)
		}
		c = &frameCount{origin: o}
		s.counts[o] = c
	}
	s.live[address(h)] = c
	c.frames++
	c.bytes += bytes
}

// remove is add's opposite, for a frame that may not be in the table.
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
