package netio

import "golang.org/x/sys/windows"

const (
	errReset   = windows.WSAECONNRESET
	errRefused = windows.WSAECONNREFUSED
	errInUse   = windows.WSAEADDRINUSE
	errTooLong = windows.WSAEMSGSIZE
)
