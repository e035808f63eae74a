//go:build netio_portable || !linux

package netio

// pipe is not used: these systems have no splice, and leases are used instead.
type pipe struct{ bytes int }

type pipes struct{}

func (*pipes) take() *pipe { return nil }
func (*pipes) put(*pipe)   {}
func (*pipes) close()      {}

func (socket) fill(*pipe) error         { return errNoSplice }
func (socket) drain(*pipe) (int, error) { return 0, errNoSplice }
