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

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// The server of getting-started.md.

// order is the state of a task that waits for the payment of an order.
type order struct {
	patience time.Duration
	first    int // the case that happened first: 0 the payment, 1 the end of the patience
}

// payment is the held part, on the Go heap: it holds a pointer.
type payment struct{ made *coro.Event }

var await = coro.DefineHeld("order", func(f *coro.Frame[order, string], held *payment) coro.Step {
	s := &f.State
	if f.At() == 0 {
		return coro.Select(f, 1, &s.first, held.made.WaitCase(), coro.After(s.patience))
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if s.first == 1 {
		return f.Return("expired")
	}
	return f.Return("paid")
})

// shop has the orders, by number.
type shop struct {
	pool     *executor.Pool
	patience time.Duration
	last     atomic.Int64
	orders   sync.Map // of *placed, by number
}

type placed struct {
	payment coro.Event
	task    *coro.Handle[string]
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
	task, err := coro.Start(s.pool, await.With(order{patience: s.patience}, payment{&p.payment}))
	if err != nil { // there is no memory, or the pool is being closed
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	p.task = task
	number := fmt.Sprint(s.last.Add(1))
	s.orders.Store(number, p)
	fmt.Fprintln(w, number)
}

func (s *shop) pay(w http.ResponseWriter, r *http.Request) {
	if p := s.find(w, r); p != nil {
		p.payment.Set()
	}
}

// wait answers when the order has ended, or the client has gone.
func (s *shop) wait(w http.ResponseWriter, r *http.Request) {
	p := s.find(w, r)
	if p == nil {
		return
	}
	how, err := p.task.Wait(r.Context())
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
		log.Println(s.pool.Environment().Live(), "orders are still open")
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
