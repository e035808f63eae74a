package netio

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/framearena/framearena/task"
)

// ServeOption configures [Net.Serve].
type ServeOption interface{ applyServe(*serveOptions) }

type serveOptions struct {
	settings  *http.Server
	timeout   time.Duration // of the shutdown; 0: none
	parkAfter time.Duration
	launch    []task.Option // of all tasks, for tests
}

type serveOptionFunc func(*serveOptions)

func (f serveOptionFunc) applyServe(o *serveOptions) { f(o) }

// WithHTTPServer makes Serve use the settings of srv: DisableGeneralOptionsHandler, ReadTimeout,
// ReadHeaderTimeout, WriteTimeout, IdleTimeout, MaxHeaderBytes, ConnState, ErrorLog, BaseContext,
// ConnContext, HTTP2 and Protocols. They are copied when Serve begins. Addr, Handler, TLSConfig and
// TLSNextProto are ignored, and the methods of srv have no effect on Serve.
//
// Each connection is the same net.Conn in all calls of ConnState, and ConnContext is called once for it.
// Both see a connection with its first byte: one that never sends anything has no states.
func WithHTTPServer(srv *http.Server) ServeOption {
	return serveOptionFunc(func(o *serveOptions) { o.settings = srv })
}

// WithShutdownTimeout limits the time that requests have to end when Serve ends. Then their connections are
// closed. Without it, Serve waits for as long as they take. It panics if d is not positive.
func WithShutdownTimeout(d time.Duration) ServeOption {
	if d <= 0 {
		panic("netio: a shutdown timeout must be positive")
	}
	return serveOptionFunc(func(o *serveOptions) { o.timeout = d })
}

// WithParkAfter sets how long a connection keeps its goroutine and its buffers after a response, so that a
// client which sends its next request soon is served without a new goroutine. Without it, that is 100 ms. It
// panics if d is negative.
func WithParkAfter(d time.Duration) ServeOption {
	if d < 0 {
		panic("netio: a negative time before a connection is parked")
	}
	return serveOptionFunc(func(o *serveOptions) { o.parkAfter = d })
}

const defaultParkAfter = 100 * time.Millisecond

var errOtherNet = errors.New("netio: the Listener is of another Net")

// Serve accepts connections from l and serves HTTP on them as http.Server does, with net/http: each request
// has a goroutine, and h (or http.DefaultServeMux, if h is nil) may block. But a connection that waits for
// its first or its next request is a task: it has no goroutine and no buffer.
//
// Serve blocks the calling goroutine. It ends when ctx ends, when l is closed, or when n is: it closes l and
// the connections without a request, and waits for the requests that are being served, as
// http.Server.Shutdown does; see [WithShutdownTimeout]. Hijacked connections are not affected. Then Serve
// returns
//
//   - after the end of ctx: nil, or the cause of ctx if requests were left and their connections were closed;
//   - after l or n was closed: [http.ErrServerClosed];
//   - otherwise the error that has ended it, such as that of a closed executor.
//
// A handler may hijack its connection. If the net.Conn that it gets is given to [Net.Adopt], with the bytes
// that were read too early, task functions go on with it.
func (n *Net) Serve(ctx context.Context, l *Listener, h http.Handler, opts ...ServeOption) error {
	if l.n != n {
		return l.opError("serve", errOtherNet)
	}
	o := serveOptions{settings: new(http.Server), parkAfter: defaultParkAfter}
	for _, opt := range opts {
		opt.applyServe(&o)
	}
	s := newHTTPServer(l, h, o)
	accepted, err := task.Start(n.executor, task.Do1(s.accept, l), o.launch...)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	failed := make(chan struct{})
	ended := make(chan bool, 1)
	go func() {
		select {
		case <-ctx.Done():
		case <-accepted.Done():
		case <-failed:
		}
		_ = l.Close() // it may be closed already
		<-accepted.Done()
		ended <- s.shutdown(o.timeout)
	}()

	complete := false
	err = func() error {
		defer func() { // also if BaseContext panics
			close(failed)
			complete = <-ended
		}()
		return s.http.Serve(&s.feed)
	}()
	_, cause := accepted.WaitContext(context.Background())
	switch {
	case err != http.ErrServerClosed:
		return err
	case ctx.Err() != nil && complete:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(cause, net.ErrClosed):
		return http.ErrServerClosed
	default:
		return cause
	}
}

// httpServer is what one call of Serve has.
type httpServer struct {
	l         *Listener
	handler   http.Handler
	http      *http.Server // whose hooks are those of this httpServer
	parkAfter time.Duration
	launch    []task.Option

	connContext func(context.Context, net.Conn) context.Context // the user's, or nil
	connState   func(net.Conn, http.ConnState)                  // the user's, or nil

	feed   feed
	timers sync.Pool      // of *time.Timer, which are stopped
	waits  sync.WaitGroup // the tasks of parked connections

	mu     sync.Mutex
	closed bool     // no connection is parked any more; guarded by mu
	parked httpConn // the head of the ring of those that are; guarded by mu
}

