package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// wait bounds each wait of a test, and pause is how often it looks.
const (
	wait  = time.Minute
	pause = time.Millisecond
)

// running is a server that runs until stop.
type running struct {
	*server
	out  bytes.Buffer // complete after stop
	end  context.CancelFunc
	done chan error
}

func start(t *testing.T, change func(*options)) *running {
	o := options{listen: "127.0.0.1:0", limit: 1000, message: 4096, queue: 64, handshake: wait, receive: wait, ping: time.Hour, closing: wait}
	change(&o)
	ctx, end := context.WithCancel(t.Context())
	r := &running{end: end, done: make(chan error, 1)}
	ready := make(chan *server, 1)
	go func() { r.done <- run(ctx, o, &r.out, func(s *server) { ready <- s }) }()
	select {
	case r.server = <-ready:
	case err := <-r.done:
		require.NoError(t, err)
	}
	t.Cleanup(end)
	return r
}

// stop ends the server, and returns what it has printed.
func (r *running) stop(t *testing.T) string {
	t.Helper()
	r.end()
	select {
	case err := <-r.done:
		require.NoError(t, err) // an arena.ErrLeak if a frame were live
	case <-time.After(wait):
		require.Fail(t, "the server does not end")
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	return r.out.String()
}

// connect connects without a handshake.
func (r *running) connect(t *testing.T) *net.TCPConn {
	c, err := net.Dial("tcp", r.listener.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(wait)))
	return c.(*net.TCPConn)
}

// client is a member as gobwas/ws has it.
type client struct {
	net.Conn
	in io.Reader // may have bytes that came with the handshake
}

// join joins a room. It returns when the server has let the client in.
func (r *running) join(t *testing.T, room string) *client {
	return r.joinWith(t, "ws", room, ws.Dialer{})
}

func (r *running) joinWith(t *testing.T, scheme, room string, d ws.Dialer) *client {
	c, in, _, err := d.Dial(t.Context(), scheme+"://"+r.listener.Addr().String()+"/"+room)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(wait)))
	if in == nil {
		in = bufio.NewReader(c)
	}
	return &client{c, in}
}

func (c *client) says(t *testing.T, text string) {
	t.Helper()
	require.NoError(t, wsutil.WriteClientText(c, []byte(text)))
}

// next returns the next frame.
func (c *client) next() (f ws.Frame, err error) {
	if f.Header, err = ws.ReadHeader(c.in); err != nil {
		return f, err
	}
	f.Payload = make([]byte, f.Header.Length)
	_, err = io.ReadFull(c.in, f.Payload)
	return f, err
}

// hears checks that a frame comes next.
func (c *client) hears(t *testing.T, op ws.OpCode, payload string) {
	t.Helper()
	f, err := c.next()
	require.NoError(t, err)
	require.Equal(t, op, f.Header.OpCode)
	require.True(t, f.Header.Fin)
	require.Equal(t, payload, string(f.Payload))
}

// isClosed checks that a close frame comes next, and then the end.
func (c *client) isClosed(t *testing.T, code ws.StatusCode) {
	t.Helper()
	f, err := c.next()
	require.NoError(t, err)
	require.Equal(t, ws.OpClose, f.Header.OpCode, "%s", f.Payload)
	got, _ := ws.ParseCloseFrameData(f.Payload)
	require.Equal(t, code, got, "%s", f.Payload)
	_, err = c.in.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
}

// disconnected reads to the end of a connection, which need not be a polite one.
func disconnected(t *testing.T, c io.Reader) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	require.True(t, err == nil || errors.Is(err, syscall.ECONNRESET), "%v", err)
}

