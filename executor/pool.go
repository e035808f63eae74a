package executor

import (
	"sync"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// Pool runs tasks on a fixed number of workers, each a goroutine with a cache of
// its own. Any goroutine may use a Pool.
type Pool struct {
	options options
	env     *coro.Environment
	workers sync.WaitGroup
	closing sync.Once

	mu     sync.Mutex // guards what follows
	ready  sync.Cond  // there is something in the queue, or the pool is closed
	queue  coro.Queue
	idle   int // workers that wait for ready
	closed bool
	all    []*coro.Worker // that ever were, for statistics
}

// NewPool returns a pool whose workers have started.
func NewPool(opts ...Option) *Pool {
	p := &Pool{options: newOptions(opts)}
	p.ready.L = &p.mu
	p.env = p.options.newEnvironment(p)
	for range p.options.workers {
		p.workers.Add(1)
		go p.start()
	}
	return p
}

// start begins a worker's life.
func (p *Pool) start() { p.work(coro.NewWorker(p.options.arena)) }

// work is a worker's life. A step function or a handler that calls runtime.Goexit
// ends the goroutine, and w lives on with another one.
func (p *Pool) work(w *coro.Worker) {
	ends := false
	defer func() {
		if !ends {
			go p.work(w)
			return
		}
		w.Close()
		p.workers.Done()
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, w)
	for {
		t, ok := p.next(w)
		if !ok {
			ends = true
			return
		}
		p.run(w, t)
	}
}

// next waits for a task; ok is false when the pool is closed. The caller holds mu.
func (p *Pool) next(w *coro.Worker) (t coro.Task, ok bool) {
	published := false
	for !p.closed {
		if t, ok := p.queue.Pop(); ok {
			return t, true
		}
		if !published {
			// An idle worker keeps no frames from the others. Something may have
			// been posted meanwhile.
			p.mu.Unlock()
			w.Publish()
			p.mu.Lock()
			published = true
			continue
		}
		p.idle++
		p.ready.Wait()
		p.idle--
	}
	return coro.Task{}, false
}

// run gives up mu while it runs a task.
func (p *Pool) run(w *coro.Worker, t coro.Task) {
	p.mu.Unlock()
	defer p.mu.Lock()
	w.Run(t)
}

// Post queues the task for a worker. The error is [ErrClosed] or nil.
func (p *Pool) Post(t coro.Task) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.queue.Push(t)
	if p.idle > 0 {
		p.ready.Signal()
	}
	return nil
}

// Environment returns the environment of tasks launched without options.
func (p *Pool) Environment() *coro.Environment { return p.env }

// Elided returns how many frames were elided so far: placed in that of the task that
// awaited them.
func (p *Pool) Elided() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := uint64(0)
	for _, w := range p.all {
		n += w.Elided()
	}
	return n
}

// Arena returns the arena that frames come from.
func (p *Pool) Arena() *arena.Arena { return p.options.arena }

// Close lets every worker finish the step that it is in and cancels the other
// tasks: their frames are freed, children before parents, and who waits for
// their roots gets [ErrClosed]. When it returns, no frame that the pool ran is
// live and no worker runs. The error wraps [arena.ErrLeak] if the pool's own
// arena has live frames all the same: somebody else's. Closing again waits for
// that too, and returns nil. Close must not be called from a step function or an
// error handler.
func (p *Pool) Close() error {
	var err error
	p.closing.Do(func() { err = p.close() })
	return err
}

func (p *Pool) close() error {
	p.mu.Lock()
	p.closed = true
	p.ready.Broadcast()
	p.mu.Unlock()
	p.workers.Wait()
	p.env.Close(ErrClosed)
	p.env.CancelWaiting(ErrClosed)
	// Nobody else takes from the queue any more, and nobody adds to it.
	w := coro.NewWorker(p.options.arena)
	cancelAll(&p.queue, w)
	w.Close()
	return p.options.closeArena()
}
