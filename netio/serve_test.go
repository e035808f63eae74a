package netio

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// inForm makes Serve launch its tasks with an option.
func inForm(form task.Option) ServeOption {
	return serveOptionFunc(func(o *serveOptions) { o.launch = append(o.launch, form) })
}

// startServe serves h until the test ends, and requires that Serve ends without an error then.
func startServe(t testing.TB, n *Net, l *Listener, h http.Handler, opts ...ServeOption) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, l, h, opts...) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
}

// awaitParked waits until n connections and the listener wait.
func awaitParked(t *testing.T, n *Net, conns int) {
	require.Eventually(t, func() bool { toRead, _ := n.Waiting(); return toRead == conns+1 }, wait, pause)
}

// What net/http does in its Peek is what serve_conn.go says. If this fails with a new release of Go, no
// connection is parked there.
func TestBoundarySize(t *testing.T) {
	require.Equal(t, 4096, boundarySize())
}

func TestServe(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		startServe(t, n, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", string(body), " ", err)
		}), inForm(form))
		c, err := net.Dial("tcp", l.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		in := bufio.NewReader(c)
		for i := range 20 {
			if i%2 == 0 {
				awaitParked(t, n, 1)
			}
			req, err := http.NewRequest("POST", fmt.Sprintf("http://a/%d", i), strings.NewReader(strings.Repeat("x", i)))
			require.NoError(t, err)
			require.NoError(t, req.Write(c))
			res, err := http.ReadResponse(in, req)
			require.NoError(t, err)
			text, err := io.ReadAll(res.Body)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("POST /%d %s <nil>", i, strings.Repeat("x", i)), string(text))
		}
	})
}

// dialTCP connects to l until the test ends.
func dialTCP(t testing.TB, addr net.Addr) *net.TCPConn {
	c, err := net.Dial("tcp", addr.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// askHTTP sends a GET for a path, and returns the body of the answer.
func askHTTP(t testing.TB, c net.Conn, path string) string {
	_, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	require.NoError(t, err)
	return answerOf(t, c)
}

// answerOf reads the answer to a request, and nothing after it.
func answerOf(t testing.TB, c net.Conn) string {
	var head []byte
	for !strings.HasSuffix(string(head), "\r\n\r\n") {
		var b [1]byte
		_, err := io.ReadFull(c, b[:])
		require.NoError(t, err, "after %q", head)
		head = append(head, b[0])
	}
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(head))), nil)
	require.NoError(t, err)
	require.Equal(t, 200, res.StatusCode)
	body := make([]byte, res.ContentLength)
	_, err = io.ReadFull(c, body)
	require.NoError(t, err)
	return string(body)
}

// requireEnd requires that the server closes the connection.
func requireEnd(t testing.TB, c net.Conn) {
	rest, err := io.ReadAll(c)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(t, err)
	}
	require.Empty(t, rest)
}

// requireNothingLeft requires that all connections are closed, and that all tasks have ended.
func requireNothingLeft(t testing.TB, n *Net) {
	require.Eventually(t, func() bool {
		return n.Stats().Open == 0 && n.executor.(*executor.Pool).Arena().Stats().Total.Live == 0
	}, wait, pause)
}

// blocking is a handler whose requests for /wait wait for permission.
type blocking struct {
	begun   chan struct{}
	release chan struct{}
}

func newBlocking() *blocking { return &blocking{make(chan struct{}, 10), make(chan struct{})} }

func (b *blocking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/wait" {
		b.begun <- struct{}{}
		<-b.release
	}
	fmt.Fprint(w, "done")
}

// At the end of its context, Serve lets requests end, and closes everything else.
func TestServeShutdown(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		h := newBlocking()
		ctx, cancel := context.WithCancelCause(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- n.Serve(ctx, l, h, WithParkAfter(0), inForm(form)) }()

		silent, idle, busy := dialTCP(t, l.Addr()), dialTCP(t, l.Addr()), dialTCP(t, l.Addr())
		require.Equal(t, "done", askHTTP(t, idle, "/"))
		awaitParked(t, n, 3)
		_, err := io.WriteString(busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
		require.NoError(t, err)
		<-h.begun
		cancel(io.ErrClosedPipe)
		requireEnd(t, silent)
		requireEnd(t, idle)
		_, err = net.Dial("tcp", l.Addr().String())
		require.Error(t, err)
		close(h.release)
		require.Equal(t, "done", answerOf(t, busy))
		requireEnd(t, busy)
		require.NoError(t, <-ended)
		requireNothingLeft(t, n)
	})
}