func TestRooms(t *testing.T) {
	r := start(t, func(*options) {})
	ada, bob, cleo := r.join(t, "tea"), r.join(t, "tea?name=bob"), r.join(t, "coffee")
	for i := range 100 {
		text := fmt.Sprint("message ", i)
		ada.says(t, text)
		ada.hears(t, ws.OpText, text)
		bob.hears(t, ws.OpText, text)
	}
	cleo.says(t, "") // the first that is heard in this room
	cleo.hears(t, ws.OpText, "")
	bob.says(t, "grüße")
	ada.hears(t, ws.OpText, "grüße")

	require.NoError(t, ada.Close()) // without a close frame
	require.NoError(t, wsutil.WriteClientMessage(bob, ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye")))
	bob.hears(t, ws.OpText, "grüße")
	bob.isClosed(t, ws.StatusNormalClosure)
	require.NoError(t, bob.Close())
	require.NoError(t, wsutil.WriteClientMessage(cleo, ws.OpClose, nil))
	cleo.hears(t, ws.OpClose, "")
	require.NoError(t, cleo.Close())
	require.Eventually(t, func() bool { return r.counts.left.Load() == 2 && r.counts.broken.Load() == 1 }, wait, pause)
	r.rooms.mu.Lock()
	require.Empty(t, r.rooms.byName)
	r.rooms.mu.Unlock()
	require.Contains(t, r.stop(t), "\n3 connections: 0 were refused, 2 left, 0 were silent, 0 were slow, 1 broke off; 102 messages\n")
}

// As many messages as a queue has room for may come at once.
func TestManyMessagesAtOnce(t *testing.T) {
	r := start(t, func(*options) {})
	ada, bob := r.join(t, "tea"), r.join(t, "tea")
	for i := 0; i < 50*r.queue; i += r.queue {
		var all bytes.Buffer
		for k := range r.queue {
			require.NoError(t, wsutil.WriteClientText(&all, fmt.Append(nil, i+k)))
		}
		_, err := ada.Write(all.Bytes())
		require.NoError(t, err)
		for k := range r.queue {
			ada.hears(t, ws.OpText, fmt.Sprint(i+k))
			bob.hears(t, ws.OpText, fmt.Sprint(i+k))
		}
	}
	r.closes(t, ada, bob)
	r.stop(t)
}

// closes has clients end as they should.
func (r *running) closes(t *testing.T, clients ...*client) {
	t.Helper()
	for _, c := range clients {
		require.NoError(t, wsutil.WriteClientMessage(c, ws.OpClose, ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
		c.isClosed(t, ws.StatusNormalClosure)
		require.NoError(t, c.Close())
	}
}

// A member that does not read is dropped, and nobody waits for it.
func TestASlowMember(t *testing.T) {
	certificate := certify(t)
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			r := start(t, func(o *options) {
				o.queue, o.message = 4, 60_000
				if scheme == "wss" {
					o.cert, o.key = certificate.cert, certificate.key
				}
			})
			d := ws.Dialer{TLSConfig: certificate.client}
			ada, slow := r.joinWith(t, scheme, "tea", d), r.joinWith(t, scheme, "tea", d)
			long := string(bytes.Repeat([]byte("long"), 15_000))
			for i := 0; r.counts.slow.Load() == 0; i++ {
				require.Less(t, i, 10_000, "the system has room for 600 MB")
				ada.says(t, long)
				ada.hears(t, ws.OpText, long)
			}
			_, err := io.Copy(io.Discard, slow.in) // what was on its way
			require.True(t, err == nil || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
			r.closes(t, ada)
			require.Contains(t, r.stop(t), "2 connections: 0 were refused, 1 left, 0 were silent, 1 were slow")
		})
	}
}

// A member that is idle has no goroutine and no buffer.
func TestIdleMembers(t *testing.T) {
	r := start(t, func(*options) {})
	first := r.join(t, "tea")
	before := runtime.NumGoroutine()
	all := []*client{first}
	for range 100 {
		all = append(all, r.join(t, "tea"))
	}
	first.says(t, "hello")
	for _, c := range all {
		c.hears(t, ws.OpText, "hello")
	}
	require.Eventually(t, func() bool { return r.net.Stats().Leased == 0 && runtime.NumGoroutine() <= before+5 }, wait, pause)
	r.closes(t, all...)
	require.Contains(t, r.stop(t), "101 connections: 0 were refused, 101 left")
}

// Who is silent gets a ping, and stays if it answers.
func TestPings(t *testing.T) {
	r := start(t, func(o *options) { o.ping = time.Second })
	ada, silent := r.join(t, "tea"), r.join(t, "tea")
	for range 2 {
		ada.hears(t, ws.OpPing, "")
		require.NoError(t, wsutil.WriteClientMessage(ada, ws.OpPong, nil))
	}
	silent.hears(t, ws.OpPing, "")
	disconnected(t, silent.in)
	require.NoError(t, wsutil.WriteClientMessage(ada, ws.OpPing, []byte("are you there?")))
	for {
		f, err := ada.next()
		require.NoError(t, err)
		if f.Header.OpCode == ws.OpPong {
			require.Equal(t, "are you there?", string(f.Payload))
			break
		}
	}
	r.end()
	disconnected(t, ada.in)
	require.NoError(t, ada.Close())
	require.Contains(t, r.stop(t), " 1 were silent,")
}

// A message may come in parts, with control frames in between, and each byte alone.
func TestFragments(t *testing.T) {
	r := start(t, func(*options) {})
	c := r.join(t, "tea")
	var all bytes.Buffer
	for _, f := range []ws.Frame{
		ws.NewFrame(ws.OpText, false, []byte("gr\xc3")),
		ws.NewPingFrame([]byte("ping")),
		ws.NewFrame(ws.OpContinuation, false, []byte("\xbc\xc3")),
		ws.NewFrame(ws.OpContinuation, true, []byte("\x9fe")),
		ws.NewTextFrame(bytes.Repeat([]byte("x"), 4096)),
	} {
		require.NoError(t, ws.WriteFrame(&all, ws.MaskFrame(f)))
	}
	hear := func() {
		c.hears(t, ws.OpPong, "ping")
		c.hears(t, ws.OpText, "grüße")
		c.hears(t, ws.OpText, string(bytes.Repeat([]byte("x"), 4096)))
	}
	for _, b := range all.Bytes() {
		_, err := c.Write([]byte{b})
		require.NoError(t, err)
	}
	hear()
	_, err := c.Write(all.Bytes())
	require.NoError(t, err)
	hear()
	require.Eventually(t, func() bool { return r.net.Stats().Leased == 0 }, wait, pause)
	r.closes(t, c)
	r.stop(t)
}

func TestBrokenFrames(t *testing.T) {
	masked := func(f ws.Frame) []byte { return ws.MustCompileFrame(ws.MaskFrame(f)) }
	bad := func(h ws.Header) []byte {
		var b bytes.Buffer
		h.Masked = true
		require.NoError(t, ws.WriteHeader(&b, h))
		return b.Bytes()
	}
	begun := masked(ws.NewFrame(ws.OpText, false, []byte("begun")))
	r := start(t, func(*options) {})
	for name, test := range map[string]struct {
		frames []byte
		code   ws.StatusCode
	}{
		"without a mask":            {ws.MustCompileFrame(ws.NewTextFrame([]byte("hello"))), ws.StatusProtocolError},
		"unknown kind":              {bad(ws.Header{Fin: true, OpCode: 3}), ws.StatusProtocolError},
		"extension":                 {bad(ws.Header{Fin: true, OpCode: ws.OpText, Rsv: 4}), ws.StatusProtocolError},
		"long ping":                 {bad(ws.Header{Fin: true, OpCode: ws.OpPing, Length: 126}), ws.StatusProtocolError},
		"ping in parts":             {bad(ws.Header{OpCode: ws.OpPing}), ws.StatusProtocolError},
		"rest without a beginning":  {masked(ws.NewFrame(ws.OpContinuation, true, nil)), ws.StatusProtocolError},
		"beginning without an end":  {append(slices.Clone(begun), masked(ws.NewTextFrame(nil))...), ws.StatusProtocolError},
		"length with a sign":        {[]byte{0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, ws.StatusProtocolError},
		"long message":              {bad(ws.Header{Fin: true, OpCode: ws.OpText, Length: 4097}), ws.StatusMessageTooBig},
		"very long message":         {bad(ws.Header{Fin: true, OpCode: ws.OpText, Length: 1 << 62}), ws.StatusMessageTooBig},
		"long in all":               {append(slices.Clone(begun), masked(ws.NewFrame(ws.OpContinuation, true, make([]byte, 4092)))...), ws.StatusMessageTooBig},
		"no text":                   {masked(ws.NewTextFrame([]byte{0xff})), ws.StatusInvalidFramePayloadData},
		"binary":                    {masked(ws.NewBinaryFrame([]byte{1})), ws.StatusUnsupportedData},
		"close with half a code":    {masked(ws.NewCloseFrame([]byte{3})), ws.StatusProtocolError},
		"close with a private code": {masked(ws.NewCloseFrame(ws.NewCloseFrameBody(4000, ""))), 4000},
		"close with an unsent code": {masked(ws.NewCloseFrame(ws.NewCloseFrameBody(1006, ""))), ws.StatusProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			c, other := r.join(t, "tea"), r.join(t, "tea")
			_, err := c.Write(test.frames)
			require.NoError(t, err)
			c.isClosed(t, test.code)
			require.NoError(t, c.Close())
			other.says(t, "all is well")
			other.hears(t, ws.OpText, "all is well")
			r.closes(t, other)
		})
	}
	r.stop(t)
}

// What begins a message has to end it in time.
func TestHalfAMessage(t *testing.T) {
	for name, half := range map[string]ws.Frame{
		"half a frame":   ws.NewTextFrame([]byte("hello")),
		"half a message": ws.NewFrame(ws.OpText, false, []byte("hello")),
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(o *options) { o.receive = time.Millisecond })
			c := r.join(t, "tea")
			b := ws.MustCompileFrame(ws.MaskFrame(half))
			if half.Header.Fin {
				b = b[:len(b)-1]
			}
			_, err := c.Write(b)
			require.NoError(t, err)
			disconnected(t, c.in)
			require.Contains(t, r.stop(t), " 1 broke off;")
		})
	}
}

