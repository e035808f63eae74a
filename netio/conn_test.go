package netio

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// inBothForms runs a test with compiled task functions, and with the same on goroutines.
func inBothForms(t *testing.T, test func(t *testing.T, form task.Option)) {
	t.Run("compiled", func(t *testing.T) { test(t, task.RequireCompiled()) })
	t.Run("on goroutines", func(t *testing.T) { test(t, task.OnGoroutine()) })
}

// open returns a Net on a pool.
func open(t *testing.T, opts ...Option) *Net {
	pool := executor.NewPool()
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	n, err := Open(pool, opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = n.Close() })
	return n
}

// listen returns a listener on a port of 127.0.0.1.
func listen(t *testing.T, n *Net) *Listener {
	l, err := n.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// pair returns a Conn, and its other end.
func pair(t *testing.T, n *Net) (Conn, *net.TCPConn) {
	l := listen(t, n)
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	c, err := task.Run(t.Context(), n.executor, task.Call0(l.Accept))
	require.NoError(t, err)
	return c, peer.(*net.TCPConn)
}

// echo writes back what it reads, until the peer has closed its half.
func echo(t *task.T, c Conn) error {
	defer c.Close()
	for {
		l, err := c.ReadLease(t, 512)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		_, err = c.Write(t, l.Bytes)
		l.End()
		if err != nil {
			return err
		}
	}
}

// serve handles connections until the listener is closed.
func serve(t *task.T, l *Listener, handle func(*task.T, Conn) error) error {
	var g task.Group
	for {
		c, err := l.Accept(t)
		if err != nil {
			return errors.Join(err, g.Wait(t))
		}
		g.Go(t, func(t *task.T) error { return handle(t, c) })
	}
}

func TestEcho(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		served, err := task.Start(n.executor, task.Do2(serve, l, echo), form)
		require.NoError(t, err)
		for range 20 {
			c, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			for _, text := range []string{"one", "two", "three"} {
				_, err := c.Write([]byte(text))
				require.NoError(t, err)
				b := make([]byte, len(text))
				_, err = io.ReadFull(c, b)
				require.NoError(t, err)
				require.Equal(t, text, string(b))
			}
			require.NoError(t, c.(*net.TCPConn).CloseWrite())
			rest, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Empty(t, rest)
			require.NoError(t, c.Close())
		}
		require.Equal(t, uint64(20), n.Stats().Accepted)
		require.NoError(t, l.Close())
		_, err = served.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
		require.Eventually(t, func() bool { return n.Stats().Open == 0 }, 10*time.Second, time.Millisecond)
		require.Zero(t, n.Stats().Leased)
	})
}

// readToEnd returns how many bytes there are until the end of the data.
func readToEnd(t *task.T, c Conn) (int, error) {
	sum := 0
	for {
		l, err := c.ReadLease(t, 512)
		if err == io.EOF {
			return sum, c.Close()
		}
		if err != nil {
			return sum, err
		}
		sum += len(l.Bytes)
		l.End()
	}
}

// The end of the data may be reported with the last bytes, which do not fill the buffer.
func TestEndWithBytes(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		for range 200 {
			c, peer := pair(t, n)
			_, err := peer.Write([]byte("abc"))
			require.NoError(t, err)
			require.NoError(t, peer.Close())
			sum, err := task.Run(t.Context(), n.executor, task.Call1(readToEnd, c), form)
			require.NoError(t, err)
			require.Equal(t, 3, sum)
		}
	})
}