// When its time is over, Serve closes the connections of requests, and returns the cause of its end.
func TestServeShutdownTimeout(t *testing.T) {
	n := open(t)
	l := listen(t, n)
	h := newBlocking()
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Serve(ctx, l, h, WithShutdownTimeout(time.Millisecond)) }()
	c := dialTCP(t, l.Addr())
	_, err := io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	require.NoError(t, err)
	<-h.begun
	cancel(io.ErrClosedPipe)
	require.Equal(t, io.ErrClosedPipe, <-ended)
	requireEnd(t, c)
	close(h.release)
	requireNothingLeft(t, n)
}

// The ends of the listener, the Net and the executor are the end of Serve.
func TestServeEnds(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		for _, by := range []struct {
			name string
			end  func(n *Net, l *Listener) error
			want error
		}{
			{"listener", func(_ *Net, l *Listener) error { return l.Close() }, http.ErrServerClosed},
			{"net", func(n *Net, _ *Listener) error { return n.Close() }, http.ErrServerClosed},
			{"executor", func(n *Net, _ *Listener) error { return n.executor.(*executor.Pool).Close() }, task.ErrClosed},
		} {
			t.Run(by.name, func(t *testing.T) {
				before := runtime.NumGoroutine()
				pool := executor.NewPool()
				n, err := Open(pool)
				require.NoError(t, err)
				l := listen(t, n)
				ended := make(chan error, 1)
				go func() { ended <- n.Serve(t.Context(), l, newBlocking(), WithParkAfter(0), inForm(form)) }()
				silent, idle := dialTCP(t, l.Addr()), dialTCP(t, l.Addr())
				require.Equal(t, "done", askHTTP(t, idle, "/"))
				awaitParked(t, n, 2)
				require.NoError(t, by.end(n, l))
				require.ErrorIs(t, <-ended, by.want)
				requireEnd(t, silent)
				requireEnd(t, idle)
				require.Eventually(t, func() bool { return n.Stats().Open == 0 }, wait, pause)
				_, _ = n.Close(), pool.Close()                                                                // one of them may be closed
				require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, wait, pause) // one looks
			})
		}
	})
}

func TestServeRefuses(t *testing.T) {
	n := open(t)
	l := listen(t, open(t))
	require.ErrorIs(t, n.Serve(t.Context(), l, nil), errOtherNet)
	require.Panics(t, func() { WithShutdownTimeout(0) })
	require.Panics(t, func() { WithParkAfter(-1) })

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, n.Serve(ended, listen(t, n), nil))
	l = listen(t, n)
	require.NoError(t, l.Close())
	require.Equal(t, http.ErrServerClosed, n.Serve(t.Context(), l, nil))
	require.PanicsWithValue(t, "BaseContext returned a nil context", func() {
		_ = n.Serve(t.Context(), listen(t, n), nil, WithHTTPServer(&http.Server{BaseContext: func(net.Listener) context.Context { return nil }}))
	})
	requireNothingLeft(t, n)
}