func TestRefusedRequests(t *testing.T) {
	r := start(t, func(*options) {})
	const rest = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	for request, code := range map[string]int{
		"GET /tea HTTP/1.1\r\nHost: here\r\n" + rest:                            http.StatusSwitchingProtocols,
		"GET /tea HTTP/1.1\r\nHost: here\r\nOrigin: https://here\r\n" + rest:    http.StatusSwitchingProtocols,
		"GET /tea HTTP/1.1\r\nHost: here\r\nOrigin: https://there\r\n" + rest:   http.StatusForbidden,
		"GET /tea HTTP/1.1\r\nHost: here\r\nOrigin: null\r\n" + rest:            http.StatusForbidden,
		"GET /tea/cake HTTP/1.1\r\nHost: here\r\n" + rest:                       http.StatusNotFound,
		"GET / HTTP/1.1\r\nHost: here\r\n" + rest:                               http.StatusNotFound,
		"POST /tea HTTP/1.1\r\nHost: here\r\n" + rest:                           http.StatusMethodNotAllowed,
		"GET /tea HTTP/1.1\r\nHost: here\r\n\r\n":                               http.StatusBadRequest,
		"GET /tea HTTP/1.1\r\nX: " + string(bytes.Repeat([]byte("x"), maxHead)): http.StatusRequestHeaderFieldsTooLarge,
	} {
		c := r.connect(t)
		_, err := io.WriteString(c, request)
		require.NoError(t, err)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, code, answer.StatusCode, request)
		require.NoError(t, c.Close())
	}

	silent := start(t, func(o *options) { o.handshake = time.Millisecond })
	c := silent.connect(t)
	disconnected(t, c)
	require.Contains(t, silent.stop(t), "1 connections: 1 were refused")
	require.Contains(t, r.stop(t), "9 connections: 7 were refused")
}

