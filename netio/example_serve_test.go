package netio_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// serveHTTP serves HTTP until ctx ends. While a client is silent, its connection has no goroutine.
func serveHTTP(ctx context.Context, pool *executor.Pool, n *netio.Net, l *netio.Listener) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello") })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { upgrade(pool, n, w) })
	settings := &http.Server{ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 10 * time.Minute}
	return n.Serve(ctx, l, mux, netio.WithHTTPServer(settings), netio.WithShutdownTimeout(10*time.Second))
}

// upgrade takes the connection of a request, and gives it to a task function.
func upgrade(pool *executor.Pool, n *netio.Net, w http.ResponseWriter) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	rw.Flush()
	early, _ := rw.Peek(rw.Reader.Buffered()) // what the client has sent already
	c, err := n.Adopt(nc, early)
	if err == nil {
		err = task.Go(pool, task.Do1(session, c))
	}
	if err != nil {
		nc.Close()
	}
}

func ExampleNet_Serve() {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := netio.Open(pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	l, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	served := make(chan error)
	go func() { served <- serveHTTP(ctx, pool, n, l) }()

	res, err := http.Get("http://" + l.Addr().String() + "/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := io.ReadAll(res.Body)
	fmt.Println(string(body), err)
	res.Body.Close()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(c, "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	in := bufio.NewReader(c)
	res, err = http.ReadResponse(in, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	line, err := in.ReadString('\n')
	fmt.Print(res.Status, " ", line)
	c.Close()

	cancel()
	fmt.Println(<-served)
	// Output:
	// hello <nil>
	// 101 Switching Protocols hello
	// <nil>
}
