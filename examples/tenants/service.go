package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// service sums up items for tenants. Any goroutine may use it.
type service struct {
	pool    *executor.Pool
	plain   bool               // a request is a call of add, not of sum
	tenants map[string]*tenant // immutable after newService
	close   []func() error     // Close calls them in this order
}

// tenant has the allocator for the frames of one tenant's requests, which is limited by its
// budget.
type tenant struct{ memory *arena.Counting }

// These are the values of -memory.
const (
	memoryShared = "shared"
	memoryOwn    = "own"
)

// newService returns a service for tenants, each with a budget in bytes. memory is
// memoryShared or memoryOwn. With plain, requests are the calls of a function in plain Go. The options
// are those of the pool.
func newService(names []string, budget uintptr, memory string, plain bool, opts ...executor.PoolOption) (*service, error) {
	s := &service{pool: executor.NewPool(opts...), plain: plain, tenants: make(map[string]*tenant)}
	s.close = append(s.close, s.pool.Close) // first, because it ends the tasks that have frames
	shared := s.pool.Arena()
	for _, name := range names {
		var budgeted arena.FrameAllocator
		switch memory {
		case memoryShared:
			budgeted = arena.NewBounded(shared, budget)
		case memoryOwn:
			own, err := arena.New(arena.WithMaxBytes(budget))
			if err != nil {
				return nil, errors.Join(err, s.Close())
			}
			s.close = append(s.close, own.Close)
			budgeted = own
		default:
			return nil, errors.Join(fmt.Errorf("memory must be %q or %q, not %q", memoryShared, memoryOwn, memory), s.Close())
		}
		s.tenants[name] = &tenant{arena.NewCounting(budgeted)}
	}
	return s, nil
}

// Close ends the requests that are being served. The error wraps arena.ErrLeak if a frame is
// still live.
func (s *service) Close() error {
	var errs []error
	for _, f := range s.close {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

var errNoTenant = errors.New("there is no such tenant")

// Sum returns the sum of the items 1 to n, each of which takes the time takes to arrive. The
// error wraps arena.ErrExhausted if the budget of the tenant is too small, and errNoTenant
// if there is no tenant of that name. Any goroutine may call it.
func (s *service) Sum(ctx context.Context, name string, n int64, takes time.Duration) (int64, error) {
	t, ok := s.tenants[name]
	if !ok {
		return 0, fmt.Errorf("%w: %q", errNoTenant, name)
	}
	if s.plain {
		h, err := task.Start(s.pool, task.Call3(add, 1, n, takes), task.Allocator(t.memory), task.Context(ctx))
		if err != nil {
			return 0, err
		}
		return h.WaitContext(context.WithoutCancel(ctx)) // as below
	}
	request := sum.With(summing{first: 1, n: n, takes: takes})
	h, err := coro.Start(s.pool, request, coro.Allocator(t.memory), coro.Context(ctx))
	if err != nil {
		return 0, err
	}
	return h.Wait(context.WithoutCancel(ctx)) // ctx ends the tree; Wait returns when all of its tasks have ended
}

// summing is the state of sum.
type summing struct {
	first, n    int64
	takes       time.Duration
	left, right int64
	halves      coro.Group
}

// sum returns the sum of n items from first on. It divides them into two halves, which two
// children add up at the same time.
var sum = coro.Define("sum", func(f *coro.Frame[summing, int64]) coro.Step {
	s := &f.State
	switch f.At() {
	case 0:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.halves.SetPolicy(f, coro.FirstError)
		half := s.n / 2
		s.spawn(f, s.first, half, &s.left)
		s.spawn(f, s.first+half, s.n-half, &s.right)
		return s.halves.Wait(f, 1)
	case 1:
		if f.Err() != nil {
			return f.Fail(f.Err()) // there is no memory, or the client has disconnected
		}
		return f.Return(s.left + s.right)
	default:
		return f.BadResume()
	}
})

// spawn spawns a child that adds up n items from first on.
func (s *summing) spawn(f *coro.Frame[summing, int64], first, n int64, result *int64) {
	switch n {
	case 0:
	case 1:
		coro.Spawn(f, &s.halves, item, having{first, s.takes}, result)
	default:
		coro.Spawn(f, &s.halves, f.Kind(), summing{first: first, n: n, takes: s.takes}, result)
	}
}

// having is the state of item.
type having struct {
	value int64
	takes time.Duration
}

// item returns one item after the time that it takes.
var item = coro.Define("item", func(f *coro.Frame[having, int64]) coro.Step {
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 0:
		return coro.Sleep(f, 1, f.State.takes)
	default:
		return f.Return(f.State.value)
	}
})

// Handler returns a handler of HTTP requests to the service.
func (s *service) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{tenant}/sum", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.ParseInt(r.FormValue("n"), 10, 32)
		if err != nil || n < 0 {
			http.Error(w, "n is the number of items", http.StatusBadRequest)
			return
		}
		takes, err := time.ParseDuration(r.FormValue("takes"))
		if err != nil {
			http.Error(w, "takes is the time that an item takes, such as 5ms", http.StatusBadRequest)
			return
		}
		result, err := s.Sum(r.Context(), r.PathValue("tenant"), n, takes)
		switch {
		case err == nil:
			fmt.Fprintln(w, result)
		case errors.Is(err, errNoTenant):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, arena.ErrExhausted):
			http.Error(w, "this request needs more memory than the tenant's budget", http.StatusInsufficientStorage)
		default: // the server is closing, or the client has disconnected
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	return mux
}
