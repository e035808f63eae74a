package netio_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// session writes back what it reads. While the peer is silent, it holds no buffer.
func session(t *task.T, c netio.Conn) error {
	defer c.Close()
	if err := c.SetIdleTimeout(10 * time.Minute); err != nil {
		return err
	}
	for {
		l, err := c.ReadLease(t, 4096)
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

// serve has a session for each connection, until the listener is closed.
func serve(t *task.T, l *netio.Listener) error {
	var g task.Group
	for {
		c, err := l.Accept(t)
		if errors.Is(err, net.ErrClosed) {
			return g.Wait(t)
		}
		if err != nil {
			return err
		}
		g.Go(t, func(t *task.T) error { return session(t, c) })
	}
}

func Example() {
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
	served, err := task.Start(pool, task.Do1(serve, l))
	if err != nil {
		fmt.Println(err)
		return
	}

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprintln(c, "hello")
	line, err := bufio.NewReader(c).ReadString('\n')
	fmt.Print(line, err, "\n")
	c.Close()

	l.Close()
	_, err = served.WaitContext(context.Background())
	fmt.Println(err)
	// Output:
	// hello
	// <nil>
	// <nil>
}
