package coro

// Step is what a step function returns: what is to happen next. It comes from
// [Await], [Yield], [Frame.Return], [Frame.Fail] or something that waits, such as
// [Mutex.Lock], and is returned at once. The zero Step is not valid.
type Step struct {
	next *header // with opAwait the child, with opReturn the parent, with opWait the frame
	op   op
}

type op uint8

const (
	_ op = iota // the zero Step is a mistake
	opAwait
	opReturn
	opFail
	opYield
	opWait // see wait
)
