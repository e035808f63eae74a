package netio

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// step is something that a client does.
type step struct {
	send   string
	expect string // waits until the answer contains it
	pause  bool   // lets the server come to rest
}

// dialogue is what a client does on one connection. After that it closes its half, and reads to the end.
type dialogue struct {
	name  string
	steps []step

	// whole is set if the server may close the connection before it has read all: then what is sent is not
	// split, since the reset could overtake the answer.
	whole bool
}

func send(texts ...string) (steps []step) {
	for i, text := range texts {
		if i > 0 {
			steps = append(steps, step{pause: true})
		}
		steps = append(steps, step{send: text})
	}
	return steps
}

const (
	get     = "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n"
	getNone = "GET /none HTTP/1.1\r\nHost: a\r\n\r\n"
	post    = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
	chunks  = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n"
	trailer = "POST /echo HTTP/1.1\r\nHost: a\r\nTrailer: T\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nT: v\r\n\r\n"
	last    = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)

func body(path string, n int) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", path, n, strings.Repeat("b", n))
}

// wellFormed are requests after which the connection goes on.
var wellFormed = []string{
	get, getNone, post, chunks, trailer,
	"GET /echo HTTP/1.1\nHost: a\n\n",
	"HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /echo HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
	"GET /flush HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /nocontent HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /missing HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /echo HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
	"POST /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	"POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n0\r\n\r\n",
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\r\n", // a body that looks like the end of a head
	"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n\n\r\n\n",
	body("/echo", 4000), body("/echo", 4096-69), body("/none", 5000), body("/three", 9000), body("/echo", 100_000),
}

