package netio

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/framearena/framearena/task"
)

// authority is a certificate authority of the tests, with a certificate for "server.test" and one for a
// client.
type authority struct {
	pool           *x509.CertPool
	server, client tls.Certificate
}

// newAuthority is made once: all tests may use it.
var newAuthority = sync.OnceValue(func() *authority {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	number := int64(0)
	template := func(name string) *x509.Certificate {
		number++
		return &x509.Certificate{
			SerialNumber: big.NewInt(number),
			Subject:      pkix.Name{CommonName: name},
			DNSNames:     []string{name},
			NotBefore:    time.Now().Add(-time.Hour),
			NotAfter:     time.Now().Add(24 * time.Hour),
			KeyUsage:     x509.KeyUsageDigitalSignature,
			ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	root := template("authority.test")
	root.IsCA, root.BasicConstraintsValid, root.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	must(err)
	root, err = x509.ParseCertificate(der)
	must(err)
	issue := func(name string) tls.Certificate {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		der, err := x509.CreateCertificate(rand.Reader, template(name), root, k.Public(), key)
		must(err)
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: k}
	}
	a := &authority{pool: x509.NewCertPool(), server: issue("server.test"), client: issue("client.test")}
	a.pool.AddCert(root)
	return a
})

func serverConfig() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{newAuthority().server}}
}

func clientConfig() *tls.Config {
	return &tls.Config{RootCAs: newAuthority().pool, ServerName: "server.test"}
}

// tlsEcho writes back what it reads, and then says that there is no more.
func tlsEcho(t *task.T, c Conn, config *tls.Config) error {
	s, err := TLSServer(t, c, config)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		l, err := s.ReadLease(t, 512)
		if err == io.EOF {
			return s.CloseWrite(t)
		}
		if err != nil {
			return err
		}
		_, err = s.Write(t, l.Bytes)
		l.End()
		if err != nil {
			return err
		}
	}
}

// serveEcho has an echo for each connection, and reports what they end with.
func serveEcho(t *task.T, l *Listener, config *tls.Config, failed chan<- error) error {
	var g task.Group
	for {
		c, err := l.Accept(t)
		if err != nil {
			return errors.Join(err, g.Wait(t))
		}
		g.Go(t, func(t *task.T) error {
			err := tlsEcho(t, c, config)
			select {
			case failed <- err:
			default: // nobody asks
			}
			return nil
		})
	}
}

// startEcho serves with tlsEcho until the test ends, and reports its errors to failed, if that is not nil.
func startEcho(t *testing.T, n *Net, form task.Option, config *tls.Config, failed chan<- error) *Listener {
	l := listen(t, n)
	served, err := task.Start(n.executor, task.Do3(serveEcho, l, config, failed), form)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = l.Close()
		_, err := served.WaitContext(context.Background())
		require.ErrorIs(t, err, net.ErrClosed)
	})
	return l
}