// copyAll reads all from one connection and writes it to another.
func copyAll(t *task.T, from, to Conn) (int, error) {
	defer to.CloseWrite()
	var b [16 << 10]byte
	sum := 0
	for {
		n, err := from.Read(t, b[:])
		if err == io.EOF {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		if _, err := to.Write(t, b[:n]); err != nil {
			return sum, err
		}
		sum += n
	}
}

// A writer that its peer does not read from waits, and does not read from the other one.
func TestBackPressure(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		from, source := pair(t, n)
		to, sink := pair(t, n)
		copied, err := task.Start(n.executor, task.Call2(copyAll, from, to), form)
		require.NoError(t, err)

		const whole = 64 << 20
		var written atomic.Int64
		writer := make(chan error, 1)
		go func() {
			b := make([]byte, 64<<10)
			for written.Load() < whole {
				k, err := source.Write(b)
				if written.Add(int64(k)); err != nil {
					writer <- err
					return
				}
			}
			writer <- source.CloseWrite()
		}()
		last := int64(-1)
		require.Eventually(t, func() bool { // the source can write no more
			now := written.Load()
			stands := now == last && now > 0
			last = now
			return stands
		}, 20*time.Second, 300*time.Millisecond)
		require.Less(t, last, int64(whole))

		got, err := io.Copy(io.Discard, sink)
		require.NoError(t, err)
		require.Equal(t, int64(whole), got)
		require.NoError(t, <-writer)
		sum, err := copied.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, whole, sum)
	})
}

func readOnce(t *task.T, c Conn) (int, error) {
	var b [16]byte
	return c.Read(t, b[:])
}

// fill writes until that fails.
func fill(t *task.T, c Conn) error {
	var b [64 << 10]byte
	for {
		if _, err := c.Write(t, b[:]); err != nil {
			return err
		}
	}
}

// What waits for a connection ends when somebody closes it, however late the wait begins.
func TestCloseWhileWaiting(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		for i := range 60 {
			c, _ := pair(t, n)
			l := listen(t, n)
			reader, err := task.Start(n.executor, task.Call1(readOnce, c), form)
			require.NoError(t, err)
			writer, err := task.Start(n.executor, task.Do1(fill, c), form)
			require.NoError(t, err)
			acceptor, err := task.Start(n.executor, task.Call0(l.Accept), form)
			require.NoError(t, err)
			for range i % 20 {
				runtime.Gosched()
			}
			if i%3 == 0 {
				time.Sleep(time.Millisecond)
			}
			require.NoError(t, c.Close())
			require.NoError(t, l.Close())
			_, err = reader.WaitContext(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = writer.WaitContext(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = acceptor.WaitContext(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, c.Close(), net.ErrClosed)
			require.ErrorIs(t, l.Close(), net.ErrClosed)
		}
		require.Zero(t, n.Stats().Open)
		require.Zero(t, n.Stats().Listeners)
	})
}

