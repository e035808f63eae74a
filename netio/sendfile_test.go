package netio

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// pattern returns bytes of which no two parts are alike.
func pattern(size int) []byte {
	b := make([]byte, size)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return b
}

// fileOf returns an open file with the contents b.
func fileOf(t *testing.T, b []byte) *os.File {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// sending is what SendFile is to send.
type sending struct{ offset, count int64 }

// moved is what SendFile and Splice return: the result of a launch with an error is the error alone.
type moved struct {
	n   int64
	err error
}

func sendPart(t *task.T, c Conn, f *os.File, s sending) (m moved, err error) {
	defer c.CloseWrite()
	m.n, m.err = c.SendFile(t, f, s.offset, s.count)
	return m, nil
}

// copyPart is sendPart without sendfile.
func copyPart(t *task.T, c Conn, f *os.File, s sending) (m moved, err error) {
	defer c.CloseWrite()
	m.n, m.err = c.copyFile(t, f, s.offset, s.count)
	return m, nil
}

// unixPair returns a Conn of a unix socket, and its other end.
func unixPair(t *testing.T, n *Net) (Conn, net.Conn) {
	l, err := n.Listen(t.Context(), "unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	defer l.Close()
	peer, err := net.Dial("unix", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = peer.Close() })
	c, err := task.Run(t.Context(), n.executor, task.Call0(l.Accept))
	require.NoError(t, err)
	return c, peer
}

func TestSendFile(t *testing.T) {
	const size = 5<<20 + 13 // more than the system has room for
	contents := pattern(size)
	for way, send := range map[string]func(*task.T, Conn, *os.File, sending) (moved, error){
		"by the system": sendPart, "by leases": copyPart,
	} {
		t.Run(way, func(t *testing.T) {
			inBothForms(t, func(t *testing.T, form task.Option) {
				n := open(t, WithBudget(20000)) // less than a lease would be otherwise
				f := fileOf(t, contents)
				for name, test := range map[string]struct {
					sending
					want []byte
					err  error
				}{
					"all":                   {sending{0, -1}, contents, nil},
					"from an offset":        {sending{size - 70001, -1}, contents[size-70001:], nil},
					"a part":                {sending{3, 1 << 20}, contents[3 : 3+1<<20], nil},
					"all by number":         {sending{0, size}, contents, nil},
					"nothing":               {sending{5, 0}, nil, nil},
					"behind the end":        {sending{size + 1, -1}, nil, nil},
					"more than there is":    {sending{size - 10, 11}, contents[size-10:], io.ErrUnexpectedEOF},
					"some from its end on":  {sending{size, 1}, nil, io.ErrUnexpectedEOF},
					"one byte, not the end": {sending{size - 2, 1}, contents[size-2 : size-1], nil},
				} {
					for kind, connect := range map[string]func(*testing.T, *Net) (Conn, net.Conn){
						"tcp": func(t *testing.T, n *Net) (Conn, net.Conn) { return pair(t, n) }, "unix": unixPair,
					} {
						t.Run(name+", "+kind, func(t *testing.T) {
							c, peer := connect(t, n)
							sent, err := task.Start(n.executor, task.Call3(send, c, f, test.sending), form)
							require.NoError(t, err)
							got, err := io.ReadAll(peer)
							require.NoError(t, err)
							require.True(t, bytes.Equal(test.want, got), "%d bytes of %d", len(got), len(test.want))
							m, err := sent.WaitContext(t.Context())
							require.NoError(t, err)
							require.Equal(t, moved{int64(len(test.want)), test.err}, m)
							require.NoError(t, c.Close())
						})
					}
				}
				at, err := f.Seek(0, io.SeekCurrent)
				require.NoError(t, err)
				require.Zero(t, at)
				require.Zero(t, n.Stats().Leased)
			})
		})
	}
}

// A SendFile whose peer does not read waits without a buffer, and ends by Close, by the context and by the
// peer.
func TestSendFileThatWaits(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		f := fileOf(t, pattern(32<<20)) // more than the system has room for
		all := sending{0, -1}
		for name, test := range map[string]struct {
			end  func(c Conn, peer *net.TCPConn, cancel func())
			want error
		}{
			"Close":   {func(c Conn, _ *net.TCPConn, _ func()) { _ = c.Close() }, net.ErrClosed},
			"context": {func(_ Conn, _ *net.TCPConn, cancel func()) { cancel() }, context.Canceled},
			"peer": {func(_ Conn, peer *net.TCPConn, _ func()) {
				_ = peer.SetLinger(0)
				_ = peer.Close()
			}, errReset},
		} {
			t.Run(name, func(t *testing.T) {
				c, peer := pair(t, n)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				sent, err := task.Start(n.executor, task.Call3(sendPart, c, f, all), form, task.Context(ctx))
				require.NoError(t, err)
				_, err = peer.Read(make([]byte, 1))
				require.NoError(t, err)
				require.Eventually(t, func() bool { return waits(c.h, writing) }, wait, pause)
				require.LessOrEqual(t, n.Stats().Leased, int64(leaseChunk))
				test.end(c, peer, cancel)
				m, err := sent.WaitContext(t.Context())
				require.NoError(t, err)
				require.ErrorIs(t, m.err, test.want)
				require.Less(t, m.n, int64(32<<20))
				require.Positive(t, m.n)
				_ = c.Close()
			})
		}
	})
}

