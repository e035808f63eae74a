package netio_test

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// answer writes datagrams back, as many at a time as there are.
func answer(t *task.T, c netio.PacketConn) error {
	ps := make([]netio.Packet, 32)
	for i := range ps {
		ps[i].Bytes = make([]byte, 1500)
	}
	for {
		n, err := c.ReadBatch(t, ps)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := c.WriteBatch(t, ps[:n]); err != nil {
			return err
		}
	}
}

// Datagrams by the batch, here from a socket of package net.
func ExampleNet_ListenPacket() {
	pool := executor.NewPool()
	defer pool.Close()
	n, err := netio.Open(pool)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer n.Close()
	c, err := n.ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	answered, err := task.Start(pool, task.Do1(answer, c))
	if err != nil {
		fmt.Println(err)
		return
	}

	peer, err := net.Dial("udp", c.LocalAddr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer peer.Close()
	fmt.Fprint(peer, "hello")
	b := make([]byte, 100)
	k, err := peer.Read(b)
	fmt.Println(string(b[:k]), err)

	c.Close()
	_, err = answered.WaitContext(context.Background())
	fmt.Println(err)
	// Output:
	// hello <nil>
	// <nil>
}
