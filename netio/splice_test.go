package netio

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// relay passes on what comes, and its end.
func relay(t *task.T, to, from Conn) (m moved, err error) {
	defer to.CloseWrite()
	m.n, m.err = Splice(t, to, from)
	return m, nil
}

// proxy relays both ways, each in a task.
func proxy(t *task.T, a, b Conn) error {
	var g task.Group
	g.Go(t, func(t *task.T) error {
		m, err := relay(t, a, b)
		return errors.Join(m.err, err)
	})
	g.Go(t, func(t *task.T) error {
		m, err := relay(t, b, a)
		return errors.Join(m.err, err)
	})
	return g.Wait(t)
}

func TestSplice(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		for name, connect := range map[string]func(*testing.T, *Net) (Conn, net.Conn){
			"tcp": func(t *testing.T, n *Net) (Conn, net.Conn) { return pair(t, n) }, "unix": unixPair,
		} {
			t.Run(name, func(t *testing.T) {
				n := open(t)
				a, client := connect(t, n)
				b, server := connect(t, n)
				proxied, err := task.Start(n.executor, task.Do2(proxy, a, b), form)
				require.NoError(t, err)
				request, response := pattern(3<<20), pattern(5 << 20)[7:]
				errs := make(chan error, 2)
				send := func(c net.Conn, b []byte) {
					_, err := c.Write(b)
					errs <- errors.Join(err, c.(interface{ CloseWrite() error }).CloseWrite())
				}
				go send(client, request)
				got, err := io.ReadAll(server)
				require.NoError(t, err)
				require.True(t, bytes.Equal(request, got))
				go send(server, response) // after the end of the other direction
				got, err = io.ReadAll(client)
				require.NoError(t, err)
				require.True(t, bytes.Equal(response, got))
				require.NoError(t, <-errs)
				require.NoError(t, <-errs)
				_, err = proxied.WaitContext(t.Context())
				require.NoError(t, err)
				require.Zero(t, n.Stats().Leased)
			})
		}
	})
}

// What Adopt was given goes first, and an echo is the splice of a connection to itself.
func TestSpliceOfPeekedBytes(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t, WithBudget(1000))
		peeked := pattern(5000)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		peer, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer peer.Close()
		nc, err := l.Accept()
		require.NoError(t, err)
		c, err := n.Adopt(nc, peeked)
		require.NoError(t, err)
		relayed, err := task.Start(n.executor, task.Call2(relay, c, c), form)
		require.NoError(t, err)
		_, err = peer.Write([]byte("and more"))
		require.NoError(t, err)
		require.NoError(t, peer.(*net.TCPConn).CloseWrite())
		got, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Equal(t, string(peeked)+"and more", string(got))
		m, err := relayed.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, moved{5008, nil}, m)
	})
}

// A peer that does not read makes the other one wait; and a Splice that waits for data holds nothing.
func TestSpliceBackPressure(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		from, source := pair(t, n)
		to, sink := pair(t, n)
		relayed, err := task.Start(n.executor, task.Call2(relay, to, from), form)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return waits(from.h, reading) }, wait, pause)
		require.Zero(t, n.Stats().Leased)

		const whole = 64 << 20
		var written atomic.Int64
		errs := make(chan error, 1)
		go func() {
			b := make([]byte, 64<<10)
			for written.Load() < whole {
				k, err := source.Write(b)
				if written.Add(int64(k)); err != nil {
					errs <- err
					return
				}
			}
			errs <- source.CloseWrite()
		}()
		last := int64(-1)
		require.Eventually(t, func() bool { // the source can write no more
			now := written.Load()
			stands := now == last && now > 0
			last = now
			return stands
		}, wait, 300*time.Millisecond)
		require.Less(t, last, int64(whole))
		require.True(t, waits(to.h, writing))

		got, err := io.Copy(io.Discard, sink)
		require.NoError(t, err)
		require.Equal(t, int64(whole), got)
		require.NoError(t, <-errs)
		m, err := relayed.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, moved{whole, nil}, m)
	})
}