// A handle of a closed connection is never one of the connection that has its slot and descriptor.
func TestStaleHandle(t *testing.T) {
	n := open(t)
	var stale []Conn
	for range 100 {
		c, peer := pair(t, n)
		for _, old := range stale {
			require.NotEqual(t, old, c)
			_, err := old.TryRead(make([]byte, 1))
			require.ErrorIs(t, err, net.ErrClosed)
			_, err = old.TryWrite([]byte("wrong"))
			require.ErrorIs(t, err, net.ErrClosed)
			require.ErrorIs(t, old.Close(), net.ErrClosed)
			require.ErrorIs(t, old.CloseWrite(), net.ErrClosed)
			require.ErrorIs(t, old.SetDeadline(time.Now()), net.ErrClosed)
			require.ErrorIs(t, old.SetIdleTimeout(time.Second), net.ErrClosed)
			require.ErrorIs(t, old.SetNoDelay(true), net.ErrClosed)
			require.Nil(t, old.LocalAddr())
		}
		_, err := peer.Write([]byte("x"))
		require.NoError(t, err)
		k, err := task.Run(t.Context(), n.executor, task.Call1(readOnce, c))
		require.NoError(t, err)
		require.Equal(t, 1, k)
		require.NoError(t, c.Close())
		stale = append(stale, c)
	}
	require.LessOrEqual(t, n.Stats().Slots, 2*pageSize)
	_, err := Conn{}.TryRead(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestDeadlines(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		for name, set := range map[string]func(Conn, time.Time) error{
			"both": Conn.SetDeadline, "reading": Conn.SetReadDeadline,
		} {
			t.Run(name, func(t *testing.T) {
				c, peer := pair(t, n)
				read := func() (int, error) { return task.Run(t.Context(), n.executor, task.Call1(readOnce, c), form) }

				require.NoError(t, set(c, time.Now().Add(-time.Second)))
				_, err := read()
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				var ne net.Error
				require.ErrorAs(t, err, &ne)
				require.True(t, ne.Timeout())

				require.NoError(t, set(c, time.Now().Add(20*time.Millisecond)))
				_, err = read()
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)
				_, err = peer.Write([]byte("x"))
				require.NoError(t, err)
				_, err = read()
				require.ErrorIs(t, err, os.ErrDeadlineExceeded, "although there is something to read")

				require.NoError(t, set(c, time.Now().Add(time.Hour)))
				k, err := read()
				require.NoError(t, err)
				require.Equal(t, 1, k)

				waiting, err := task.Start(n.executor, task.Call1(readOnce, c), form)
				require.NoError(t, err)
				time.Sleep(5 * time.Millisecond)
				require.NoError(t, set(c, time.Now()))
				_, err = waiting.WaitContext(t.Context())
				require.ErrorIs(t, err, os.ErrDeadlineExceeded)

				require.NoError(t, set(c, time.Time{}))
				_, err = peer.Write([]byte("y"))
				require.NoError(t, err)
				_, err = read()
				require.NoError(t, err)
				require.NoError(t, c.Close())
			})
		}
		c, _ := pair(t, n)
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
		_, err := task.Run(t.Context(), n.executor, task.Do1(fill, c), form)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}

// A deadline that is moved leaves the timer of the one before, which then ends nothing.
func TestMovedDeadline(t *testing.T) {
	n := open(t)
	c, _ := pair(t, n)
	tryRead := func() error {
		_, err := c.TryRead(make([]byte, 1))
		return err
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	more := slotOf(c.h.number()).more
	for _, to := range []time.Time{time.Now().Add(2 * time.Hour), {}} {
		require.NoError(t, c.SetReadDeadline(to))
		c.h.expire(reading, more) // as the timer does
		require.Equal(t, ErrNotReady, tryRead())
	}
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	require.Eventually(t, func() bool { return errors.Is(tryRead(), os.ErrDeadlineExceeded) }, wait, pause)

	c.h.shrink()
	require.Equal(t, ErrNotReady, tryRead())
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Hour)))
	c.h.expire(reading, more) // too late
	require.Equal(t, ErrNotReady, tryRead())
}

func TestIdleTimeout(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		require.NoError(t, c.SetIdleTimeout(300*time.Millisecond))
		for range 8 { // longer than the timeout
			_, err := peer.Write([]byte("x"))
			require.NoError(t, err)
			_, err = task.Run(t.Context(), n.executor, task.Call1(readOnce, c), form)
			require.NoError(t, err)
			time.Sleep(50 * time.Millisecond)
		}
		_, err := task.Run(t.Context(), n.executor, task.Call1(readOnce, c), form)
		require.ErrorIs(t, err, ErrIdleTimeout)
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		require.NoError(t, c.SetIdleTimeout(0))
		_, err = c.TryRead(make([]byte, 1))
		require.Equal(t, ErrNotReady, err)
	})
}

// The first idle timeout of a Net, and one that is shorter than those before, are not measured from the sweep
// before.
func TestIdleTimeoutBetweenSweeps(t *testing.T) {
	n := open(t)
	late := func(d time.Duration) {
		n.sweeper.mu.Lock()
		defer n.sweeper.mu.Unlock()
		n.sweeper.last = n.sweeper.last.Add(-d)
	}
	late(time.Hour) // the Net is old
	for _, timeout := range []time.Duration{5 * time.Minute, 3 * time.Second} {
		c, _ := pair(t, n)
		require.NoError(t, c.SetIdleTimeout(timeout))
		n.sweeper.sweep()
		_, err := c.TryRead(make([]byte, 1))
		require.Equal(t, ErrNotReady, err)
		late(4 * time.Second) // less than the period of the first one
	}
	c, _ := pair(t, n)
	require.NoError(t, c.SetIdleTimeout(3*time.Second))
	late(time.Minute) // the process was suspended
	n.sweeper.sweep()
	_, err := c.TryRead(make([]byte, 1))
	require.Equal(t, ErrNotReady, err)
}

