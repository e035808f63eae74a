//go:build !framearena_explore

package coro_test

import (
	"unsafe"

	"github.com/framearena/framearena/coro"
)

// A Mutex fits into the memory that the Go heap has for 128 bytes, with what it notes of its holder.
var _ [128 - unsafe.Sizeof(coro.Mutex{})]none