// waits reports whether a task waits for a direction.
func waits(h handle, d direction) bool {
	s := h.lock()
	if s == nil {
		return false
	}
	defer s.mu.Unlock()
	return s.wakers[d].Pending()
}

// A file that has no offsets, or is closed, is an error, and the connection is as it was.
func TestSendFileErrors(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c, peer := pair(t, n)
		r, w, err := os.Pipe()
		require.NoError(t, err)
		defer r.Close()
		defer w.Close()
		send := func(f *os.File, s sending) error {
			_, err := task.Run(t.Context(), n.executor, task.Call3(sendFileOf, c, f, s), form)
			return err
		}
		var e *net.OpError
		require.ErrorAs(t, send(r, sending{0, 1}), &e)
		require.Equal(t, "sendfile", e.Op)
		require.ErrorAs(t, send(fileOf(t, []byte("x")), sending{-1, 1}), &e)
		closed := fileOf(t, []byte("x"))
		require.NoError(t, closed.Close())
		require.ErrorIs(t, send(closed, sending{0, 1}), os.ErrClosed)
		require.NoError(t, send(fileOf(t, []byte("yes")), sending{0, -1}))
		b := make([]byte, 3)
		_, err = io.ReadFull(peer, b)
		require.NoError(t, err)
		require.Equal(t, "yes", string(b))
		require.NoError(t, c.Close())
		require.ErrorIs(t, send(fileOf(t, []byte("x")), sending{0, 1}), net.ErrClosed)
	})
}

func sendFileOf(t *task.T, c Conn, f *os.File, s sending) (int64, error) {
	return c.SendFile(t, f, s.offset, s.count)
}

// Whichever comes last, the goroutine that reads a file or the task that has left, ends the lease.
func TestFileRead(t *testing.T) {
	n := open(t)
	f := fileOf(t, []byte("hello"))
	begin := func() *fileRead {
		l, err := task.Run(t.Context(), n.executor, task.Call1(n.Lease, 10))
		require.NoError(t, err)
		return &fileRead{lease: l}
	}
	r := begin() // the task waits
	r.read(f, 1)
	require.Equal(t, "ello", string(r.lease.Bytes[:r.n]))
	require.Equal(t, io.EOF, r.err)
	require.Equal(t, int64(10), n.Stats().Leased)
	r.leave()
	require.Zero(t, n.Stats().Leased)

	r = begin() // the task leaves before
	r.leave()
	require.Zero(t, n.Stats().Leased)
	r.read(f, 0)
	require.Zero(t, r.n)

	r = begin() // the task leaves meanwhile
	require.True(t, r.begin())
	r.leave()
	require.Equal(t, int64(10), n.Stats().Leased)
	r.ended()
	require.Zero(t, n.Stats().Leased)
}
