package arena

import "errors"

var (
	// ErrInvalidOption is wrapped by the error of [New] when an option is invalid.
	ErrInvalidOption = errors.New("arena: bad option")

	// ErrLeak is wrapped by the error of [Arena.Close] when frames are live.
	ErrLeak = errors.New("arena: frames are live")

	// ErrExhausted is the error of code that needs a frame, after Allocate returned nil:
	// the budget is used up or the system refused memory. This package does not return it;
	// package coro does.
	ErrExhausted = errors.New("arena: no memory for a frame")
)