// A client need not wait for the answer to its request.
func TestAnEarlyFrame(t *testing.T) {
	r := start(t, func(*options) {})
	c := &client{Conn: r.connect(t)}
	c.in = bufio.NewReader(c.Conn)
	var all bytes.Buffer
	fmt.Fprint(&all, "GET /tea HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, wsutil.WriteClientText(&all, []byte("hello")))
	require.NoError(t, wsutil.WriteClientText(&all, []byte("and half")))
	_, err := c.Write(all.Bytes()[:all.Len()-1])
	require.NoError(t, err)
	answer, err := http.ReadResponse(c.in.(*bufio.Reader), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, answer.StatusCode)
	c.hears(t, ws.OpText, "hello")
	_, err = c.Write(all.Bytes()[all.Len()-1:])
	require.NoError(t, err)
	c.hears(t, ws.OpText, "and half")
	r.closes(t, c)
	r.stop(t)
}

// What is above the limit has its turn when another one has left.
func TestLimit(t *testing.T) {
	r := start(t, func(o *options) { o.limit = 1 })
	first := r.join(t, "tea")
	second := r.connect(t)
	_, err := io.WriteString(second, "GET / HTTP/1.1\r\n\r\n")
	require.NoError(t, err)
	first.says(t, "hello")
	first.hears(t, ws.OpText, "hello")
	require.EqualValues(t, 1, r.counts.accepted.Load())
	r.closes(t, first)
	answer, err := http.ReadResponse(bufio.NewReader(second), nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, answer.StatusCode)
	r.stop(t)
}

func TestTLS(t *testing.T) {
	certificate := certify(t)
	r := start(t, func(o *options) { o.cert, o.key = certificate.cert, certificate.key })
	d := ws.Dialer{TLSConfig: certificate.client}
	ada, bob := r.joinWith(t, "wss", "tea", d), r.joinWith(t, "wss", "tea", d)
	long := string(bytes.Repeat([]byte("long"), 1024))
	for _, text := range []string{"hello", long, "bye"} {
		ada.says(t, text)
		ada.hears(t, ws.OpText, text)
		bob.hears(t, ws.OpText, text)
	}
	require.Eventually(t, func() bool { return r.net.Stats().Leased == 0 }, wait, pause)
	plain := r.connect(t)
	_, err := io.WriteString(plain, "GET /tea HTTP/1.1\r\n\r\n")
	require.NoError(t, err)
	disconnected(t, plain)
	r.closes(t, ada)
	r.end()
	bob.isClosed(t, ws.StatusGoingAway)
	require.NoError(t, bob.Close())
	require.Contains(t, r.stop(t), "3 connections: 1 were refused, 1 left, 0 were silent, 0 were slow, 1 broke off")
}

// Members get a close frame. Those that do not answer have a bounded time.
func TestShutdown(t *testing.T) {
	r := start(t, func(*options) {})
	ada, bob := r.join(t, "tea"), r.join(t, "coffee")
	r.end()
	for _, c := range []*client{ada, bob} {
		f, err := c.next()
		require.NoError(t, err)
		require.Equal(t, ws.OpClose, f.Header.OpCode)
		require.NoError(t, wsutil.WriteClientMessage(c, ws.OpClose, f.Payload))
		disconnected(t, c.in)
		require.NoError(t, c.Close())
	}
	require.Contains(t, r.stop(t), "2 connections: 0 were refused, 2 left")

	r = start(t, func(o *options) { o.closing = time.Millisecond })
	ada = r.join(t, "tea")
	late := r.connect(t) // is in the midst of its handshake
	require.Eventually(t, func() bool { return r.counts.accepted.Load() == 2 }, wait, pause)
	require.Contains(t, r.stop(t), "2 connections: 1 were refused, 0 left")
	disconnected(t, ada.in)
	disconnected(t, late)
}

func TestFlags(t *testing.T) {
	_, err := parse([]string{"-limit", "3", "-ping", "1s"}, io.Discard)
	require.NoError(t, err)
	for _, args := range [][]string{{"-limit", "0"}, {"-ping", "-1s"}, {"-queue", "x"}, {"-cert", "x"}, {"more"}} {
		_, err := parse(args, io.Discard)
		require.Error(t, err)
	}
	for _, o := range []options{{listen: "nowhere", handshake: 1}, {cert: "nowhere", key: "nowhere"}} {
		require.Error(t, run(t.Context(), o, io.Discard, func(*server) {}))
	}
}

// certificate is one for 127.0.0.1.
type certificate struct {
	cert, key string // files
	client    *tls.Config
}

func certify(t *testing.T) certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(cert)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	dir := t.TempDir()
	write := func(name, kind string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600))
		return path
	}
	return certificate{
		cert:   write("cert.pem", "CERTIFICATE", cert),
		key:    write("key.pem", "PRIVATE KEY", private),
		client: &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"},
	}
}
