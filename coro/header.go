package coro

import (
	"unsafe"

	"github.com/framearena/framearena/internal/offheap"
)

// link is a reference from a frame to something that is kept alive elsewhere: to another
// frame, or to a kind, an environment or a worker on the Go heap. It is an integer;
// [offheap.Link] says why. Zero refers to nothing.
type link[T any] offheap.Link[T]

// get returns what l refers to, or nil. It is Get of offheap.Link written out, since a call in a
// call takes more of the inliner's budget in every function that follows a link.
func (l *link[T]) get() *T { return *(**T)(unsafe.Pointer(l)) }

// set makes l refer to p.
func (l *link[T]) set(p *T) { *l = link[T](unsafe.Pointer(p)) }

// header is what every frame begins with. It belongs to the goroutine that runs
// the task; between two of them it is handed over by the executor's queue.
type header struct {
	kind   link[kind]        // written when the frame is made
	parent link[header]      // the frame that awaits this one; none for a root
	env    link[Environment] // copied from the parent

	// worker is who runs the task, while it runs. While it is queued or waits, the
	// word is the queue's link to the next task.
	worker link[Worker]

	// result is where Return puts the result: inside the parent's state or held
	// part or, for a root, in a call. 0 if nobody wants it.
	result uintptr

	// With a size that is a multiple of 8, the state follows the header at once,
	// even if it has fields that are aligned to 8 bytes where words have 4.
	_ [unsafe.Sizeof(uintptr(0)) % 8]byte

	at uint32 // the resume point, and atFailed

	// layout is the frame's flags and, in the upper half, how much room for
	// elided children is left behind it, in units of elisionUnit.
	layout uint32
}

const headerSize = unsafe.Sizeof(header{})

// A header is at most 48 bytes: a task with 80 bytes of state needs the smallest
// frame. Its size is a multiple of 8: holds relies on it.
var (
	_ [48 - headerSize]struct{}
	_ [-(headerSize % 8)]struct{}
)

const (
	// atFailed is set in at when what the task awaited failed. The error is the
	// worker's err: the step that may ask for it is the next one this worker runs.
	atFailed = 1 << 31
	atMask   = atFailed - 1
)

// Flags, in the lower half of layout. A frame with none is freed to the worker's
// cache, an elided one not at all, and its parent goes on; anything else takes the
// slow path of finish.
const (
	flagRoot       = 1 << iota // no frame awaits this one
	flagCustom                 // the environment has an allocator of its own; inherited
	flagElided                 // lies behind its parent's state
	flagRefused                // not from an allocator; see refusedKind
	flagHeld                   // has a held part, in a slot
	flagSeq                    // of a generator that a loop drives; see seq.go
	flagWoken                  // what the task waited for has happened, or it has given way; until it runs
	flagChanClosed             // with flagWoken: the channel was closed
	flagScope                  // its environment is a scope's, which ends with it
	flagSpawned                // runs beside its parent, in the parent's Group
	flagGroup                  // the Group in its state is in use
	flagLingering              // has ended, and stays until its children have
	flagProxy                  // stands in a queue for a task in a Select; see select_proxy.go
	flagSignalled              // a Signal took it out of a Cond's queue; until it leaves the Mutex's
	flagCounted                // its kind counts it; inherited

	inheritedFlags = flagCustom | flagCounted
	knownFlags     = flagRoot | flagCustom | flagElided | flagRefused | flagHeld | flagSeq | flagWoken | flagChanClosed |
		flagScope | flagSpawned | flagGroup | flagLingering | flagProxy | flagSignalled | flagCounted
	flagMask = 1<<roomShift - 1
)

const (
	// elisionUnit is what elided frames are aligned to, in bytes.
	elisionUnit = 16

	roomShift = 16
	maxRoom   = 1<<(32-roomShift) - 1
)

// poisonWord is what each word of a frame that was freed holds in checked mode. As
// flags it has some that no frame has, and takes the slow path of an Await, which
// looks for them.
const poisonWord = 0xDBDBDBDB

var (
	_ [-(inheritedFlags &^ poisonWord)]struct{}
	_ [min(1, poisonWord&flagMask&^knownFlags) - 1]struct{}
)
