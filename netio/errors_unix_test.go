//go:build unix

package netio

import "syscall"

const (
	errReset   = syscall.ECONNRESET
	errRefused = syscall.ECONNREFUSED
	errInUse   = syscall.EADDRINUSE
	errTooLong = syscall.EMSGSIZE
)