// A server of ours and a client of crypto/tls, with each version and with what a handshake may have.
func TestTLSServer(t *testing.T) {
	a := newAuthority()
	sessions := tls.NewLRUClientSessionCache(4)
	cases := []struct {
		name           string
		server, client func(*tls.Config)
		check          func(t *testing.T, s tls.ConnectionState)
	}{
		{name: "1.3", check: func(t *testing.T, s tls.ConnectionState) { require.EqualValues(t, tls.VersionTLS13, s.Version) }},
		{
			name:   "1.2",
			client: func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 },
			check:  func(t *testing.T, s tls.ConnectionState) { require.EqualValues(t, tls.VersionTLS12, s.Version) },
		},
		{
			name:   "1.2 with CBC",
			server: func(c *tls.Config) { c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA} },
			client: func(c *tls.Config) {
				c.MaxVersion = tls.VersionTLS12
				c.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
			},
			check: func(t *testing.T, s tls.ConnectionState) {
				require.Equal(t, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, s.CipherSuite)
			},
		},
		{
			name:   "ALPN",
			server: func(c *tls.Config) { c.NextProtos = []string{"one", "two"} },
			client: func(c *tls.Config) { c.NextProtos = []string{"two"} },
			check:  func(t *testing.T, s tls.ConnectionState) { require.Equal(t, "two", s.NegotiatedProtocol) },
		},
		{
			name: "client certificate",
			server: func(c *tls.Config) {
				c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
			},
			client: func(c *tls.Config) { c.Certificates = []tls.Certificate{a.client} },
		},
		{
			name: "GetConfigForClient",
			server: func(c *tls.Config) {
				c.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
					if hello.ServerName != "server.test" || hello.Context() == nil || hello.Conn == nil {
						return nil, errors.New("a wrong hello")
					}
					other := serverConfig()
					other.NextProtos = []string{"chosen"}
					return other, nil
				}
				c.Certificates = nil
			},
			client: func(c *tls.Config) { c.NextProtos = []string{"chosen"} },
			check:  func(t *testing.T, s tls.ConnectionState) { require.Equal(t, "chosen", s.NegotiatedProtocol) },
		},
		{name: "the first session", client: func(c *tls.Config) { c.ClientSessionCache = sessions }},
		{
			name:   "a session goes on",
			client: func(c *tls.Config) { c.ClientSessionCache = sessions },
			check:  func(t *testing.T, s tls.ConnectionState) { require.True(t, s.DidResume) },
		},
	}
	inBothForms(t, func(t *testing.T, form task.Option) {
		servers := map[bool]*tls.Config{}
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				n := open(t)
				config, client := serverConfig(), clientConfig()
				if c.server != nil {
					c.server(config)
				} else if servers[true] != nil {
					config = servers[true] // has the keys of the session's ticket
				} else {
					servers[true] = config
				}
				if c.client != nil {
					c.client(client)
				}
				l := startEcho(t, n, form, config, nil)
				peer, err := tls.Dial("tcp", l.Addr().String(), client)
				require.NoError(t, err)
				defer peer.Close()
				for _, size := range []int{1, 100, 5000, 200_000} {
					sent := bytes.Repeat([]byte{byte(size)}, size)
					go peer.Write(sent)
					got := make([]byte, size)
					_, err = io.ReadFull(peer, got)
					require.NoError(t, err)
					require.Equal(t, sent, got)
				}
				if c.check != nil {
					c.check(t, peer.ConnectionState())
				}
				require.NoError(t, peer.CloseWrite())
				rest, err := io.ReadAll(peer)
				require.NoError(t, err)
				require.Empty(t, rest)
			})
		}
	})
}

// Both ends are ours: one sends much while the other one does not read, and each has the other's bytes.
func TestTLSClient(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := startEcho(t, n, form, serverConfig(), nil)
		sent := make([]byte, 3<<20)
		_, _ = rand.Read(sent) // does not fail
		got, err := task.Run(t.Context(), n.executor, task.Call3(exchange, n, l.Addr().String(), sent), form)
		require.NoError(t, err)
		require.True(t, bytes.Equal(sent, got))
		require.Equal(t, uint64(2), n.Stats().HandshakesDone)
		require.Zero(t, n.Stats().Handshakes)
		require.Eventually(t, func() bool { return n.Stats().Open == 1 }, 10*time.Second, time.Millisecond)
		require.Zero(t, n.Stats().Leased)
	})
}

