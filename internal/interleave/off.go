//go:build !framearena_explore

package interleave

import (
	"sync"
	"sync/atomic"
)

// Enabled reports whether this is a build with the tag framearena_explore.
const Enabled = false

// The types of sync and sync/atomic.
type (
	Bool           = atomic.Bool
	Int32          = atomic.Int32
	Int64          = atomic.Int64
	Uint32         = atomic.Uint32
	Uint64         = atomic.Uint64
	Uintptr        = atomic.Uintptr
	Pointer[T any] = atomic.Pointer[T]

	Mutex = sync.Mutex
	Once  = sync.Once
	Pool  = sync.Pool
)

// LoadInt32 is atomic.LoadInt32.
func LoadInt32(p *int32) int32 { return atomic.LoadInt32(p) }

// AddInt32 is atomic.AddInt32.
func AddInt32(p *int32, d int32) int32 { return atomic.AddInt32(p, d) }

// LoadUintptr is atomic.LoadUintptr.
func LoadUintptr(p *uintptr) uintptr { return atomic.LoadUintptr(p) }

// CompareAndSwapUintptr is atomic.CompareAndSwapUintptr.
func CompareAndSwapUintptr(p *uintptr, old, new uintptr) bool {
	return atomic.CompareAndSwapUintptr(p, old, new)
}

// Send is c <- v.
func Send[T any](c chan<- T, v T) { c <- v }

// Receive is <-c.
func Receive[T any](c <-chan T) T { return <-c }

// TrySend sends v if it does not have to wait.
func TrySend[T any](c chan<- T, v T) {
	select {
	case c <- v:
	default:
	}
}
