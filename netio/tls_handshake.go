package netio

import (
	"crypto/tls"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/task"
)

// handshakes are those of a Net. A handshake runs on a goroutine, since crypto/tls has it in one piece, with
// waits in it. So many may run at the same time; what comes meanwhile waits as a task does.
type handshakes struct {
	limit   int           // not changed, as timeout
	timeout time.Duration // of each
	free    task.Semaphore

	running      atomic.Int64
	done, failed atomic.Uint64
}

const (
	defaultHandshakes       = 1024
	defaultHandshakeTimeout = 10 * time.Second
)

func (s *handshakes) start() { s.free.Release(int64(s.limit)) }

// WithHandshakes limits how many handshakes of TLS run at the same time, each of which has a goroutine.
// Without it there may be 1,024. It panics if n is not positive.
func WithHandshakes(n int) Option {
	if n <= 0 {
		panic("netio: the number of handshakes must be positive")
	}
	return optionFunc(func(net *Net) { net.handshakes.limit = n })
}

// WithHandshakeTimeout limits how long a handshake of TLS takes, with the time until it may run. Without
// it that is 10 s. It panics if d is not positive.
func WithHandshakeTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("netio: the timeout of handshakes must be positive")
	}
	return optionFunc(func(net *Net) { net.handshakes.timeout = d })
}

// ErrRenegotiation is the error of [TLSClient] if its configuration allows for renegotiation: that is a
// handshake in the midst of a read, for which a task cannot wait.
var ErrRenegotiation = errors.New("netio: TLS renegotiation is not supported")

// TLSServer is the server's side of TLS: it does the handshake, and returns the connection, which is used
// instead of c from then on. config must have a certificate, as in tls.Server, and must not be changed
// afterwards.
//
// Until the client's first message is there, the task waits as an idle one does. The handshake itself runs on
// a goroutine: see [WithHandshakes] and [WithHandshakeTimeout]. If there is an error, which wraps that of
// crypto/tls, c is closed. If the handshake takes too long, the error wraps context.DeadlineExceeded.
func TLSServer(t *task.T, c Conn, config *tls.Config) (*TLSConn, error) {
	s := &TLSConn{}
	s.transport.c = c
	s.tls = tls.Server(&s.transport, config)
	return s.shake(t, true)
}

// TLSClient is the client's side of TLS: it does the handshake, and returns the connection, which is used
// instead of c from then on. config must have a ServerName or InsecureSkipVerify, as in tls.Client, and must
// not be changed afterwards. Errors are as those of [TLSServer].
func TLSClient(t *task.T, c Conn, config *tls.Config) (*TLSConn, error) {
	if config != nil && config.Renegotiation != tls.RenegotiateNever {
		_ = c.Close() // the error says more
		return nil, ErrRenegotiation
	}
	s := &TLSConn{}
	s.transport.c = c
	s.tls = tls.Client(&s.transport, config)
	return s.shake(t, false)
}

// shake does the handshake.
func (c *TLSConn) shake(t *task.T, server bool) (*TLSConn, error) {
	conn := c.transport.c
	n := conn.h.net()
	if n == nil {
		return nil, conn.h.opError("tls handshake", errClosed)
	}
	err := task.Timeout(t, n.handshakes.timeout, func(t *task.T) error {
		if server {
			if err := c.readHello(t); err != nil {
				return err
			}
		}
		return n.handshakes.run(t, c)
	})
	if err != nil {
		n.handshakes.failed.Add(1)
		err = conn.h.opError("tls handshake", err)
		_ = conn.Close() // which ends a handshake that still runs; the error says more
		return nil, err
	}
	n.handshakes.done.Add(1)
	return c, nil
}

// The head of a record, and the type of one that begins a handshake.
const (
	recordHead      = 5
	recordHandshake = 22
)

// readHello reads the client's first record. So a client that sends nothing, or slowly, has no goroutine.
func (c *TLSConn) readHello(t *task.T) error {
	p := &c.transport
	for {
		missing := recordHead - len(p.hello)
		if missing <= 0 {
			size := int(p.hello[3])<<8 | int(p.hello[4])
			missing = recordHead + size - len(p.hello)
			if missing <= 0 || p.hello[0] != recordHandshake || size > maxRecord {
				return nil // crypto/tls says what is wrong with it
			}
		}
		l, err := p.c.ReadLease(t, max(missing, 512))
		if err != nil {
			return err
		}
		p.hello = append(p.hello, l.Bytes...)
		l.End()
	}
}

// run runs a handshake on a goroutine.
func (s *handshakes) run(t *task.T, c *TLSConn) error {
	if err := s.free.Acquire(t, 1); err != nil {
		return err
	}
	// Who comes first of the goroutine that begins and the task that does not wait any more has the permit,
	// and gives it back.
	var taken atomic.Bool
	ctx := t.Context()
	_, err := task.Block(t, func() (task.None, error) {
		if taken.Swap(true) {
			return task.None{}, net.ErrClosed
		}
		defer s.free.Release(1)
		s.running.Add(1)
		defer s.running.Add(-1)
		c.transport.blocking.Store(c.transport.c.blocking())
		defer c.transport.blocking.Store(nil)
		return task.None{}, c.tls.HandshakeContext(ctx)
	})
	if err != nil && !taken.Swap(true) {
		s.free.Release(1)
	}
	return err
}
