package task

import (
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

var (
	// ErrClosed is the error of a launch on a closed executor, and of a function whose executor was
	// closed while it ran.
	ErrClosed = executor.ErrClosed

	// ErrChanClosed is the error of a Recv from a [Chan] that is closed and has no values left, and of
	// a Send that was waiting when the Chan was closed; also of a [RecvFrom] from such a Go channel.
	ErrChanClosed = coro.ErrChanClosed

	// ErrLoopEnded is what the yield of [Seq] returns when the loop has ended.
	ErrLoopEnded = coro.ErrLoopEnded
)
