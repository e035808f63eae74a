//go:build framearena_explore

package interleave

import "unsafe"

// op is an operation that a thread is going to do, or has done.
type op struct {
	kind  opKind
	at    unsafe.Pointer // the word, lock or channel that it is done to
	site  *site
	ready func() bool // whether it can be done now; nil: always
}

type opKind uint8

const (
	opNone opKind = iota // no operation
	opLoad
	opStore
	opSwap
	opCAS
	opAdd
	opOr
	opShow  // a store in a buffer becomes visible
	opTouch // any other operation that does not commute with itself
	opLock
	opTryLock
	opUnlock
	opSend
	opTrySend
	opReceive
)

var opNames = [...]string{"", "load", "store", "swap", "compare-and-swap", "add", "or", "becomes visible", "", "lock", "try lock", "unlock", "send", "try to send", "receive"}

// drains reports whether o is a barrier: its thread can do it only when the thread's buffer is
// empty.
func (o op) drains() bool { return o.kind != opLoad && o.kind != opNone && o.kind != opShow }

// dependent reports whether the order of a and b, of different actors, may matter: they do not
// commute.
func dependent(a, b op) bool {
	return a.at != nil && a.at == b.at && (a.kind != opLoad || b.kind != opLoad)
}

// coenabled reports whether there may be a state in which both a and b can be done.
func coenabled(a, b op) bool {
	return !(a.kind == opUnlock && (b.kind == opLock || b.kind == opUnlock) || a.kind == opLock && b.kind == opUnlock)
}