var dialogues = []dialogue{
	{name: "nothing"},
	{name: "one", steps: send(get)},
	{name: "close", steps: send(last)},
	{name: "keep-alive", steps: send(get, get, post, chunks, trailer, get)},
	{name: "pipelined", steps: send(get + get + post + get + chunks + getNone + last)},
	{name: "a line of the next request", steps: send(get+"GET /echo HTTP/1.1\r\n", "Host: a\r\n\r\n")},
	{name: "a byte of the next request", steps: send(get+get[:1], get[1:]+get[:2], get[2:]+get[:3], get[3:]+get[:4], get[4:])},
	{name: "split", steps: send(get[:1], get[1:7], get[7:], post[:20], post[20:len(post)-5], post[len(post)-5:], chunks[:len(chunks)-4], chunks[len(chunks)-4:], get)},
	{name: "lines after a POST", steps: send(post, "\r\n", get, post+"\r\n", get, post, "\r", "\n\r\n"+get)},
	{name: "five lines after a POST", whole: true, steps: send(post, "\r\n\r\n\r\n"+get)},
	{name: "lines after a GET", whole: true, steps: send(get, "\r\n")},
	{name: "lines before the first", whole: true, steps: send("\r\n" + get)},
	{name: "HTTP/1.0", steps: send("GET /echo HTTP/1.0\r\n\r\n")},
	{name: "HTTP/1.0 keep-alive", steps: send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /echo HTTP/1.0\r\n\r\n")},
	{name: "HTTP/1.0 stream", steps: send("GET /flush HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")},
	{name: "no host", whole: true, steps: send("GET /echo HTTP/1.1\r\n\r\n")},
	{name: "malformed", whole: true, steps: send("nonsense\r\n\r\n")},
	{name: "malformed second", whole: true, steps: send(get, "nonsense\r\n\r\n")},
	{name: "malformed header", whole: true, steps: send(get, "GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n")},
	{name: "two lengths", whole: true, steps: send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
	{name: "unknown coding", whole: true, steps: send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: zip\r\n\r\n")},
	{name: "bad chunk", whole: true, steps: send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")},
	{name: "wrong version", whole: true, steps: send("GET /echo HTTP/2.0\r\nHost: a\r\n\r\n")},
	{name: "preface of HTTP/2", whole: true, steps: send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	{name: "expectation failed", whole: true, steps: send("GET /echo HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n")},
	{name: "end in the head", steps: send(get, get[:20])},
	{name: "end in the body", steps: send(get, post[:len(post)-2])},
	{name: "end in a chunk", steps: send(get, chunks[:len(chunks)-12])},
	{name: "100-continue", steps: []step{
		{send: "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"},
		{expect: "100 Continue"}, {send: "hello"}, {expect: "[hello]"}, {pause: true}, {send: get},
	}},
	{name: "100-continue refused", whole: true, steps: send("POST /none HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")},
	{name: "body not read", steps: send(body("/none", 10), get, body("/none", 100_000), get, body("/three", 1000), get)},
	{name: "body larger than what is skipped", whole: true, steps: send(body("/none", 300_000))},
	{name: "answer before the body", steps: []step{
		{send: "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"}, {expect: "early"}, {send: "hello"}, {pause: true}, {send: get},
	}},
	{name: "large", steps: send(body("/echo", 3_000_000), "GET /large HTTP/1.1\r\nHost: a\r\n\r\n", get)},
	{name: "large head", whole: true, steps: send("GET /echo HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 3000) + "\r\n\r\n")},
	{name: "handler closes", steps: send(get, "GET /close HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "handler aborts", steps: send(get, "GET /abort HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "handler panics", steps: send(get, "GET /panic HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "upgrade", steps: send(get, "GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n", "some", "text")},
	{name: "upgrade with data", steps: send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nsome", "text")},
	{name: "CONNECT", steps: send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nsome", "text")},
	{name: "short answer", steps: send("GET /short HTTP/1.1\r\nHost: a\r\n\r\n")},
	{name: "local address", steps: send("GET /addresses HTTP/1.1\r\nHost: a\r\n\r\n", "GET /addresses HTTP/1.1\r\nHost: a\r\n\r\n")},
}

// sameHandler answers with what it was asked.
var sameHandler = func() http.Handler {
	m := http.NewServeMux()
	handle := func(path string, f http.HandlerFunc) { m.HandleFunc(path, f) }
	handle("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d %v %v %v %d %.100q [%.10s] %v\n", r.Method, r.RequestURI, r.Proto, r.ContentLength, r.TransferEncoding, r.Header, r.Trailer, len(b), b, b, err)
	})
	handle("/none", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "none") })
	handle("/three", func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 3)
		n, err := io.ReadFull(r.Body, b)
		fmt.Fprintf(w, "%q %v", b[:n], err)
	})
	handle("/flush", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprint(w, "part ", i)
			w.(http.Flusher).Flush()
		}
	})
	handle("/early", func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		fmt.Fprint(w, "early ")
		w.(http.Flusher).Flush()
		b, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v", b, err)
	})
	handle("/nocontent", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	handle("/large", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, strings.Repeat("large", 500_000)) })
	handle("/close", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") })
	handle("/abort", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	handle("/panic", func(w http.ResponseWriter, r *http.Request) { panic("of the handler") })
	handle("/short", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		fmt.Fprint(w, "short")
	})
	handle("/addresses", func(w http.ResponseWriter, r *http.Request) {
		host, port, err := net.SplitHostPort(r.RemoteAddr)
		local, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		fmt.Fprint(w, host, port != "0", err, local.IP, local.Port != 0, r.TLS)
	})
	handle("/upgrade", echoRaw)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			echoRaw(w, r)
			return
		}
		m.ServeHTTP(w, r)
	})
}()

// echoRaw takes the connection and echoes.
func echoRaw(w http.ResponseWriter, r *http.Request) {
	c, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		panic(err)
	}
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	_, err = io.Copy(rw, rw)
	fmt.Fprint(rw, " ", err)
	_ = rw.Flush()
}

var date = regexp.MustCompile(`Date: [^\r]*\r\n`)

