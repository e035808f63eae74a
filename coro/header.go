package coro

// The header of a frame.
//
// A frame belongs to one goroutine at a time: to the one that runs its task or, while the task
// waits, to the holder of the lock of the queue where it waits. A frame in an executor's queue
// belongs to the queue. Each of these hands it to the next through a lock or an atomic word of
// its own. So no word of a header is atomic.
//
// A reference from a frame is an integer, a link. It keeps nothing alive. What a link refers to
// is kept alive by something else:
//
//	kinds         the list of all kinds; they are never freed
//	environments  the executor, sharedPins, keptRelays, or the caller of Run
//	scopes        liveHandles, the slots of childScopes, and what keeps the environment that they are part of
//	workers       the goroutines that run them
//	frames        the arena, or the allocator, that they come from
//
// # The layout word
//
// Flags and room share the word header.layout, so that Await and the step loop decide with one
// compare each.
//
// A child fits behind its parent's state if layout >= kind.need. need has the child's
// size, in units, in the upper half, and 0 in the lower half, so flags do not change the
// answer. A kind that is never elided has all bits of need set, which no layout has.
//
// The layout of an elided child is the parent's, without the flags that are not inherited,
// minus need, with flagElided. What is left of the room is behind the child.
//
// A return takes the fast path if the lower half is 0 or flagElided. All other values, except
// for flagSpawned alone (endSpawned), lead to finish. So a new flag makes a return slow, and
// never makes it wrong because the loop does not know the flag.

import (
	"unsafe"

	"github.com/framearena/framearena/internal/offheap"
)

// link refers from a frame to a frame, or to a kind, an environment or a worker on the Go heap.
// Something else keeps that alive. It is an integer; [offheap.Link] says why. Zero refers to
// nothing.
type link[T any] offheap.Link[T]

// get returns what l refers to, or nil. It is Get of offheap.Link written out, since a call in a
// call takes more of the inliner's budget in every function that follows a link.
func (l *link[T]) get() *T { return *(**T)(unsafe.Pointer(l)) }

// set makes l refer to p.
func (l *link[T]) set(p *T) { *l = link[T](unsafe.Pointer(p)) }

// envRef refers from a frame to the environment of its task or, if the task is in a scope, to that,
// which leads to the environment. The lowest bit tells the two apart.
type envRef uintptr

const inScope = 1

// get returns the environment.
func (e *envRef) get() *Environment {
	if *e&inScope != 0 {
		return e.scope().env.get()
	}
	return *(**Environment)(unsafe.Pointer(e))
}

// set makes e refer to env.
func (e *envRef) set(env *Environment) { *e = envRef(unsafe.Pointer(env)) }

// scope returns the scope, or nil if e refers to none: then the task does not end before its
// executor does.
func (e *envRef) scope() *scope {
	if *e&inScope == 0 {
		return nil
	}
	l := link[scope](*e - inScope)
	return l.get()
}

// mayEnd reports whether there can be a reason to end.
func (e *envRef) mayEnd() bool { return *e&inScope != 0 }

// end returns why the tree, or the scope that is a part of it, should end. It returns the zero value
// if there is no reason.
func (e *envRef) end() ending {
	if s := e.scope(); s != nil {
		return s.end()
	}
	return ending{}
}

// cause is end without the error that the context has.
func (e *envRef) cause() error { return e.end().cause }

// header is the beginning of every frame. It belongs to the owner of the frame.
type header struct {
	// These are set when the frame is made. A child copies env from its parent; openChildScope
	// gives it that of a scope.
	kind   link[kind]
	parent link[header] // the frame that awaits this one or has spawned it; 0 for a root
	env    envRef

	// worker is the worker that runs the task, while the task runs. Await and the step loop set
	// it. While the task is queued or waits, the word is the queue's link to the next task.
	worker link[Worker]

	// result is the address where Return stores the result: in the parent's state or held part
	// or, for a root, in a call. It is 0 if the result is dropped. For a generator it is where
	// values go, in the loop.
	result uintptr

	// The header's size is a multiple of 8, also where words have 4 bytes and Go aligns
	// fields of 8 bytes to 8. So the state follows at once.
	_ [unsafe.Sizeof(uintptr(0)) % 8]byte

	at uint32 // the resume point, and atFailed

	// layout is the frame's flags, in the lower half. The upper half is how much room for
	// elided children is left behind the frame's state, in units of elisionUnit.
	layout uint32
}

const headerSize = unsafe.Sizeof(header{})

// A header has at most 48 bytes, so that a task with 80 bytes of state has the smallest frame.
// Its size is a multiple of 8, so that the state begins at headerSize, as stateHolds assumes.
var (
	_ [48 - headerSize]struct{}
	_ [-(headerSize % 8)]struct{}
)

const (
	// atFailed is set in at if Err returns an error in the next step: that of a child, or of a
	// wait. The error is Worker.err of the worker that runs the step. resumeAt clears the bit.
	atFailed = 1 << 31
	atMask   = atFailed - 1
)

// Flags, in the lower half of layout. A return is fast for frames with no flag, which are freed
// to the worker's cache, with flagElided alone, which are not freed, and with flagSpawned alone
// (endSpawned). All others take finish.
const (
	flagRoot       = 1 << iota // no frame awaits this one
	flagCustom                 // the frame is from an allocator of the tree's own; inherited
	flagElided                 // the frame lies behind its parent's state
	flagRefused                // there was no memory: the frame lies on the Go heap; see refusedKind
	flagHeld                   // the task has a held part, in a slot; set when that is filled in
	flagSeq                    // of a generator, whose values a loop takes; see seq.go
	flagWoken                  // what the task waited for has happened, or it has given way; until takeOutcome
	flagChanClosed             // with flagWoken: the channel was closed
	flagScope                  // the environment is that of a scope, which ends with the frame
	flagSpawned                // the task runs beside its parent, in the parent's Group
	flagGroup                  // the Group in the state is in use; from the first Spawn to the last end of a child
	flagLingering              // the task has ended; the frame stays until all children have
	flagProxy                  // not a task: stands in a queue for a task in a Select; see select_proxy.go
	flagSignalled              // moved by a Signal from a Cond's queue to the Mutex's; until it leaves that
	flagCounted                // the kind counts the task; inherited
	flagStamped                // a survey has seen the task wait; until takeOutcome; see stamp.go

	// knownFlags is all flags that a frame may have while its task runs: not flagStamped.
	inheritedFlags = flagCustom | flagCounted
	knownFlags     = flagRoot | flagCustom | flagElided | flagRefused | flagHeld | flagSeq | flagWoken | flagChanClosed |
		flagScope | flagSpawned | flagGroup | flagLingering | flagProxy | flagSignalled | flagCounted
	flagMask = 1<<roomShift - 1

	// flagDetached is both set for the outermost frame of a child of a Children: no frame awaits it.
	flagDetached = flagRoot | flagSpawned
)

var _ [flagMask - flagStamped]struct{} // the flags have room in the lower half

const (
	// elisionUnit is the alignment of elided frames, in bytes.
	elisionUnit = 16

	roomShift = 16
	maxRoom   = 1<<(32-roomShift) - 1
)

// poisonWord is what a checked arena fills freed memory with. As flags it has those that are
// inherited, so that Await takes its slow path before it follows a link of the frame, and one
// that no frame has while its task runs, by which the slow path knows freed memory. The compiler
// checks both.
const poisonWord = 0xDBDBDBDB

var (
	_ [-(inheritedFlags &^ poisonWord)]struct{}
	_ [min(1, poisonWord&flagMask&^knownFlags) - 1]struct{}
)
