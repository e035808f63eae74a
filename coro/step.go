package coro

// Step is what a step function returns: what is to happen next. It comes from
// [Await], [Yield], [Frame.Return], [Frame.Fail] or something that waits, such as
// [Mutex.Lock], and is returned at once. The zero Step is not valid.
type Step struct {
	next *header // with opAwait the child, otherwise the frame itself
	op   op
}

type op uint8

const (
	opNone op = iota // the zero Step, a mistake
	opAwait
	opReturn
	opFail
	opYield
	opValue
	opWait // see wait
	opTurn // of a Relay; see takeTurn
)