// talk leads a dialogue, and returns what the server has answered.
func talk(t testing.TB, addr net.Addr, steps []step) string {
	c, err := net.Dial("tcp", addr.String())
	require.NoError(t, err)
	defer c.Close()
	var mu sync.Mutex
	var answer bytes.Buffer
	var heard sync.WaitGroup
	heard.Go(func() {
		b := make([]byte, 64<<10)
		for {
			n, err := c.Read(b)
			mu.Lock()
			answer.Write(b[:n])
			mu.Unlock()
			if err != nil {
				return // also if the server resets the connection: the answer counts
			}
		}
	})
	for _, s := range steps {
		switch {
		case s.pause:
			time.Sleep(time.Duration(rand.IntN(8)) * time.Millisecond)
		case s.expect != "":
			require.Eventually(t, func() bool {
				mu.Lock()
				defer mu.Unlock()
				return strings.Contains(answer.String(), s.expect)
			}, wait, pause)
		default:
			_, _ = io.WriteString(c, s.send) // fails if the server has closed the connection
		}
	}
	_ = c.(*net.TCPConn).CloseWrite() // it may be reset
	heard.Wait()
	return date.ReplaceAllString(answer.String(), "Date: today\r\n")
}

// split makes steps of n bytes each out of the steps that send.
func split(steps []step, n int) (small []step) {
	for _, s := range steps {
		if len(s.send) > 10_000 {
			n = len(s.send) / 20
		}
		for len(s.send) > n {
			small = append(small, step{send: s.send[:n]})
			s.send = s.send[n:]
		}
		small = append(small, s)
	}
	return small
}

// quiet returns settings that log nothing.
func quiet() *http.Server { return &http.Server{ErrorLog: log.New(io.Discard, "", 0)} }

// Serve answers as http.Server does, whatever clients send, and however it comes in.
func TestServeIsTheSame(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		_, standard := servers(t, n, sameHandler, quiet)
		for _, with := range []struct {
			name  string
			after time.Duration
		}{{"parked at once", 0}, {"not parked", time.Minute}, {"parked soon", 3 * time.Millisecond}} {
			t.Run(with.name, func(t *testing.T) {
				l := listen(t, n)
				startServe(t, n, l, sameHandler, WithHTTPServer(quiet()), WithParkAfter(with.after), inForm(form))
				var all sync.WaitGroup
				defer all.Wait()
				for _, d := range dialogues {
					all.Go(func() {
						want := talk(t, standard, d.steps)
						same(t, d.name, want, talk(t, l.Addr(), d.steps))
						if d.whole {
							return
						}
						same(t, d.name+", byte by byte", want, talk(t, l.Addr(), split(d.steps, 1)))
						same(t, d.name+", split", want, talk(t, l.Addr(), split(d.steps, 7)))
					})
				}
			})
		}
	})
}

func same(t testing.TB, name, want, got string) {
	if want == got {
		return
	}
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	t.Errorf("%s: the answers differ at %d of %d and %d bytes:\nhttp.Server: %.300q\nServe:      %.300q", name, i, len(want), len(got), want[max(i-100, 0):], got[max(i-100, 0):])
}

// Random requests, split at random, are answered as by http.Server: no byte is lost or read twice.
func TestServeRandomRequests(t *testing.T) {
	n := open(t)
	_, standard := servers(t, n, sameHandler, quiet)
	l := listen(t, n)
	startServe(t, n, l, sameHandler, WithHTTPServer(quiet()), WithParkAfter(0))
	var all sync.WaitGroup
	for seed := range uint64(8) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(seed, 0))
			for range 25 {
				var text string
				for range 1 + r.IntN(8) {
					text += wellFormed[r.IntN(len(wellFormed))]
				}
				cuts := []int{0, len(text)}
				for range r.IntN(30) {
					cuts = append(cuts, r.IntN(len(text)))
				}
				slices.Sort(cuts)
				var steps []step
				for i, cut := range cuts[1:] {
					steps = append(steps, step{send: text[cuts[i]:cut]})
					if r.IntN(3) == 0 {
						steps = append(steps, step{pause: true})
					}
				}
				same(t, fmt.Sprintf("seed %d", seed), talk(t, standard, []step{{send: text}}), talk(t, l.Addr(), steps))
			}
		})
	}
	all.Wait()
}