// The hooks see one connection, however often it is parked.
func TestServeHooks(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		type key struct{}
		var mu sync.Mutex
		states := make(map[net.Conn][]http.ConnState) // guarded by mu
		contexts := 0                                 // guarded by mu
		logged := func(c net.Conn) []http.ConnState {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(states[c])
		}
		var conn net.Conn
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Context().Value(key{}), r.Context().Value(http.ServerContextKey).(*http.Server).IdleTimeout)
		})
		startServe(t, n, l, h, WithParkAfter(0), inForm(form), WithHTTPServer(&http.Server{
			IdleTimeout: time.Hour,
			BaseContext: func(nl net.Listener) context.Context {
				return context.WithValue(context.Background(), key{}, nl.Addr().String())
			},
			ConnContext: func(ctx context.Context, c net.Conn) context.Context {
				mu.Lock()
				defer mu.Unlock()
				contexts++
				conn = c
				return context.WithValue(ctx, key{}, fmt.Sprint(ctx.Value(key{}), " ", c.RemoteAddr(), " ", contexts))
			},
			ConnState: func(c net.Conn, state http.ConnState) {
				mu.Lock()
				defer mu.Unlock()
				states[c] = append(states[c], state)
			},
		}))
		for number, end := range []func(c *net.TCPConn){
			func(c *net.TCPConn) { require.NoError(t, c.Close()) },
			func(c *net.TCPConn) { // the user may close it, too
				require.NoError(t, conn.Close())
				requireEnd(t, c)
			},
		} {
			c := dialTCP(t, l.Addr())
			awaitParked(t, n, 1)
			want := []http.ConnState{http.StateNew}
			for range 3 {
				require.Equal(t, fmt.Sprintf("%v %v %d1h0m0s", l.Addr(), c.LocalAddr(), number+1), askHTTP(t, c, "/"))
				awaitParked(t, n, 1)
				want = append(want, http.StateActive, http.StateIdle)
				require.Equal(t, want, logged(conn))
			}
			require.Equal(t, c.LocalAddr(), conn.RemoteAddr())
			end(c)
			require.Eventually(t, func() bool { return slices.Equal(append(want, http.StateClosed), logged(conn)) }, wait, pause)
		}
		require.Len(t, states, 2)
	})
}

// A connection that was hijacked goes on in tasks, as the same Conn.
func TestServeHijackAdopt(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		l := listen(t, n)
		type outcome struct {
			early, err error
			opened     int // connections, by Adopt
		}
		outcomes := make(chan outcome, 1)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, early := n.Adopt(r.Context().Value(connKey{}).(net.Conn), nil)
			nc, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\n\r\n")
			_ = rw.Flush()
			peeked, _ := rw.Reader.Peek(rw.Reader.Buffered())
			before := n.Stats().Open
			c, err := n.Adopt(nc, peeked)
			if err == nil {
				err = task.Go(n.executor, task.Do1(echo, c), form)
			}
			outcomes <- outcome{early, err, n.Stats().Open - before}
		})
		startServe(t, n, l, h, inForm(form), WithHTTPServer(&http.Server{ReadTimeout: time.Minute}))
		for _, sent := range []string{"", "early "} {
			c := dialTCP(t, l.Addr())
			_, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"+sent)
			require.NoError(t, err)
			o := <-outcomes
			require.NoError(t, o.err)
			require.ErrorIs(t, o.early, errServed)
			require.Zero(t, o.opened, "it is the same Conn")
			_, err = io.WriteString(c, "late")
			require.NoError(t, err)
			require.NoError(t, c.CloseWrite())
			all, err := io.ReadAll(c)
			require.NoError(t, err)
			require.Equal(t, "HTTP/1.1 101 Switching Protocols\r\n\r\n"+sent+"late", string(all))
		}
	})
}

// Adopt gives back the Conn that a net.Conn of NetConn is for.
func TestAdoptNetConn(t *testing.T) {
	n := open(t)
	c, peer := pair(t, n)
	_, err := peer.Write([]byte("rest"))
	require.NoError(t, err)
	got, err := n.Adopt(c.NetConn(), []byte("second "))
	require.NoError(t, err)
	require.Equal(t, c, got)
	got, err = n.Adopt(c.NetConn(), []byte("first "))
	require.NoError(t, err)
	require.Equal(t, c, got)
	b := make([]byte, len("first second rest"))
	_, err = io.ReadFull(c.NetConn(), b)
	require.NoError(t, err)
	require.Equal(t, "first second rest", string(b))

	_, err = open(t).Adopt(c.NetConn(), nil)
	require.ErrorIs(t, err, errNoDescriptor)
	nc := c.NetConn()
	require.NoError(t, c.Close())
	_, err = n.Adopt(nc, nil)
	require.ErrorIs(t, err, net.ErrClosed)
}

