package checker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/framearena/framearena/executor"
)

// Form says what a target has in a round.
type Form string

const (
	Tasks      Form = "tasks" // a task that is written by hand
	Plain      Form = "plain" // a task in plain Go, compiled
	Goroutines Form = "goroutines"
)

// World is n targets in this process: one server on the loopback interface, with a path for each.
// One in ten is ill.
type World struct {
	Targets []string
	server  http.Server
}

// NewWorld starts the server. It has to be closed.
func NewWorld(n int) (*World, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := new(World)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthy/{i}", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /ill/{i}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	w.server.Handler = mux
	go w.server.Serve(l)
	for i := range n {
		path := "healthy"
		if i%10 == 9 {
			path = "ill"
		}
		w.Targets = append(w.Targets, fmt.Sprintf("http://%s/%s/%d", l.Addr(), path, i))
	}
	return w, nil
}

// Close ends the server.
func (w *World) Close() error { return w.server.Close() }

// Checker returns a checker with a client of its own, which has a connection for each check at the
// same time.
func (w *World) Checker() *Checker {
	const parallel = 16
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallel}}
	return &Checker{Client: client, Interval: time.Hour, Timeout: time.Minute, Parallel: parallel, Board: new(Board)}
}

// Round checks each target once. It calls full when all wait for their next check, then ends them, and
// returns how many targets are ill. Pool takes no more tasks afterwards; goroutines need none.
func (w *World) Round(as Form, pool *executor.Pool, full func()) (ill int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := w.Checker()
	defer c.Client.CloseIdleConnections()
	wait := func() error { return pool.Drain(context.Background()) }
	switch as {
	case Tasks:
		err = c.Tasks(ctx, pool, w.Targets)
	case Plain:
		err = c.Plain(ctx, pool, w.Targets)
	default:
		all := c.Goroutines(ctx, w.Targets)
		wait = func() error { all(); return nil }
	}
	if err == nil {
		for c.Board.Checks() < len(w.Targets) {
			time.Sleep(time.Millisecond)
		}
		full()
	}
	cancel()
	return c.Board.Ill(), errors.Join(err, wait())
}