func newHTTPServer(l *Listener, h http.Handler, o serveOptions) *httpServer {
	if h == nil {
		h = http.DefaultServeMux
	}
	s := &httpServer{
		l: l, handler: h, parkAfter: o.parkAfter,
		launch:      append(o.launch, task.OnError(func(error) {})), // it ends with the executor
		connContext: o.settings.ConnContext,
		connState:   o.settings.ConnState,
	}
	s.feed.start(l.Addr())
	s.timers.New = func() any {
		t := time.NewTimer(time.Hour)
		t.Stop()
		return t
	}
	s.parked.next, s.parked.previous = &s.parked, &s.parked
	s.http = &http.Server{
		Handler:                      s,
		DisableGeneralOptionsHandler: o.settings.DisableGeneralOptionsHandler,
		ReadTimeout:                  o.settings.ReadTimeout,
		ReadHeaderTimeout:            o.settings.ReadHeaderTimeout,
		WriteTimeout:                 o.settings.WriteTimeout,
		IdleTimeout:                  o.settings.IdleTimeout,
		MaxHeaderBytes:               o.settings.MaxHeaderBytes,
		ErrorLog:                     o.settings.ErrorLog,
		BaseContext:                  o.settings.BaseContext,
		HTTP2:                        o.settings.HTTP2,
		Protocols:                    o.settings.Protocols,
		ConnContext:                  s.contextOf,
		ConnState:                    s.stateChanged,
	}
	return s
}

// accept parks each new connection, until the listener is closed.
func (s *httpServer) accept(t *task.T, l *Listener) error {
	for {
		c, err := l.Accept(t)
		if err != nil {
			return err
		}
		s.park(&httpConn{blockingConn: blockingConn{c: c}, s: s, need: 1}, s.headTimeout())
	}
}

// headTimeout is how long a new connection may take for the head of its first request; 0: for ever.
func (s *httpServer) headTimeout() time.Duration {
	if s.http.ReadHeaderTimeout != 0 {
		return s.http.ReadHeaderTimeout
	}
	return s.http.ReadTimeout
}

// ServeHTTP notes what decides about parking, and calls the handler.
func (s *httpServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*httpConn); ok && r.ProtoMajor == 1 {
		c.http1 = true
		c.posted = r.Method == http.MethodPost
	}
	s.handler.ServeHTTP(w, r)
}

// connKey is the key of the *httpConn in the context of a connection.
type connKey struct{}

// contextOf is the ConnContext of net/http.
func (s *httpServer) contextOf(ctx context.Context, nc net.Conn) context.Context {
	c := nc.(*httpConn) // the feed has no others
	if s.connContext == nil {
		return context.WithValue(ctx, connKey{}, c)
	}
	if c.ctx == nil {
		users := s.connContext(ctx, c)
		if users == nil {
			return nil // net/http panics, as always
		}
		c.ctx = context.WithValue(users, connKey{}, c)
	}
	return c.ctx
}

// stateChanged is the ConnState of net/http. While a connection is parked, its last state for the user is
// StateIdle.
func (s *httpServer) stateChanged(nc net.Conn, state http.ConnState) {
	c, ok := nc.(*httpConn)
	switch {
	case !ok:
	case state == http.StateNew:
		if c.announced {
			return
		}
		c.announced = true
	case state == http.StateActive:
		c.posted = false
	case state == http.StateHijacked:
		c.setPhase(hijacked)
	case state == http.StateClosed && c.parkOrEnd():
		return
	}
	if s.connState != nil {
		s.connState(nc, state)
	}
	if ok && state == http.StateIdle && c.http1 {
		c.idle.reportIdle()
	}
}

// shutdown closes the connections that wait for a request, and waits for the others. It reports whether all
// requests have ended within the timeout, if there is one.
func (s *httpServer) shutdown(timeout time.Duration) bool {
	s.closeParked()
	ctx := context.Background()
	if timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = limited
	}
	complete := s.http.Shutdown(ctx) == nil
	if !complete {
		_ = s.http.Close() // the feed's Close, which does not fail
	}
	s.waits.Wait()
	return complete
}

// closeParked closes the connections that are parked. From now on none is.
func (s *httpServer) closeParked() {
	s.mu.Lock()
	s.closed = true
	var all []Conn // closing wakes tasks, which take the lock
	for c := s.parked.next; c != &s.parked; c = c.next {
		all = append(all, c.c)
	}
	s.mu.Unlock()
	for _, c := range all {
		_ = c.Close() // its peer may have been faster
	}
}

// feed is the listener that net/http accepts from. Its connections have something to read.
type feed struct {
	addr net.Addr

	mu     sync.Mutex
	filled sync.Cond
	closed bool        // guarded by mu
	queue  []*httpConn // guarded by mu
}

func (f *feed) start(addr net.Addr) {
	f.addr = addr
	f.filled.L = &f.mu
}

// push gives a connection to net/http, unless the feed is closed.
func (f *feed) push(c *httpConn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.queue = append(f.queue, c)
	f.filled.Signal()
	return true
}

func (f *feed) Accept() (net.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.queue) == 0 && !f.closed {
		f.filled.Wait()
	}
	if f.closed {
		return nil, net.ErrClosed
	}
	c := f.queue[0]
	f.queue[0] = nil
	f.queue = f.queue[1:]
	return c, nil
}

// Close closes the connections that net/http has not accepted.
func (f *feed) Close() error {
	f.mu.Lock()
	f.closed = true
	left := f.queue
	f.queue = nil
	f.filled.Broadcast()
	f.mu.Unlock()
	for _, c := range left {
		c.end()
	}
	return nil
}

func (f *feed) Addr() net.Addr { return f.addr }
