package tasktree

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Op is the operation of a node.
type Op uint8

const (
	// Leaves. N is the value, or the number of the failure.
	Value     Op = iota
	Fail         // with Failure(N)
	Panic        // with the value Failure(N)
	Goexit       // runtime.Goexit
	Yield        // one to three times, and then the value
	Sleep        // for a moment, and then the value
	Forever      // waits, in one of several ways, until it is cancelled
	Blocking     // calls a function on another goroutine
	GoChan       // receives from a Go channel
	Select       // of several cases
	Suspend      // until its Waker wakes it
	Generate1    // a loop over a generator, in one step

	// Nodes with children.
	Seq     // awaits one after the other, up to the first error
	Recover // awaits one, and makes a value of its outcome
	Call    // awaits one with options: timeout, shield, context, allocator
	Spread  // spawns all into a Group
	Join    // All, Any or Race
	Talk    // spawns two or three tasks that share a Chan
	Meet    // spawns all, which share a Mutex, a Semaphore, an Event or a WaitGroup
	Handle  // starts one as a tree of its own, and awaits the handle
	Other   // awaits one on another executor

	// Children that only Talk and Meet have.
	Sender
	Receiver
	Around

	ops
)

var opNames = [ops]string{
	"value", "fail", "panic", "goexit", "yield", "sleep", "forever", "blocking", "gochan", "select", "suspend", "generate",
	"seq", "recover", "call", "spread", "join", "talk", "meet", "handle", "other", "sender", "receiver", "around",
}

// String returns the operation's name.
func (o Op) String() string { return opNames[o] }

// Node is one task of a tree.
type Node struct {
	Op   Op
	Kind uint8 // of the task, one of the constants that begin with kind
	N    uint8 // the argument of the operation
	How  uint8 // how it is awaited or spawned, and other choices

	Children []*Node

	index  int   // in the tree, in the order in which Bytes writes the nodes
	slot   int   // among the parent's children
	parent *Node // nil for the root

	// Set when the children are complete:
	plain Outcomes // the right ones if no node above cancels it
	vague bool     // several outcomes are right even then: the task returns collapsed instead
	hopes bool     // if it waits for ever, it is cancelled only because another node succeeds
}

// The bits of How.
const (
	heeds     = 1 << 0 // the task fails at once if it is cancelled when it begins
	howShift  = 1      // two bits: see await and spawn
	howMask   = 3
	variantAt = 3 // five bits for the operation
)

func (n *Node) way() int     { return int(n.How>>howShift) & howMask }
func (n *Node) variant() int { return int(n.How >> variantAt) }

// Tree is a tree of tasks, and how it is launched. Run does not change it, so several
// goroutines may run a tree at the same time.
type Tree struct {
	Root   *Node
	Launch uint8 // bits for launchWay, counted and rootSize

	size  int // the argument of Decode
	nodes []*Node
}

// Len returns the number of nodes.
func (t *Tree) Len() int { return len(t.nodes) }

// number sets index, parent and slot of all nodes.
func (t *Tree) number() {
	t.nodes = t.nodes[:0]
	var walk func(n, parent *Node, slot int)
	walk = func(n, parent *Node, slot int) {
		n.index, n.parent, n.slot = len(t.nodes), parent, slot
		t.nodes = append(t.nodes, n)
		for i, c := range n.Children {
			walk(c, n, i)
		}
	}
	walk(t.Root, nil, 0)
}

// has reports whether a node of the tree does op.
func (t *Tree) has(op Op) bool {
	for _, n := range t.nodes {
		if n.Op == op {
			return true
		}
	}
	return false
}

// String returns a line for each node, and the bytes from which Decode makes the tree.
func (t *Tree) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "launched by %s", t.launch())
	if t.rootSize() > 0 {
		fmt.Fprintf(&b, ", in a frame of %d bytes", t.rootSize())
	}
	b.WriteByte('\n')
	var walk func(n *Node, indent string)
	walk = func(n *Node, indent string) {
		fmt.Fprintf(&b, "%s%s\n", indent, n)
		for _, c := range n.Children {
			walk(c, indent+"  ")
		}
	}
	walk(t.Root, "  ")
	fmt.Fprintf(&b, "bytes, for Decode with size %d: %s\n", t.size, hex.EncodeToString(t.Bytes()))
	return b.String()
}

// String describes the node without its children.
func (n *Node) String() string {
	s := fmt.Sprintf("%d: %s %d", n.index, n.Op, n.N)
	if detail := n.detail(); detail != "" {
		s += " (" + detail + ")"
	}
	s += ", kind " + kindNames[n.Kind]
	if n.How&heeds != 0 {
		s += ", heeds"
	}
	if way := n.way(); way != 0 {
		s += fmt.Sprintf(", way %d", way)
	}
	return s
}

