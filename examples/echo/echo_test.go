package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// The command starts its own program as other processes. In a test that is the test binary.
func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func newTaskServer(t *testing.T, buffer int) *taskServer {
	_, err := mostConns(2000)
	require.NoError(t, err)
	s, err := listenTasks(buffer)
	require.NoError(t, err)
	return s
}

func dial(t *testing.T, s server) *net.TCPConn {
	conn, err := net.Dial("tcp4", s.Addr())
	require.NoError(t, err)
	return conn.(*net.TCPConn)
}

// quiet waits until the server has n connections.
func quiet(t *testing.T, s server, n int) {
	t.Helper()
	require.NoError(t, waitForOpen(s, n))
}

// text returns n bytes. n is a multiple of 8, and all words of 8 bytes differ.
func text(n int) []byte { return appendText(nil, n) }

func appendText(b []byte, n int) []byte {
	for range n / 8 {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(b)))
	}
	return b
}

func TestEveryConnectionHasItsOwnEchoes(t *testing.T) {
	for _, mode := range []string{modeTask, modeGoroutine} {
		t.Run(mode, func(t *testing.T) {
			before := openFiles(t)
			_, err := mostConns(2000)
			require.NoError(t, err)
			s, err := open(options{mode: mode, buffer: 256})
			require.NoError(t, err)
			c := clients{addr: s.Addr()}
			_, err = c.do(order{Connect: 500})
			require.NoError(t, err)
			quiet(t, s, 500)
			r, err := c.do(order{Echoes: 2000, Active: 7})
			require.NoError(t, err)
			require.Positive(t, r.P50)
			require.GreaterOrEqual(t, r.P99, r.P50)
			_, err = c.do(order{Close: true})
			require.NoError(t, err)
			quiet(t, s, 0)
			require.NoError(t, s.Close()) // an arena.ErrLeak if a frame were live
			require.Equal(t, before, openFiles(t))
		})
	}
}

func TestALongTextThroughAShortBuffer(t *testing.T) {
	s := newTaskServer(t, 100)
	conn := dial(t, s)
	sent := text(100_000)
	go conn.Write(sent)
	received := make([]byte, len(sent))
	_, err := io.ReadFull(conn, received)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, received))
	require.NoError(t, conn.Close())
	quiet(t, s, 0)
	require.NoError(t, s.Close())
}

// A task does not miss a message that arrives when it is about to wait, or has just begun to.
func TestMessagesCloseTogether(t *testing.T) {
	s := newTaskServer(t, 4096)
	conn := dial(t, s)
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	var received [2]byte
	pairs := 20_000
	if testing.Short() {
		pairs = 5000
	}
	for i := range pairs {
		_, err := conn.Write([]byte{1})
		require.NoError(t, err)
		for start := time.Now(); time.Since(start) < time.Duration(i%400)*50*time.Nanosecond; {
		}
		_, err = conn.Write([]byte{2})
		require.NoError(t, err)
		_, err = io.ReadFull(conn, received[:])
		require.NoError(t, err, "after %d pairs", i)
		require.Equal(t, [2]byte{1, 2}, received)
	}
	require.NoError(t, conn.Close())
	quiet(t, s, 0)
	require.NoError(t, s.Close())
}

func TestHalfClose(t *testing.T) {
	s := newTaskServer(t, 4096)
	conn := dial(t, s)
	sent := text(10_000)
	_, err := conn.Write(sent)
	require.NoError(t, err)
	require.NoError(t, conn.CloseWrite())
	received, err := io.ReadAll(conn) // the echo of everything, and then the end
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, received))
	quiet(t, s, 0) // although the client has not closed it
	require.NoError(t, conn.Close())
	require.NoError(t, s.Close())
}

// stuff sends without reading, until the server waits for room to send echoes and the
// connection takes no more bytes. It returns the bytes that were sent.
func stuff(t *testing.T, s *taskServer, conn *net.TCPConn) []byte {
	require.NoError(t, conn.SetReadBuffer(256<<10))
	var all []byte
	sent := 0
	for {
		if sent == len(all) {
			all = appendText(all, 1<<20)
		}
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(20*time.Millisecond)))
		n, err := conn.Write(all[sent:])
		sent += n
		if err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
		if n == 0 && buffers(s, 4096) == 1 {
			return all[:sent]
		}
	}
}

// buffers returns how many connections have a buffer: those with something to send.
func buffers(s *taskServer, size int64) int { return int(s.net.Stats().Leased / size) }

