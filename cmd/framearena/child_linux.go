package main

import "syscall"

// dieWithParent has the system kill a child when the thread that started it is
// gone.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
