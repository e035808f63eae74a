package netio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// proxy connects a client to a server, until both have ended, or one direction has failed.
func proxy(t *task.T, client, server netio.Conn) error {
	defer client.Close()
	defer server.Close()
	var g task.Group
	g.SetPolicy(task.FirstError)
	g.Go(t, func(t *task.T) error { return pass(t, server, client) })
	g.Go(t, func(t *task.T) error { return pass(t, client, server) })
	return g.Wait(t)
}

// pass passes on what src says, and its end.
func pass(t *task.T, dst, src netio.Conn) error {
	if _, err := netio.Splice(t, dst, src); err != nil {
		return err
	}
	return dst.CloseWrite()
}

// forward accepts one client, and is its proxy to a server.
func forward(t *task.T, n *netio.Net, l *netio.Listener, server string) error {
	client, err := l.Accept(t)
	if err != nil {
		return err
	}
	c, err := n.Dial(t, "tcp", server)
	if err != nil {
		return errors.Join(err, client.Close())
	}
	return proxy(t, client, c)
}

// A proxy: each direction is a task, and holds no buffer while it waits.
func ExampleSplice() {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := netio.Open(pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	server, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served, err := task.Start(pool, task.Do1(serve, server))
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := n.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	forwarded, err := task.Start(pool, task.Do3(forward, n, l, server.Addr().String()))
	if err != nil {
		fmt.Println(err)
		return
	}

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprint(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	echoed, err := io.ReadAll(c)
	fmt.Println(string(echoed), err)
	_, err = forwarded.WaitContext(context.Background())
	fmt.Println(err)
	server.Close()
	_, err = served.WaitContext(context.Background())
	fmt.Println(err)
	// Output:
	// hello <nil>
	// <nil>
	// <nil>
}

// download sends a file to the first client.
func download(t *task.T, l *netio.Listener, path string) (int64, error) {
	c, err := l.Accept(t)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	f, err := task.Block(t, func() (*os.File, error) { return os.Open(path) })
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return c.SendFile(t, f, 0, -1)
}

// A file, from its beginning to its end.
func ExampleConn_SendFile() {
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
	sent, err := task.Start(pool, task.Call2(download, l, "doc.go"))
	if err != nil {
		fmt.Println(err)
		return
	}

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	got, err := io.ReadAll(c)
	if err != nil {
		fmt.Println(err)
		return
	}
	k, err := sent.WaitContext(context.Background())
	fmt.Println(k == int64(len(got)), err)
	// Output:
	// true <nil>
}
