package netio_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// secured begins TLS on a connection, and goes on with what both kinds of connection have in common.
func secured(t *task.T, c netio.Conn, config *tls.Config) error {
	s, err := netio.TLSServer(t, c, config)
	if err != nil {
		return err // c is closed
	}
	return greet(t, s)
}

// greet answers each message, with TLS and without.
func greet(t *task.T, s netio.Stream) error {
	defer s.Close()
	if err := s.SetIdleTimeout(10 * time.Minute); err != nil {
		return err
	}
	for {
		l, err := s.ReadLease(t, 4096)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = s.Write(t, append([]byte("hello, "), l.Bytes...))
		l.End()
		if err != nil {
			return err
		}
	}
}

// serveSecured has a task for each connection, until the listener is closed.
func serveSecured(t *task.T, l *netio.Listener, config *tls.Config) error {
	var g task.Group
	for {
		c, err := l.Accept(t)
		if errors.Is(err, net.ErrClosed) {
			return g.Wait(t)
		}
		if err != nil {
			return err
		}
		g.Go(t, func(t *task.T) error { return secured(t, c, config) })
	}
}

func ExampleTLSServer() {
	// A certificate for tests; a server of yours has tls.LoadX509KeyPair, or autocert.
	certified := httptest.NewTLSServer(nil)
	certified.Close()

	pool := executor.NewPool()
	defer pool.Close()
	n, err := netio.Open(pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	l, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	config := &tls.Config{Certificates: certified.TLS.Certificates}
	served, err := task.Start(pool, task.Do2(serveSecured, l, config))
	if err != nil {
		fmt.Println(err)
		return
	}

	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "gopher")
	var answer [13]byte
	_, err = io.ReadFull(c, answer[:])
	fmt.Println(string(answer[:]), err)
	fmt.Println(c.Close(), l.Close())
	_, err = served.WaitContext(context.Background())
	fmt.Println(err)
	// Output:
	// hello, gopher <nil>
	// <nil> <nil>
	// <nil>
}
