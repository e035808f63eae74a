//go:build !linux

package main

import "syscall"

// dieWithParent changes nothing: a child is killed when this process is
// interrupted, but if this process is killed itself, the child ends when it has
// measured.
func dieWithParent() *syscall.SysProcAttr { return nil }
