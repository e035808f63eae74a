//go:build framearena_explore

package interleave

import "unsafe"

// op is an operation that a thread is going to do, or has done.
type op struct {
	kind  opKind
	at    unsafe.Pointer // what it is done to
	site  *site
	ready func() bool // nil: it never has to wait
}

type opKind uint8

const (
	opNone opKind = iota // nothing
	opLoad
	opStore
	opSwap
	opCAS
	opAdd
	opOr
	opShow  // a store that was delayed becomes visible
	opTouch // anything else that does not commute with itself
	opLock
	opTryLock
	opUnlock
	opSend
	opTrySend
	opReceive
)

var opNames = [...]string{"", "load", "store", "swap", "compare-and-swap", "add", "or", "becomes visible", "", "lock", "try lock", "unlock", "send", "try to send", "receive"}

// drains reports whether a thread can do o only when its buffer is empty.
func (o op) drains() bool { return o.kind != opLoad && o.kind != opNone && o.kind != opShow }

// dependent reports whether the order of a and b, of different actors, may matter.
func dependent(a, b op) bool {
	return a.at != nil && a.at == b.at && (a.kind != opLoad || b.kind != opLoad)
}

// coenabled reports whether there may be a state where a and b can both be done.
func coenabled(a, b op) bool {
	return !(a.kind == opUnlock && (b.kind == opLock || b.kind == opUnlock) || a.kind == opLock && b.kind == opUnlock)
}
