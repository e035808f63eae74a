// Package fuzz tests frame allocators: whether what must hold of any
// [arena.FrameAllocator] holds of this one.
package fuzz
