package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"time"
)

// server is a server to be measured.
type server interface {
	Addr() string
	Open() int
	Frames() int // bytes of memory for frames
	Close() error
}

// row has the figures of one server.
type row struct {
	Mode          string        `json:"mode"`
	Conns         int           `json:"conns"`
	BytesPerConn  int           `json:"bytes_per_conn"` // of memory, see memory
	GC            time.Duration `json:"gc_ns"`          // of a collection while all connections are idle
	P50           time.Duration `json:"p50_ns"`         // of an echo under load
	P99           time.Duration `json:"p99_ns"`
	EchoesASecond int           `json:"echoes_per_second"`
	LimitedTo     int           `json:"limited_to,omitempty"` // connections; set if the system does not allow for more
}

// These are the roles of a process, in its environment's variable roleVariable. The process
// that the user starts has none.
const (
	roleVariable = "FRAMEARENA_ECHO"
	roleServer   = "server"
	roleClient   = "client" // addressVariable has the server's address
)

// reserve is the most files that a process has open besides its connections.
const reserve = 64

const addressVariable = "FRAMEARENA_ECHO_ADDRESS"

// child returns a command that runs this program with a role. The caller's goroutine must be locked to its
// thread: see endWithParent.
func child(role string, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	endWithParent(cmd)
	return cmd, nil
}

// measureApart measures a server in a process of its own.
func measureApart(mode string, o options) (row, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !o.json {
		fmt.Fprintf(os.Stderr, "with a %s for each of %d connections ...\n", mode, o.conns)
	}
	cmd, err := child(roleServer, append(o.args(), "-mode", mode)...)
	if err != nil {
		return row{}, err
	}
	out, err := cmd.Output()
	if err != nil {
		return row{}, fmt.Errorf("server %s: %w", mode, err)
	}
	var r row
	if err := json.Unmarshal(out, &r); err != nil {
		return row{}, fmt.Errorf("server %s: %w", mode, err)
	}
	return r, nil
}

// measure measures a server in this process, with clients in another one.
func measure(o options) (r row, err error) {
	r = row{Mode: o.mode, Conns: o.conns}
	most, err := mostConns(o.conns)
	if err != nil {
		return row{}, err
	}
	if most < o.conns {
		r.Conns, r.LimitedTo = most, most
	}
	s, err := open(o)
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	clients, err := newRemoteClients(s.Addr())
	if err != nil {
		return row{}, err
	}
	defer func() { err = errors.Join(err, clients.Close()) }()

	// Warm up, so that memory that is taken once is not counted for the connections.
	for _, o := range []order{{Connect: reserve}, {Echoes: 20 * reserve, Active: reserve}, {Close: true}} {
		if _, err := clients.do(o); err != nil {
			return row{}, err
		}
	}
	if err := waitForOpen(s, 0); err != nil {
		return row{}, err
	}
	before, err := memory(s)
	if err != nil {
		return row{}, err
	}
	for _, o := range []order{{Connect: r.Conns}, {Echoes: r.Conns, Active: o.active}} { // one message for each connection
		if _, err := clients.do(o); err != nil {
			return row{}, err
		}
	}
	if err := waitForOpen(s, r.Conns); err != nil {
		return row{}, err
	}
	after, err := memory(s)
	if err != nil {
		return row{}, err
	}
	r.BytesPerConn = (after - before) / r.Conns
	r.GC = timeOfCollection()

	load, err := clients.do(order{Echoes: o.echoes, Active: o.active})
	if err != nil {
		return row{}, err
	}
	r.P50, r.P99 = load.P50, load.P99
	r.EchoesASecond = int(float64(o.echoes) / load.Took.Seconds())
	return r, nil
}

// open returns a server of the kind that the options select.
func open(o options) (server, error) {
	if o.mode == modeTask {
		return listenTasks(o.buffer)
	}
	return listenGoroutines(o.buffer)
}

// waitForOpen waits until the server has n connections.
func waitForOpen(s server, n int) error {
	for deadline := time.Now().Add(time.Minute); s.Open() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("the server has %d connections, not %d", s.Open(), n)
		}
	}
	return nil
}

// timeOfCollection returns the median time of five garbage collections.
func timeOfCollection() time.Duration {
	var times [5]time.Duration
	for i := range times {
		start := time.Now()
		runtime.GC()
		times[i] = time.Since(start)
	}
	slices.Sort(times[:])
	return times[len(times)/2]
}

// remoteClients is the process of the clients. It belongs to one goroutine.
type remoteClients struct {
	cmd     *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Scanner
}

// newRemoteClients starts the clients of the server at addr. The caller's goroutine must be
// locked to its thread until Close has returned.
func newRemoteClients(addr string) (*remoteClients, error) {
	cmd, err := child(roleClient)
	if err != nil {
		return nil, err
	}
	cmd.Env = append(cmd.Env, addressVariable+"="+addr)
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &remoteClients{cmd, orders, bufio.NewScanner(answers)}, nil
}

// do sends an order and waits for the report.
func (c *remoteClients) do(o order) (report, error) {
	if err := json.NewEncoder(c.orders).Encode(o); err != nil {
		return report{}, fmt.Errorf("clients: %w", err)
	}
	if !c.answers.Scan() {
		return report{}, fmt.Errorf("clients: %w", cmp.Or(c.answers.Err(), io.ErrUnexpectedEOF))
	}
	var r report
	if err := json.Unmarshal(c.answers.Bytes(), &r); err != nil {
		return report{}, fmt.Errorf("clients: %w", err)
	}
	if r.Failure != "" {
		return report{}, fmt.Errorf("clients: %s", r.Failure)
	}
	return r, nil
}

// Close ends the process, which closes its connections.
func (c *remoteClients) Close() error {
	c.orders.Close()
	return c.cmd.Wait()
}