func TestTheOtherSideDoesNotRead(t *testing.T) {
	s := newTaskServer(t, 4096)
	slow, other := dial(t, s), dial(t, s)
	sent := stuff(t, s, slow)

	quick := &client{conn: other} // the server still serves it
	require.NoError(t, quick.echo())

	received := make([]byte, len(sent))
	_, err := io.ReadFull(slow, received)
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, received))
	require.Eventually(t, func() bool { return buffers(s, 4096) == 0 }, time.Minute, time.Millisecond)

	require.NoError(t, slow.Close())
	require.NoError(t, other.Close())
	quiet(t, s, 0)
	require.NoError(t, s.Close())
}

func TestClientsVanish(t *testing.T) {
	s := newTaskServer(t, 4096)
	tests := []struct {
		name   string
		before func(*net.TCPConn)
	}{
		{"idle", func(*net.TCPConn) {}},
		{"with an echo on its way", func(conn *net.TCPConn) { conn.Write(text(1000)) }},
		{"that do not read", func(conn *net.TCPConn) { stuff(t, s, conn) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			stays, goes := dial(t, s), dial(t, s)
			test.before(goes)
			quiet(t, s, 2)
			require.NoError(t, goes.SetLinger(0)) // close with a reset
			require.NoError(t, goes.Close())
			quiet(t, s, 1)
			require.NoError(t, (&client{conn: stays}).echo())
			require.NoError(t, stays.Close())
			quiet(t, s, 0)
		})
	}
	require.NoError(t, s.Close())
}

func TestCloseEndsAllConnections(t *testing.T) {
	before := openFiles(t)
	s := newTaskServer(t, 4096)
	c := clients{addr: s.Addr()}
	_, err := c.do(order{Connect: 500})
	require.NoError(t, err)
	quiet(t, s, 500)
	_, err = c.do(order{Echoes: 500, Active: 4})
	require.NoError(t, err)
	stuff(t, s, c.conns[0].conn)

	require.NoError(t, s.Close()) // an arena.ErrLeak if a frame were live
	require.Zero(t, s.Open())
	for _, client := range c.conns[1:] {
		_, err := client.conn.Read(make([]byte, 1))
		require.True(t, err == io.EOF || errors.Is(err, syscall.ECONNRESET), "%v", err)
	}
	c.close()
	require.Equal(t, before, openFiles(t))
}

// An idle connection has one frame, of the smallest class, and no buffer.
func TestAnIdleConnectionIsOneFrame(t *testing.T) {
	const conns = 200
	s := newTaskServer(t, 4096)
	live := func() int { return int(s.pool.Arena().Stats().Total.Live) }
	c := clients{addr: s.Addr()}
	_, err := c.do(order{Connect: conns})
	require.NoError(t, err)
	t.Cleanup(c.close)
	_, err = c.do(order{Echoes: conns, Active: 4})
	require.NoError(t, err)
	quiet(t, s, conns)
	const others = 5 // at most: serve, and what it calls
	require.Eventually(t, func() bool {
		n := live()
		return n > conns && n <= conns+others && buffers(s, 4096) == 0
	}, time.Minute, time.Millisecond)
	_, err = c.do(order{Close: true})
	require.NoError(t, err)
	quiet(t, s, 0)
	require.NoError(t, s.Close())
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
}

func TestTheCommand(t *testing.T) {
	// With the race detector, each process would sleep for a second before it ends.
	t.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	args := []string{"-conns", "100", "-echoes", "1000", "-active", "3"}

	o, err := parse(append(args, "-json"), io.Discard)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, run(o, &out))
	var rows []row
	require.NoError(t, json.Unmarshal(out.Bytes(), &rows))
	require.Len(t, rows, 2)
	for i, mode := range []string{modeTask, modeGoroutine} {
		require.Equal(t, mode, rows[i].Mode)
		require.Equal(t, 100, rows[i].Conns)
		require.Zero(t, rows[i].LimitedTo)
		require.Positive(t, rows[i].P50)
		require.Positive(t, rows[i].EchoesASecond)
	}

	o, err = parse(append(args, "-mode", "task"), io.Discard)
	require.NoError(t, err)
	out.Reset()
	require.NoError(t, run(o, &out))
	require.Contains(t, out.String(), "An echo server with 100 connections")
	require.Regexp(t, `(?m)^ +task +-?\d+ B +\S+ +\S+ +\S+ +\d+$`, out.String())
	require.NotRegexp(t, `(?m)^ +goroutine `, out.String())
}

func TestWhatTheCommandRefuses(t *testing.T) {
	for _, args := range [][]string{{"-conns", "0"}, {"-mode", "fiber"}, {"-buffer", "x"}, {"more"}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err)
	}
}