// A context that ends is the end of a wait, and not of the connection.
func TestContextOfAWait(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			cause := make(chan error, 1)
			go func() {
				_, err := task.Run(ctx, n.executor, task.Call1(readOnce, c), form)
				cause <- err
			}()
			time.Sleep(200 * time.Microsecond)
			cancel()
			require.ErrorIs(t, <-cause, context.Canceled)
		}
		_, err := peer.Write([]byte("x"))
		require.NoError(t, err)
		k, err := task.Run(t.Context(), n.executor, task.Call1(readOnce, c), form)
		require.NoError(t, err)
		require.Equal(t, 1, k)
	})
}

// Of two that would wait for one direction, one gets an error.
func TestTwoReaders(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		var ends [2]task.Handle[int]
		for i := range ends {
			var err error
			ends[i], err = task.Start(n.executor, task.Call1(readOnce, c), form)
			require.NoError(t, err)
		}
		var busy, read error
		select {
		case <-ends[0].Done():
			_, busy = ends[0].WaitContext(t.Context())
			_, err := peer.Write([]byte("x"))
			require.NoError(t, err)
			_, read = ends[1].WaitContext(t.Context())
		case <-ends[1].Done():
			_, busy = ends[1].WaitContext(t.Context())
			_, err := peer.Write([]byte("x"))
			require.NoError(t, err)
			_, read = ends[0].WaitContext(t.Context())
		}
		require.ErrorIs(t, busy, ErrBusy)
		require.NoError(t, read)
	})
}

func TestHalvesAndResets(t *testing.T) {
	n := open(t)
	c, peer := pair(t, n)
	read := func(c Conn) (int, error) { return task.Run(t.Context(), n.executor, task.Call1(readOnce, c)) }

	require.NoError(t, c.CloseWrite())
	_, err := io.ReadAll(peer)
	require.NoError(t, err)
	_, err = c.TryWrite([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = peer.Write([]byte("still"))
	require.NoError(t, err)
	k, err := read(c)
	require.NoError(t, err)
	require.Equal(t, 5, k)
	require.NoError(t, c.CloseRead())
	_, err = read(c)
	require.ErrorIs(t, err, net.ErrClosed)
	require.NoError(t, c.Close())

	c, peer = pair(t, n)
	require.NoError(t, peer.SetLinger(0))
	require.NoError(t, peer.Close())
	_, err = read(c)
	require.ErrorIs(t, err, errReset)
	require.NoError(t, c.Close())

	c, _ = pair(t, n)
	_, err = c.TryRead(nil)
	require.ErrorIs(t, err, ErrEmptyBuffer)
	_, err = c.TryWrite(nil)
	require.NoError(t, err)
}

func writeBuffers(t *task.T, c Conn, bufs *net.Buffers) (int64, error) {
	defer c.CloseWrite()
	return c.WriteBuffers(t, bufs)
}

func TestWriteBuffers(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		var bufs net.Buffers
		var want []byte
		for i := range 3000 {
			b := make([]byte, i%5000)
			for j := range b {
				b[j] = byte(i + j)
			}
			bufs = append(bufs, b)
			want = append(want, b...)
		}
		wrote, err := task.Start(n.executor, task.Call2(writeBuffers, c, &bufs), form)
		require.NoError(t, err)
		got, err := io.ReadAll(peer)
		require.NoError(t, err)
		require.Equal(t, want, got)
		k, err := wrote.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(len(want)), k)
		require.Empty(t, bufs)
	})
}

func readFull(t *task.T, c Conn, b []byte) (int, error) { return c.ReadFull(t, b) }

