package arena

import "errors"

var (
	// ErrInvalidOption is wrapped by the error of [New] when an option is invalid.
	ErrInvalidOption = errors.New("arena: bad option")

	// ErrLeak is wrapped by the error of [Arena.Close] when frames are live.
	ErrLeak = errors.New("arena: frames are live")

	// ErrExhausted is the error of those who need a frame when Allocate returned
	// nil: the budget is used up or the system refused.
	ErrExhausted = errors.New("arena: no memory for a frame")
)