// exchange sends bytes to an echo, and returns what comes back.
func exchange(t *task.T, n *Net, addr string, sent []byte) ([]byte, error) {
	c, err := n.Dial(t, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s, err := TLSClient(t, c, clientConfig())
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var g task.Group
	g.Go(t, func(t *task.T) error {
		if _, err := s.Write(t, sent); err != nil {
			return err
		}
		return s.CloseWrite(t)
	})
	got := make([]byte, len(sent))
	_, err = s.ReadFull(t, got)
	if err == nil {
		var b [1]byte
		if _, end := s.Read(t, b[:]); end != io.EOF {
			err = errors.New("no end: " + end.Error())
		}
	}
	return got, errors.Join(err, g.Wait(t))
}

// What is wrong in a handshake is the error, and the connection is closed.
func TestTLSHandshakeErrors(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		t.Run("no TLS", func(t *testing.T) {
			failed := make(chan error, 1)
			n := open(t)
			l := startEcho(t, n, form, serverConfig(), failed)
			peer, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			defer peer.Close()
			_, err = peer.Write([]byte("GET / HTTP/1.0\r\n\r\n"))
			require.NoError(t, err)
			var record tls.RecordHeaderError
			err = <-failed
			require.ErrorAs(t, err, &record)
			var op *net.OpError
			require.ErrorAs(t, err, &op)
			require.Equal(t, "tls handshake", op.Op)
			_, err = io.ReadAll(peer)
			_ = err // a reset, since its request was not read, or the end
			require.Equal(t, uint64(1), n.Stats().HandshakesFailed)
		})
		t.Run("an unknown authority", func(t *testing.T) {
			failed := make(chan error, 1)
			n := open(t)
			l := startEcho(t, n, form, serverConfig(), failed)
			_, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "server.test"})
			require.Error(t, err)
			require.Error(t, <-failed)
		})
		t.Run("a peer that goes away", func(t *testing.T) {
			failed := make(chan error, 1)
			n := open(t)
			l := startEcho(t, n, form, serverConfig(), failed)
			peer, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			_, err = peer.Write([]byte{22, 3, 1})
			require.NoError(t, err)
			require.NoError(t, peer.Close())
			require.ErrorIs(t, <-failed, io.EOF)
		})
		// A client that sends nothing, one that sends a part of a record, and one that never answers.
		hello := clientHello(t)
		for name, sent := range map[string][]byte{"nothing": nil, "a part": hello[:10], "no answer": hello} {
			t.Run("timeout after "+name, func(t *testing.T) {
				failed := make(chan error, 1)
				n := open(t, WithHandshakeTimeout(50*time.Millisecond))
				l := startEcho(t, n, form, serverConfig(), failed)
				peer, err := net.Dial("tcp", l.Addr().String())
				require.NoError(t, err)
				defer peer.Close()
				_, err = peer.Write(sent)
				require.NoError(t, err)
				require.ErrorIs(t, <-failed, context.DeadlineExceeded)
				_, err = io.Copy(io.Discard, peer)
				_ = err // the end, or a reset: the server is gone
				require.Eventually(t, func() bool { return n.Stats().Handshakes == 0 }, 10*time.Second, time.Millisecond)
				require.True(t, n.handshakes.free.TryAcquire(int64(n.handshakes.limit)), "a permit is lost")
			})
		}
		t.Run("renegotiation", func(t *testing.T) {
			n := open(t)
			c, _ := pair(t, n)
			_, err := task.Run(t.Context(), n.executor, task.Call2(TLSClient, c, &tls.Config{Renegotiation: tls.RenegotiateOnceAsClient}), form)
			require.ErrorIs(t, err, ErrRenegotiation)
			require.ErrorIs(t, c.Close(), net.ErrClosed)
		})
		t.Run("a closed connection", func(t *testing.T) {
			n := open(t)
			c, _ := pair(t, n)
			require.NoError(t, c.Close())
			_, err := task.Run(t.Context(), n.executor, task.Call2(TLSServer, c, serverConfig()), form)
			require.ErrorIs(t, err, net.ErrClosed)
		})
	})
}

// clientHello returns the first record of a client.
func clientHello(t *testing.T) []byte {
	a, b := net.Pipe()
	defer a.Close()
	go func() {
		_ = tls.Client(b, clientConfig()).Handshake() // ends when a is closed
		_ = b.Close()
	}()
	var head [recordHead]byte
	_, err := io.ReadFull(a, head[:])
	require.NoError(t, err)
	body := make([]byte, int(head[3])<<8|int(head[4]))
	_, err = io.ReadFull(a, body)
	require.NoError(t, err)
	return append(head[:], body...)
}

// No more goroutines than allowed run handshakes, and clients that don't begin have none.
func TestTLSHandshakesAreBounded(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t, WithHandshakes(2))
		l := startEcho(t, n, form, serverConfig(), nil)
		var silent []net.Conn
		for range 20 {
			c, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			silent = append(silent, c)
		}
		// Two that never answer have all the goroutines there are, so a third one waits for them.
		hello := clientHello(t)
		for _, c := range silent[:2] {
			_, err := c.Write(hello)
			require.NoError(t, err)
		}
		require.Eventually(t, func() bool { return n.Stats().Handshakes == 2 }, 10*time.Second, time.Millisecond)
		done := make(chan error)
		go func() {
			c, err := tls.Dial("tcp", l.Addr().String(), clientConfig())
			if err == nil {
				err = c.Close()
			}
			done <- err
		}()
		require.Equal(t, 2, n.Stats().Handshakes)
		require.NoError(t, silent[0].Close())
		require.NoError(t, <-done)
		for _, c := range silent[1:] {
			require.NoError(t, c.Close())
		}
	})
}

