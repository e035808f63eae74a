package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// order is a message from the server's process to the clients' process, which answers each
// order with a report. Both are lines of JSON. The clients' process ends at the end of its
// standard input.
type order struct {
	Connect int  `json:"connect,omitempty"` // open so many more connections
	Close   bool `json:"close,omitempty"`   // close all connections
	Echoes  int  `json:"echoes,omitempty"`  // send so many messages in all,
	Active  int  `json:"active,omitempty"`  // from so many goroutines
}

// report is the answer to an order. The times are set after Echoes.
type report struct {
	Failure string        `json:"failure,omitempty"`
	P50     time.Duration `json:"p50,omitempty"` // of an echo
	P99     time.Duration `json:"p99,omitempty"`
	Took    time.Duration `json:"took,omitempty"`
}

// clientMain is main in the process of the clients.
func clientMain(addr string, in io.Reader, out io.Writer) error {
	c := clients{addr: addr}
	defer c.close()
	answers := json.NewEncoder(out)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		r, err := c.do(o)
		if err != nil {
			r.Failure = err.Error()
		}
		if err := answers.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// clients holds the connections of all clients to one server. It belongs to one goroutine,
// apart from the goroutines of load.
type clients struct {
	addr  string
	conns []*client
}

// do executes an order.
func (c *clients) do(o order) (report, error) {
	switch {
	case o.Connect > 0:
		return report{}, c.connect(o.Connect)
	case o.Echoes > 0:
		return c.load(o.Echoes, o.Active)
	case o.Close:
		c.close()
	}
	return report{}, nil
}

// perAddress is the number of connections from one address.
const perAddress = 10_000

// connect opens n more connections.
func (c *clients) connect(n int) error {
	if _, err := mostConns(len(c.conns) + n); err != nil {
		return err
	}
	for range n {
		number := len(c.conns)
		conn, err := clientDialer(number).Dial("tcp4", c.addr)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, &client{conn: conn.(*net.TCPConn), number: uint32(number)})
	}
	return nil
}

// close closes all connections with a reset, which frees their ports at once.
func (c *clients) close() {
	for _, client := range c.conns {
		client.conn.SetLinger(0)
		client.conn.Close()
	}
	c.conns = nil
}

// load sends messages from active goroutines, and measures each echo.
func (c *clients) load(echoes, active int) (report, error) {
	active = min(active, len(c.conns))
	took := make([][]time.Duration, active)
	errs := make([]error, active)
	var all sync.WaitGroup
	start := time.Now()
	for i := range active {
		all.Go(func() {
			var mine []*client // each connection belongs to one goroutine
			for j := i; j < len(c.conns); j += active {
				mine = append(mine, c.conns[j])
			}
			took[i] = make([]time.Duration, 0, echoes/active+1)
			for n := i; n < echoes && errs[i] == nil; n += active {
				start := time.Now()
				errs[i] = mine[n/active%len(mine)].echo()
				took[i] = append(took[i], time.Since(start))
			}
		})
	}
	all.Wait()
	r := report{Took: time.Since(start)}
	times := slices.Concat(took...)
	slices.Sort(times)
	if len(times) > 0 {
		r.P50, r.P99 = times[len(times)/2], times[len(times)*99/100]
	}
	return r, errors.Join(errs...)
}

// client is one connection. It belongs to one goroutine at a time.
type client struct {
	conn     *net.TCPConn
	number   uint32
	messages uint32 // sent so far

	sent, received [messageSize]byte // the last message
}

const messageSize = 64

// echo sends a message that differs from all others, and compares the answer with it.
func (c *client) echo() error {
	c.messages++
	for i := 0; i < messageSize; i += 8 {
		binary.BigEndian.PutUint32(c.sent[i:], c.number)
		binary.BigEndian.PutUint32(c.sent[i+4:], c.messages)
	}
	if _, err := c.conn.Write(c.sent[:]); err != nil {
		return err
	}
	if _, err := io.ReadFull(c.conn, c.received[:]); err != nil {
		return err
	}
	if c.sent != c.received {
		return fmt.Errorf("connection %d sent % x and received % x", c.number, c.sent, c.received)
	}
	return nil
}