func TestAdopt(t *testing.T) {
	n := open(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	peer, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer peer.Close()
	nc, err := l.Accept()
	require.NoError(t, err)
	local, remote := nc.LocalAddr().String(), nc.RemoteAddr().String()

	c, err := n.Adopt(nc, []byte("pee"))
	require.NoError(t, err)
	require.Equal(t, local, c.LocalAddr().String())
	require.Equal(t, remote, c.RemoteAddr().String())
	_, err = peer.Write([]byte("ked"))
	require.NoError(t, err)
	b := make([]byte, 6)
	_, err = task.Run(t.Context(), n.executor, task.Call2(readFull, c, b))
	require.NoError(t, err)
	require.Equal(t, "peeked", string(b))

	_, err = n.Adopt(struct{ net.Conn }{peer}, nil)
	require.ErrorContains(t, err, "no descriptor")
	_, err = peer.Write([]byte("as it was"))
	require.NoError(t, err)
}

// say dials, and returns the answer to text, which is as long.
func say(t *task.T, n *Net, addr, text string) (string, error) {
	c, err := n.Dial(t, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Write(t, []byte(text)); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	_, err = c.ReadFull(t, answer)
	return string(answer), err
}

func TestDial(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		served, err := task.Start(n.executor, task.Do2(serve, l, echo), form)
		require.NoError(t, err)
		said, err := task.Run(t.Context(), n.executor, task.Call3(say, n, l.Addr().String(), "hello"), form)
		require.NoError(t, err)
		require.Equal(t, "hello", said)

		closed := l.Addr().String()
		require.NoError(t, l.Close())
		_, err = served.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = task.Run(t.Context(), n.executor, task.Call2(n.Dial, "tcp", closed), form)
		require.ErrorIs(t, err, errRefused)
		_, err = task.Run(t.Context(), n.executor, task.Call2(n.Dial, "udp", closed), form)
		var unknown net.UnknownNetworkError
		require.ErrorAs(t, err, &unknown)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = task.Run(ctx, n.executor, task.Call2(n.Dial, "tcp", closed), form)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func TestListenErrors(t *testing.T) {
	n := open(t)
	l := listen(t, n)
	_, err := n.Listen(t.Context(), "tcp", l.Addr().String())
	require.ErrorIs(t, err, errInUse)
	_, err = n.Listen(t.Context(), "udp", "127.0.0.1:0")
	var unknown net.UnknownNetworkError
	require.ErrorAs(t, err, &unknown)

	require.NoError(t, n.Close())
	require.ErrorIs(t, n.Close(), net.ErrClosed)
	_, err = n.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, l.Close(), net.ErrClosed, "by the Net")
}

// Close of a Net ends what waits, and what has the slots next is not affected.
// While somebody looks at all slots of a Net, none of them goes to another Net.
func TestSlotsStayWithTheirNet(t *testing.T) {
	n, other := open(t), open(t)
	c, _ := pair(t, n)
	closed := make(chan error, 1)
	for range n.slots() {
		go func() { closed <- n.Close() }()
		require.Eventually(t, func() bool { return c.h.net() == nil }, wait, pause)
		runtime.Gosched()
		d, _ := pair(t, other)
		require.NotEqual(t, c.h.number()>>pageShift, d.h.number()>>pageShift)
		break
	}
	require.NoError(t, <-closed)
}

// A new connection without data is one that Readable waits for, and does not try first.
func TestNewConnectionIsNotReady(t *testing.T) {
	n := open(t)
	c, peer := pair(t, n)
	wait, _, err := c.h.mustWait(reading)
	require.NoError(t, err)
	require.True(t, wait)
	_, err = peer.Write([]byte("a"))
	require.NoError(t, err)
	_, err = task.Run(t.Context(), n.executor, task.Call1(readOnce, c))
	require.NoError(t, err)
}

func TestCloseNet(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		var stale []Conn
		for range 5 {
			n := open(t)
			listen(t, n)
			require.Equal(t, 1, n.Stats().Listeners)
			var ends []task.Handle[int]
			for range 70 {
				c, _ := pair(t, n)
				h, err := task.Start(n.executor, task.Call1(readOnce, c), form)
				require.NoError(t, err)
				ends, stale = append(ends, h), append(stale, c)
			}
			require.NoError(t, n.Close())
			for _, h := range ends {
				_, err := h.WaitContext(t.Context())
				require.ErrorIs(t, err, net.ErrClosed)
			}
			require.Zero(t, n.Stats().Open)
			require.Zero(t, n.Stats().Listeners)
			for _, c := range stale {
				_, err := c.TryRead(make([]byte, 1))
				require.ErrorIs(t, err, net.ErrClosed)
			}
		}
	})
}