func (n *Node) detail() string {
	switch n.Op {
	case Forever:
		return foreverNames[n.forever()]
	case Call:
		s := callNames[n.call()]
		if n.ownAllocator() {
			s += ", own allocator"
		}
		return s
	case Spread:
		s := fmt.Sprintf("%s, limit %d", policyNames[n.policy()], n.limit())
		if n.waitsForRoom() {
			s += ", waits for room"
		}
		if n.cancels() {
			s += ", cancels"
		}
		if n.leaves() {
			s += ", returns before"
		}
		return s
	case Join:
		return fmt.Sprintf("%s, limit %d", joinNames[n.join()], n.limit())
	case Talk:
		return fmt.Sprintf("%d values, capacity %d", n.values(), n.capacity())
	case Meet:
		return meetNames[n.meeting()]
	case Handle:
		if n.cancels() {
			return "cancels"
		}
	case Around:
		if n.panics() {
			return "panics"
		}
	}
	return ""
}

// What N and How mean to an operation.

func (n *Node) forever() int { return int(n.N) % len(foreverNames) }

var foreverNames = [...]string{"event", "sleep", "chan", "suspend", "latch", "select", "go channel"}

// Options of a Call.
const (
	callLong = iota
	callShort
	callExpired
	callShield
	callContext
	callCancelled
	callCancelledSoon
	callPlain
)

var callNames = [...]string{"long timeout", "short timeout", "no time", "shield", "context", "cancelled", "cancelled soon", "no option"}

func (n *Node) call() int { return int(n.N) % len(callNames) }

func (n *Node) ownAllocator() bool { return n.variant()&1 != 0 }

// Policies of a Spread, in the order of coro.GroupPolicy.
const (
	waitForAll = iota
	firstError
	firstSuccess
	firstEnd
)

var policyNames = [...]string{"wait for all", "first error", "first success", "first end"}

// policy returns the policy of the group of a node that spawns its children.
func (n *Node) policy() int {
	switch n.Op {
	case Spread:
		return int(n.N) % len(policyNames)
	case Join:
		return firstError + n.join()
	default:
		return firstError
	}
}

var joinNames = [...]string{"All", "Any", "Race"}

func (n *Node) join() int { return int(n.N) % len(joinNames) }

func (n *Node) limit() int { return int(n.N>>2) % 3 }

// waitsForRoom reports whether a Spread waits for room before it spawns the next child. A
// Spread that cancels its group does not: its children may wait until it has, and there would
// never be room.
func (n *Node) waitsForRoom() bool { return n.variant()&1 != 0 && n.limit() > 0 && !n.cancels() }

// cancels reports whether a Spread cancels its group, or a Handle node its handle.
func (n *Node) cancels() bool {
	return n.variant()&6 == 2 && (n.Op == Handle || n.Op == Spread && n.policy() != waitForAll)
}

// leaves reports whether a Spread returns before its children have ended.
func (n *Node) leaves() bool {
	return n.variant()&6 == 4 && n.Op == Spread && n.policy() == waitForAll
}

func (n *Node) values() int   { return 1 + int(n.N)%5 }
func (n *Node) capacity() int { return n.variant() % 3 }

// What the children of a Meet have in common.
const (
	atMutex = iota
	atSemaphore
	atEvent
	atWaitGroup
)

var meetNames = [...]string{"mutex", "semaphore", "event", "latch"}

func (n *Node) meeting() int { return int(n.N) % len(meetNames) }

// panics reports whether an Around panics when its child has ended.
func (n *Node) panics() bool { return n.variant()%16 == 5 }

// permits returns how many of two permits an Around acquires.
func (n *Node) permits() int64 { return 1 + int64(n.N)%2 }

// collapsed returns the value that a node returns in place of one of several right outcomes.
func (n *Node) collapsed() int64 { return 5000 + int64(n.N) }

// How trees are launched.
const (
	launchAsync = iota
	launchRun
	launchStart
)

var launchNames = [...]string{"RunAsync", "Run", "Start"}

func (t *Tree) launchWay() int {
	if t.has(Goexit) { // on an Inline, the goroutine that launches the tree exits too
		return launchAsync
	}
	return int(t.Launch) % len(launchNames)
}

func (t *Tree) launch() string { return launchNames[t.launchWay()] }

// counted reports whether the tasks of the tree are counted by kind.
func (t *Tree) counted() bool { return t.Launch>>2&3 == 3 && t.launchWay() != launchRun }

// rootSize returns the size of the root's frame in bytes, or 0 for the size that it needs.
func (t *Tree) rootSize() uintptr {
	if t.launchWay() == launchRun {
		return 0
	}
	return [...]uintptr{0, 0, 2 << 10, 32 << 10}[t.Launch>>4&3]
}