// A context that ends while a write waits leaves the connection as it was: what was encrypted is sent by the
// next write, in order.
func TestTLSWriteGoesOn(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, raw := pair(t, n)
		peer := tls.Client(raw, clientConfig())
		shaken := make(chan error, 1)
		go func() { shaken <- peer.Handshake() }()
		s, err := task.Run(t.Context(), n.executor, task.Call2(TLSServer, c, serverConfig()), form)
		require.NoError(t, err)
		require.NoError(t, <-shaken)

		sum := 0
		pattern := make([]byte, 1<<20)
		for i := range pattern {
			pattern[i] = byte(i % 251)
		}
		ctx, cancel := context.WithCancel(t.Context())
		stuck := make(chan int, 1)
		go func() {
			n, err := task.Run(ctx, n.executor, task.Call2(writeForever, s, pattern), form)
			if !errors.Is(err, context.Canceled) {
				n = -1
			}
			stuck <- n
		}()
		require.Eventually(t, func() bool {
			s.transport.mu.Lock()
			defer s.transport.mu.Unlock()
			return len(s.transport.pending) > 0
		}, 10*time.Second, time.Millisecond)
		cancel()
		sum = <-stuck
		require.Positive(t, sum)
		require.LessOrEqual(t, len(s.transport.pending), maxRecord+1024)

		rest := make([]byte, 100)
		go func() {
			_, _ = task.Run(t.Context(), n.executor, task.Call2(writeAll, s, rest), form) // what is read below shows it
			_ = s.Close()
		}()
		got, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Len(t, got, sum+len(rest))
		expected := bytes.Repeat(pattern, sum/len(pattern)+1)[:sum]
		require.True(t, bytes.Equal(expected, got[:sum]), "other bytes than were written")
	})
}

// writeForever writes b again and again, and returns how many bytes were written when that failed.
func writeForever(t *task.T, s *TLSConn, b []byte) (int, error) {
	sum := 0
	for {
		n, err := s.Write(t, b)
		sum += n
		if err != nil {
			return sum, err
		}
	}
}

func writeAll(t *task.T, s *TLSConn, b []byte) (int, error) { return s.Write(t, b) }

// Records that come in pieces are put together, also those of a peer that has new keys in between, and an
// idle connection has no goroutine.
func TestTLSPieces(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := startEcho(t, n, form, serverConfig(), nil)
		raw, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer raw.Close()
		peer := tls.Client(onePiece{raw.(*net.TCPConn)}, clientConfig())
		sent := []byte("in pieces")
		for range 3 {
			_, err := peer.Write(sent)
			require.NoError(t, err)
			got := make([]byte, len(sent))
			_, err = io.ReadFull(peer, got)
			require.NoError(t, err)
			require.Equal(t, sent, got)
		}
	})
}

// onePiece sends each byte on its own.
type onePiece struct{ *net.TCPConn }

func (c onePiece) Write(b []byte) (int, error) {
	for i := range b {
		if _, err := c.TCPConn.Write(b[i : i+1]); err != nil {
			return i, err
		}
		runtime.Gosched()
	}
	return len(b), nil
}

// The net.Conn of a TLSConn passes the tests of golang.org/x/net for implementations of net.Conn.
func TestTLSNetConn(t *testing.T) {
	n := open(t)
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, nil, nil, err
		}
		defer l.Close()
		accepted := make(chan *TLSConn, 1)
		go func() {
			c, err := task.Run(t.Context(), n.executor, task.Call1(acceptTLS, l))
			_ = err // the test gets nil
			accepted <- c
		}()
		dialed, err := task.Run(t.Context(), n.executor, task.Call2(dialTLS, n, l.Addr().String()))
		if err != nil {
			return nil, nil, nil, err
		}
		a, b := dialed.NetConn(), (<-accepted).NetConn()
		return a, b, func() { _, _ = a.Close(), b.Close() }, nil
	})
	require.Eventually(t, func() bool { return n.Stats().Open == 0 }, 10*time.Second, time.Millisecond)
}

func acceptTLS(t *task.T, l *Listener) (*TLSConn, error) {
	c, err := l.Accept(t)
	if err != nil {
		return nil, err
	}
	return TLSServer(t, c, serverConfig())
}

func dialTLS(t *task.T, n *Net, addr string) (*TLSConn, error) {
	c, err := n.Dial(t, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return TLSClient(t, c, clientConfig())
}

// Close wakes what waits, from other tasks and goroutines.
func TestTLSCloseWakes(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, raw := pair(t, n)
		peer := tls.Client(raw, clientConfig())
		shaken := make(chan error, 1)
		go func() { shaken <- peer.Handshake() }()
		s, err := task.Run(t.Context(), n.executor, task.Call2(TLSServer, c, serverConfig()), form)
		require.NoError(t, err)
		require.NoError(t, <-shaken)
		reader, err := task.Start(n.executor, task.Call2(readTLSOnce, s, 10), form)
		require.NoError(t, err)
		require.NoError(t, s.Close())
		_, err = reader.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = peer.Read(make([]byte, 1))
		require.Equal(t, io.EOF, err, "an alert says that it was closed")
		require.ErrorIs(t, s.Close(), net.ErrClosed)
	})
}

func readTLSOnce(t *task.T, s *TLSConn, size int) (int, error) {
	l, err := s.ReadLease(t, size)
	if err != nil {
		return 0, err
	}
	defer l.End()
	return len(l.Bytes), nil
}
