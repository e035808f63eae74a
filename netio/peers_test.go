package netio

import (
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

func TestLoopbackOfIPv6(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l, err := n.Listen(t.Context(), "tcp6", "[::1]:0")
		if !hasAddress(t, "::1") {
			require.Error(t, err, "a machine without the address ::1")
			return
		}
		require.NoError(t, err)
		served, err := task.Start(n.executor, task.Do2(serve, l, echo), form)
		require.NoError(t, err)
		for _, network := range []string{"tcp", "tcp6"} {
			said, err := task.Run(t.Context(), n.executor, task.Call4(sayOver, n, network, l.Addr().String(), "hello"), form)
			require.NoError(t, err)
			require.Equal(t, "hello from ::1", said)
		}
		_, err = task.Run(t.Context(), n.executor, task.Call2(n.Dial, "tcp4", l.Addr().String()), form)
		require.Error(t, err)
		require.NoError(t, l.Close())
		_, err = served.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
	})
}

// sayOver dials, and returns the answer to text, and whom it is from.
func sayOver(t *task.T, n *Net, network, addr, text string) (string, error) {
	c, err := n.Dial(t, network, addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(t, []byte(text)); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	_, err = c.ReadFull(t, answer)
	return string(answer) + " from " + c.RemoteAddr().(*net.TCPAddr).IP.String(), err
}

// A reset by the peer ends what waits, in each direction alone and in both.
func TestResetWhileWaiting(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		for _, test := range []struct{ read, write bool }{{true, false}, {false, true}, {true, true}} {
			for range 5 {
				c, peer := pair(t, n)
				var read task.Handle[int]
				var write task.Handle[struct{}]
				var err error
				if test.read {
					read, err = task.Start(n.executor, task.Call1(readOnce, c), form)
					require.NoError(t, err)
					require.Eventually(t, func() bool { return waits(c.h, reading) }, wait, pause)
				}
				if test.write {
					write, err = task.Start(n.executor, task.Do1(fill, c), form)
					require.NoError(t, err)
					require.Eventually(t, func() bool { return waits(c.h, writing) }, wait, pause)
				}
				require.NoError(t, peer.SetLinger(0))
				require.NoError(t, peer.Close())
				var reset bool // the system tells it to the first one that asks
				if test.read {
					_, err = read.WaitContext(t.Context())
					require.Error(t, err)
					reset = errors.Is(err, errReset)
				}
				if test.write {
					_, err = write.WaitContext(t.Context())
					require.Error(t, err)
					reset = reset || errors.Is(err, errReset)
				}
				require.True(t, reset, "%v", err)
				require.NoError(t, c.Close())
			}
		}
	})
}

// count reads to the end of the data.
func count(t *task.T, c Conn) (sum int, err error) {
	b := make([]byte, 32<<10)
	for {
		n, err := c.Read(t, b)
		sum += n
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}

// reply answers after the end of what the peer says.
func reply(t *task.T, c Conn, answer []byte) (int, error) {
	n, err := count(t, c)
	if err != nil {
		return n, err
	}
	if _, err := c.Write(t, answer); err != nil {
		return n, err
	}
	return n, c.CloseWrite()
}

// ask says something, and then reads the answer to its end.
func ask(t *task.T, c Conn, question []byte) (int, error) {
	if _, err := c.Write(t, question); err != nil {
		return 0, err
	}
	if err := c.CloseWrite(); err != nil {
		return 0, err
	}
	return count(t, c)
}

// Each side may end its half first, and the other half goes on.
func TestHalfClosedPeers(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		const asked, answered = 3 << 20, 5 << 20 // more than the system has room for
		for name, connect := range map[string]func(*testing.T, *Net) (Conn, net.Conn){
			"tcp": func(t *testing.T, n *Net) (Conn, net.Conn) { return pair(t, n) }, "unix": unixPair,
		} {
			t.Run(name, func(t *testing.T) {
				n := open(t)
				c, peer := connect(t, n)
				half := peer.(interface{ CloseWrite() error })
				replied, err := task.Start(n.executor, task.Call2(reply, c, make([]byte, answered)), form)
				require.NoError(t, err)
				_, err = peer.Write(make([]byte, asked))
				require.NoError(t, err)
				require.NoError(t, half.CloseWrite())
				got, err := io.Copy(io.Discard, peer)
				require.NoError(t, err)
				require.Equal(t, int64(answered), got)
				k, err := replied.WaitContext(t.Context())
				require.NoError(t, err)
				require.Equal(t, asked, k)
				require.NoError(t, c.Close())

				c, peer = connect(t, n)
				half = peer.(interface{ CloseWrite() error })
				told, err := task.Start(n.executor, task.Call2(ask, c, make([]byte, asked)), form)
				require.NoError(t, err)
				got, err = io.Copy(io.Discard, peer)
				require.NoError(t, err)
				require.Equal(t, int64(asked), got)
				_, err = peer.Write(make([]byte, answered))
				require.NoError(t, err)
				require.NoError(t, half.CloseWrite())
				k, err = told.WaitContext(t.Context())
				require.NoError(t, err)
				require.Equal(t, answered, k)
				require.NoError(t, c.Close())
			})
		}
	})
}

