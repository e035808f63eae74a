package programs

import (
	"context"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// plainWeb is a web whose tasks are plain Go, which is compiled.
type plainWeb struct {
	*web
	hosts   [hosts]*task.Semaphore
	answers task.Event
}

func (w *web) crawlPlain(pool *executor.Pool, full func()) error {
	plain := &plainWeb{web: w}
	for i := range plain.hosts {
		plain.hosts[i] = task.NewSemaphore(w.perHost)
	}
	w.claim(address(0))
	h, err := task.Start(pool, task.Do3(explore, plain, 0, address(0)))
	if err != nil {
		return err
	}
	for w.visited.Load() < 1 {
		time.Sleep(time.Millisecond)
	}
	full()
	plain.answers.Set()
	_, err = h.WaitContext(context.Background())
	return err
}

// explore requests a page, and explores the pages it links to. As in a crawler, it has the address.
func explore(t *task.T, w *plainWeb, page int, _ string) error {
	host := w.hosts[page%hosts]
	if err := host.Acquire(t, 1); err != nil {
		return err
	}
	err := ask(t, w, page)
	host.Release(1)
	if err != nil {
		return err
	}
	var children task.Group
	if page == 0 {
		for i := 1; i < w.n; i++ {
			if a := address(i); w.claim(a) {
				children.Go(t, func(t *task.T) error { return explore(t, w, i, a) })
			}
		}
	}
	w.visited.Add(1)
	return children.Wait(t)
}

// ask waits for the answer of a page's host. The first page is there at once.
func ask(t *task.T, w *plainWeb, page int) error {
	return task.Timeout(t, crawlTimeout, func(t *task.T) error {
		if page == 0 {
			return nil
		}
		return w.answers.Wait(t)
	})
}