// Timeouts close connections as those of http.Server do, with the same answers.
func TestServeTimeouts(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		const short = 30 * time.Millisecond
		n := open(t)
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(r.Body)
			fmt.Fprint(w, "read ", err != nil)
			if r.URL.Path == "/slow" {
				<-r.Context().Done() // or the writing deadline passes
			} else if r.URL.Path == "/much" {
				b := make([]byte, 1<<20)
				for {
					if _, err := w.Write(b); err != nil {
						return
					}
				}
			}
		})
		type timeouts struct{ readHeader, read, write, idle time.Duration }
		for _, c := range []struct {
			name   string
			set    timeouts
			send   string
			silent bool // the client does not read
		}{
			{name: "nothing", set: timeouts{readHeader: short}},
			{name: "nothing, ReadTimeout", set: timeouts{read: short}},
			{name: "half a head", set: timeouts{readHeader: short}, send: "GET / HT"},
			{name: "half of the second head", set: timeouts{readHeader: short, idle: time.Hour}, send: get + "GET / HT"},
			{name: "idle", set: timeouts{idle: short}, send: get},
			{name: "idle, ReadTimeout", set: timeouts{read: short}, send: get},
			{name: "idle with a byte", set: timeouts{idle: short}, send: get + "G"},
			{name: "body", set: timeouts{read: short}, send: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"},
			{name: "write", set: timeouts{write: short}, send: "GET /much HTTP/1.1\r\nHost: a\r\n\r\n", silent: true},
		} {
			for _, after := range []time.Duration{0, 5 * time.Millisecond, time.Hour} {
				t.Run(fmt.Sprint(c.name, " ", after), func(t *testing.T) {
					settings := func() *http.Server {
						srv := quiet()
						srv.ReadHeaderTimeout, srv.ReadTimeout = c.set.readHeader, c.set.read
						srv.WriteTimeout, srv.IdleTimeout = c.set.write, c.set.idle
						return srv
					}
					_, standard := servers(t, n, h, settings)
					l := listen(t, n)
					startServe(t, n, l, h, WithHTTPServer(settings()), WithParkAfter(after), inForm(form))
					answer := func(addr net.Addr) string {
						peer := dialTCP(t, addr)
						_, err := io.WriteString(peer, c.send)
						require.NoError(t, err)
						if c.silent {
							time.Sleep(2 * short)
							return ""
						}
						text, err := io.ReadAll(peer)
						if !errors.Is(err, syscall.ECONNRESET) {
							require.NoError(t, err)
						}
						return date.ReplaceAllString(string(text), "Date: today\r\n")
					}
					// On a busy machine a timeout may end one of the two where the other one was in time.
					expected, actual := answer(standard), answer(l.Addr())
					for attempt := 0; expected != actual && attempt < 20; attempt++ {
						expected, actual = answer(standard), answer(l.Addr())
					}
					require.Equal(t, expected, actual)
					require.Eventually(t, func() bool { return n.Stats().Open == n.Stats().Listeners }, wait, pause)
				})
			}
		}
	})
}

// A connection of HTTP/2 is never parked, though net/http reports that it is idle.
func TestServeHTTP2(t *testing.T) {
	n := open(t)
	l := listen(t, n)
	var both, second http.Protocols
	both.SetHTTP1(true)
	both.SetUnencryptedHTTP2(true)
	second.SetUnencryptedHTTP2(true)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprint(w, r.Proto, " ", len(b), " ", err)
	})
	startServe(t, n, l, h, WithParkAfter(0), WithHTTPServer(&http.Server{Protocols: &both}))
	idle := dialTCP(t, l.Addr())
	require.Equal(t, "HTTP/1.1 0 <nil>", askHTTP(t, idle, "/"))
	awaitParked(t, n, 1)
	client := &http.Client{Transport: &http.Transport{Protocols: &second}}
	defer client.CloseIdleConnections()
	for i := range 20 {
		res, err := client.Post("http://"+l.Addr().String(), "text/plain", strings.NewReader(strings.Repeat("x", i*1024)))
		require.NoError(t, err)
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, fmt.Sprintf("HTTP/2.0 %d <nil>", i*1024), string(b))
		time.Sleep(time.Millisecond) // it is idle
	}
	parked, _ := n.Waiting()
	require.Equal(t, 2, parked, "the listener, and the connection of HTTP/1.1")
	require.Equal(t, "HTTP/1.1 0 <nil>", askHTTP(t, idle, "/"))
}

// servers starts Serve and http.Server with the same handler and settings.
func servers(t testing.TB, n *Net, h http.Handler, settings func() *http.Server) (ours, standard net.Addr) {
	l, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	startServe(t, n, l, h, WithHTTPServer(settings()))

	nl, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := settings()
	srv.Handler = h
	go srv.Serve(nl)
	t.Cleanup(func() { require.NoError(t, srv.Close()) })
	return l.Addr(), nl.Addr()
}