// readBytes reads to the end of the data, one byte at a time.
func readBytes(t *task.T, c Conn) (all []byte, err error) {
	b := make([]byte, 1)
	for {
		n, err := c.Read(t, b)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, b[:n]...)
	}
}

// No byte is left in the system by a read that takes less than there is, although the system reports what
// has come only once.
func TestReadsOfOneByte(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		read, err := task.Start(n.executor, task.Call1(readBytes, c), form)
		require.NoError(t, err)
		want := pattern(20000)
		for rest := want; len(rest) > 0; {
			k := min(len(rest), 1+len(rest)%3000)
			_, err := peer.Write(rest[:k])
			require.NoError(t, err)
			rest = rest[k:]
		}
		require.NoError(t, peer.CloseWrite())
		got, err := read.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

// drainPackets reads datagrams until that fails.
func drainPackets(t *task.T, c PacketConn) error {
	b := make([]byte, 100)
	for {
		if _, _, err := c.ReadFrom(t, b); err != nil {
			return err
		}
	}
}

// drainBatches is drainPackets in batches.
func drainBatches(t *task.T, c PacketConn) error {
	ps := make([]Packet, 3)
	for i := range ps {
		ps[i].Bytes = make([]byte, 100)
	}
	for {
		if _, err := c.ReadBatch(t, ps); err != nil {
			return err
		}
	}
}

// A peer that sends without a pause does not keep the only worker from a connection beside it, whatever
// the task of the first one does with its bytes.
func TestPeerThatSendsWithoutPause(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		for name, begin := range map[string]func(t *testing.T, n *Net) (from io.Writer, c interface{ Close() error }, begun task.Call[int]){
			"Read": func(t *testing.T, n *Net) (io.Writer, interface{ Close() error }, task.Call[int]) {
				c, peer := pair(t, n)
				return peer, c, task.Call1(count, c)
			},
			"Splice": func(t *testing.T, n *Net) (io.Writer, interface{ Close() error }, task.Call[int]) {
				c, peer := pair(t, n)
				to, sink := pair(t, n)
				go func() { _, _ = io.Copy(io.Discard, sink) }()
				return peer, c, task.Call2(spliceAll, to, c)
			},
			"ReadFrom": func(t *testing.T, n *Net) (io.Writer, interface{ Close() error }, task.Call[int]) {
				c := listenPacket(t, n)
				return udpTo(t, c), c, task.Call2(drained, c, drainPackets)
			},
			"ReadBatch": func(t *testing.T, n *Net) (io.Writer, interface{ Close() error }, task.Call[int]) {
				c := listenPacket(t, n)
				return udpTo(t, c), c, task.Call2(drained, c, drainBatches)
			},
		} {
			t.Run(name, func(t *testing.T) {
				pool := executor.NewPool(executor.WithWorkers(1))
				t.Cleanup(func() { require.NoError(t, pool.Close()) })
				n, err := Open(pool)
				require.NoError(t, err)
				t.Cleanup(func() { _ = n.Close() })
				from, flooded, call := begin(t, n)
				c, peer := pair(t, n)
				require.NoError(t, peer.SetDeadline(time.Now().Add(wait)))
				ended, err := task.Start(pool, call, form)
				require.NoError(t, err)
				echoed, err := task.Start(pool, task.Do1(echo, c), form)
				require.NoError(t, err)

				var sent atomic.Int64
				stopped := make(chan struct{})
				go func() {
					defer close(stopped)
					b := make([]byte, 100)
					for {
						k, err := from.Write(b)
						if err != nil {
							return
						}
						sent.Add(int64(k))
					}
				}()
				for range 30 {
					before := sent.Load()
					require.Eventually(t, func() bool { return sent.Load() > before }, wait, time.Microsecond)
					b := []byte("x")
					_, err := peer.Write(b)
					require.NoError(t, err)
					_, err = io.ReadFull(peer, b)
					require.NoError(t, err)
				}
				require.NoError(t, peer.CloseWrite())
				_, err = echoed.WaitContext(t.Context())
				require.NoError(t, err)
				require.NoError(t, flooded.Close())
				_, err = ended.WaitContext(t.Context())
				require.ErrorIs(t, err, net.ErrClosed)
				_ = from.(io.Closer).Close()
				<-stopped
			})
		}
	})
}

func spliceAll(t *task.T, to, from Conn) (int, error) {
	n, err := Splice(t, to, from)
	return int(n), err
}

func drained(t *task.T, c PacketConn, drain func(*task.T, PacketConn) error) (int, error) {
	return 0, drain(t, c)
}

// udpTo returns a socket of package net that sends to c. What c has no room for is lost.
func udpTo(t *testing.T, c PacketConn) net.Conn {
	peer, err := net.Dial("udp", c.LocalAddr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	return peer
}
