package netio

import (
	"net"
	"os"
	"strings"
)

// socketFile is the name of a "unix" listener in the file system, which the system does not remove.
type socketFile struct {
	path string
	is   os.FileInfo // what the path has named when the listener was made
}

// socketFileOf returns that of a listener, or nil if it has none. The listener itself does not remove it
// any more.
func socketFileOf(l net.Listener) *socketFile {
	u, ok := l.(*net.UnixListener)
	if !ok {
		return nil
	}
	path := l.Addr().String()
	if path == "" || strings.HasPrefix(path, "@") {
		return nil // it has no name, or one that is in no file system
	}
	is, err := os.Lstat(path)
	if err != nil {
		return nil
	}
	u.SetUnlinkOnClose(false)
	return &socketFile{path, is}
}

// remove removes the name, unless somebody has removed it already and another listener has it now. The
// number of a file may be used again, so its time counts as well. What happens between the look and the
// removal is not seen, as in package net, which does not look.
func (f *socketFile) remove() {
	if f == nil {
		return
	}
	now, err := os.Lstat(f.path)
	if err == nil && os.SameFile(f.is, now) && f.is.ModTime().Equal(now.ModTime()) {
		_ = os.Remove(f.path)
	}
}