// Each end of a wait is an end of Splice: that of its source, of its destination and of its context.
func TestSpliceEnds(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		for name, test := range map[string]struct {
			end  func(to, from Conn, sink, source *net.TCPConn, cancel func())
			op   string
			want error
		}{
			"source closed": {func(_, from Conn, _, _ *net.TCPConn, _ func()) { _ = from.Close() }, "read", net.ErrClosed},
			"destination closed": {func(to, _ Conn, _, source *net.TCPConn, _ func()) {
				_ = to.Close()
				_, _ = source.Write([]byte("x"))
			}, "write", net.ErrClosed},
			"source reset": {func(_, _ Conn, _, source *net.TCPConn, _ func()) {
				_ = source.SetLinger(0)
				_ = source.Close()
			}, "read", errReset},
			"context": {func(_, _ Conn, _, _ *net.TCPConn, cancel func()) { cancel() }, "", context.Canceled},
		} {
			t.Run(name, func(t *testing.T) {
				n := open(t)
				from, source := pair(t, n)
				to, sink := pair(t, n)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				relayed, err := task.Start(n.executor, task.Call2(relay, to, from), form, task.Context(ctx))
				require.NoError(t, err)
				_, err = source.Write([]byte("hello"))
				require.NoError(t, err)
				_, err = io.ReadFull(sink, make([]byte, 5))
				require.NoError(t, err)
				test.end(to, from, sink, source, cancel)
				m, err := relayed.WaitContext(t.Context())
				require.NoError(t, err)
				require.Equal(t, int64(5), m.n)
				require.ErrorIs(t, m.err, test.want)
				var e *net.OpError
				if test.op != "" {
					require.ErrorAs(t, m.err, &e)
					require.Equal(t, test.op, e.Op)
				}
				require.Zero(t, n.Stats().Leased)
			})
		}
	})
}

// A Splice that is full when it ends gives its pipe or lease back: to the system, since there are bytes in it.
func TestSpliceEndsWhileFull(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		for range 5 {
			from, source := pair(t, n)
			to, _ := pair(t, n)
			relayed, err := task.Start(n.executor, task.Call2(relay, to, from), form)
			require.NoError(t, err)
			written := make(chan error, 1)
			go func() {
				_, err := source.Write(make([]byte, 16<<20))
				written <- err
			}()
			require.Eventually(t, func() bool { return waits(to.h, writing) }, wait, pause)
			require.NoError(t, to.Close())
			m, err := relayed.WaitContext(t.Context())
			require.NoError(t, err)
			require.ErrorIs(t, m.err, net.ErrClosed)
			require.NoError(t, from.Close())
			require.Error(t, <-written)
			require.Zero(t, n.Stats().Leased)
		}
	})
}

// BenchmarkSplice passes 1 MiB on, over the loopback, through pipes of the system and through leases.
func BenchmarkSplice(b *testing.B) {
	for name, relay := range map[string]func(*task.T, Conn, Conn) (int64, error){"pipes": Splice, "leases": copyByLeases} {
		b.Run(name, func(b *testing.B) {
			pool := executor.NewPool()
			defer pool.Close()
			n, err := Open(pool)
			require.NoError(b, err)
			defer n.Close()
			var ends [2]Conn
			var peers [2]net.Conn
			for i := range ends {
				l, err := n.Listen(b.Context(), "tcp", "127.0.0.1:0")
				require.NoError(b, err)
				peers[i], err = net.Dial("tcp", l.Addr().String())
				require.NoError(b, err)
				defer peers[i].Close()
				ends[i], err = task.Run(b.Context(), pool, task.Call0(l.Accept))
				require.NoError(b, err)
			}
			require.NoError(b, task.Go(pool, task.Do3(relayBy, relay, ends[1], ends[0])))
			block := make([]byte, 1<<20)
			go func() {
				for range b.N {
					if _, err := peers[0].Write(block); err != nil {
						return // the reader gets one too
					}
				}
			}()
			b.SetBytes(int64(len(block)))
			got := make([]byte, len(block))
			for range b.N {
				if _, err := io.ReadFull(peers[1], got); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			_ = peers[0].(*net.TCPConn).CloseWrite()
			rest, err := io.ReadAll(peers[1])
			require.NoError(b, err)
			require.Empty(b, rest)
		})
	}
}

func relayBy(t *task.T, relay func(*task.T, Conn, Conn) (int64, error), to, from Conn) error {
	_, err := relay(t, to, from)
	return errors.Join(err, to.CloseWrite())
}

// copyByLeases is Splice where the system has none.
func copyByLeases(t *task.T, to, from Conn) (sum int64, err error) {
	for {
		if err := from.Readable(t); err != nil {
			return sum, err
		}
		n, err := passLease(t, from.h.net(), to, from)
		sum += n
		if err == io.EOF {
			return sum, nil
		}
		if err != nil && err != ErrNotReady {
			return sum, err
		}
	}
}
