package coro

// Step is what a step function returns: what is to happen next. It is made by [Await], [Yield],
// [Frame.Return], [Frame.Fail] or an operation that waits, such as [Mutex.Lock], and the step
// function returns it at once: it makes no other Step and spawns nothing in between. The zero Step
// is not valid. A Step belongs to the step that made it.
//
// A task panics if its step function makes a Step and does not return it: a return is missing. If
// that Step was made by [Frame.Return] or [YieldValue], this is found in builds with the tag
// framecheck only.
type Step struct {
	next *header // with opAwait the child, otherwise the frame whose step it is; see currentHasStep
	op   op
}

// op is an operation of the step loop.
type op uint8

const (
	opNone op = iota // the zero Step, a mistake
	opAwait
	opReturn
	opFail
	opYield
	opValue // of a generator
	opWait  // Worker.args says for what
	opTurn  // of a Relay; see takeTurn
)
