package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The server of getting-started.md.

// order waits until an order has been paid, or the patience is over, and returns how it has ended.
func order(t *task.T, paid *task.Event, patience time.Duration) (string, error) {
	first, err := task.Select(t, task.Done(paid), task.After(patience))
	switch {
	case err != nil:
		return "", err
	case first == 1:
		return "expired", nil
	default:
		return "paid", nil
	}
}

// shop has the orders, by number.
type shop struct {
	pool     *executor.Pool
	patience time.Duration
	last     atomic.Int64
	orders   sync.Map // of *placed, by number
}

type placed struct {
	paid task.Event
	task task.Handle[string]
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /orders", s.place)
	mux.HandleFunc("POST /orders/{number}/payment", s.pay)
	mux.HandleFunc("GET /orders/{number}", s.wait)
	return mux
}

// place launches a task, which lives longer than the request.
func (s *shop) place(w http.ResponseWriter, _ *http.Request) {
	p := new(placed)
	var err error
	p.task, err = task.Start(s.pool, task.Call2(order, &p.paid, s.patience))
	if err != nil { // there is no memory, or the pool is being closed
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	number := fmt.Sprint(s.last.Add(1))
	s.orders.Store(number, p)
	fmt.Fprintln(w, number)
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	if p := s.find(w, r); p != nil {
		p.paid.Set()
	}
}

// wait answers when the order has ended, or the client has gone.
func (s *shop) wait(w http.ResponseWriter, r *http.Request) {
	p := s.find(w, r)
	if p == nil {
		return
	}
	how, err := p.task.WaitContext(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, how)
}

func (s *shop) find(w http.ResponseWriter, r *http.Request) *placed {
	p, ok := s.orders.Load(r.PathValue("number"))
	if !ok {
		http.NotFound(w, r)
		return nil
	}
	return p.(*placed)
}

// serve serves until ctx ends. Orders that are still open then have a second to be paid.
func serve(ctx context.Context, listener net.Listener, patience time.Duration) error {
	s := &shop{pool: executor.NewPool(), patience: patience}
	server := &http.Server{Handler: s.handler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case err := <-served: // it cannot serve
		return errors.Join(err, s.pool.Close())
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.pool.Drain(grace) // refuses new orders, and waits for the open ones
	if errors.Is(err, context.DeadlineExceeded) {
		log.Println("some orders are still open")
	}
	return errors.Join(s.pool.Close(), server.Close())
}

func Example_orders() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	listener, err := net.Listen("tcp", "localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := serve(ctx, listener, 15*time.Minute); err != nil {
		log.Fatal(err)
	}
}
