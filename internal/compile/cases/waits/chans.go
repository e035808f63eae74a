package waits

import (
	"errors"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func channel(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := task.NewChan[int](n)
	for i := range n {
		if err := c.Send(t, value(t, tr, i*i)); err != nil {
			return i, err
		}
	}
	tr.Print(c.Len(), c.Cap(), c.TrySend(1))
	sum := 0
	for range n {
		v, err := c.Recv(t)
		if err != nil {
			return sum, err
		}
		sum = sum*10 + v + value(t, tr, 1)
	}
	_, ok := c.TryRecv()
	tr.Print(ok)
	return sum, nil
}

type message struct {
	text string
	to   *int
}

func closed(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	c := task.NewChan[message](2)
	if err := c.Send(t, message{"kept", &k}); err != nil {
		return 1, err
	}
	wait(t, tr, "sent")
	c.Close()
	m, err := c.Recv(t)
	if err != nil {
		return 2, err
	}
	*m.to = value(t, tr, 5)
	tr.Print(m.text)
	m, err = c.Recv(t)
	tr.Print(m.text == "", errors.Is(err, task.ErrChanClosed))
	defer func() {
		tr.Print(recover() != nil)
		wait(t, tr, "recovered")
		err = nil
	}()
	err = c.Send(t, message{})
	tr.Print("never")
	return k, err
}

func pingPong(t *task.T, tr *cases.Trace, n int) (int, error) {
	there, back := task.NewChan[int](0), task.NewChan[int](0)
	var g task.Group
	g.Go(t, func(t *task.T) error {
		defer back.Close()
		for {
			v, err := there.Recv(t)
			if errors.Is(err, task.ErrChanClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := back.Send(t, value(t, tr, v)+1); err != nil {
				return err
			}
		}
	})
	v := 0
	for range n {
		err := there.Send(t, v)
		if err == nil {
			v, err = back.Recv(t)
		}
		if err != nil {
			there.Close()
			g.Wait(t)
			return v, err
		}
	}
	there.Close()
	return v, g.Wait(t)
}

func consumers(t *task.T, tr *cases.Trace, n int) (int, error) {
	jobs, results := task.NewChan[int](1), task.NewChan[int](0)
	var g, workers task.Group
	g.SetPolicy(task.FirstError)
	g.Go(t, func(t *task.T) error {
		defer jobs.Close()
		for i := range 10 {
			if err := jobs.Send(t, value(t, tr, i)); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(t, func(t *task.T) error {
		defer results.Close()
		for range n {
			workers.Go(t, func(t *task.T) error {
				for job := range jobs.All(t) {
					if err := results.Send(t, job*value(t, tr, job)); err != nil {
						return err
					}
				}
				return t.Err()
			})
		}
		return workers.Wait(t)
	})
	sum := 0
	for r := range results.All(t) {
		sum += r
	}
	return sum, g.Wait(t)
}

// produce sends the numbers below n, and closes c.
func produce(t *task.T, tr *cases.Trace, c *task.Chan[int], n int) error {
	defer tr.Enter()()
	defer c.Close()
	for i := range n {
		if err := c.Send(t, i); err != nil {
			return err
		}
		wait(t, tr, "produced", i)
	}
	return nil
}

func all(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := task.NewChan[int](0)
	var g task.Group
	g.Go(t, func(t *task.T) error { return produce(t, tr, c, 4) })
	sum := 0
	var last *int
	for v := range c.All(t) {
		last = &v
		sum += value(t, tr, v)
	}
	if last != nil {
		tr.Print("last", *last)
	}
	for range c.All(t) {
		tr.Print("never")
	}
	return sum, g.Wait(t)
}

func allJumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := task.NewChan[int](10)
	for i := range 10 {
		c.TrySend(i)
	}
	sum := 0
outer:
	for i := range 3 {
		for v := range c.All(t) {
			switch {
			case v == 1:
				continue
			case v == 3:
				wait(t, tr, "three")
				continue outer
			case v == 5:
				wait(t, tr, "five")
				break
			case v == 6:
				break outer
			}
			sum += value(t, tr, v) + i*100
		}
	}
	for v := range c.All(t) {
		if v == 8 {
			return sum, wait(t, tr, "eight")
		}
		tr.Print(v)
	}
	return -1, t.Err()
}

func allNested(t *task.T, tr *cases.Trace, n int) (int, error) {
	chans := task.NewChan[*task.Chan[int]](0)
	var g task.Group
	g.Go(t, func(t *task.T) error {
		defer chans.Close()
		for i := range n {
			c := task.NewChan[int](0)
			if err := chans.Send(t, c); err != nil {
				return err
			}
			if err := produce(t, tr, c, i); err != nil {
				return err
			}
		}
		return nil
	})
	sum := 0
	for c := range chans.All(t) {
		for v := range c.All(t) {
			sum += value(t, tr, v+1)
		}
	}
	return sum, g.Wait(t)
}

func stage[A, B any](t *task.T, g *task.Group, in *task.Chan[A], f func(*task.T, A) B) *task.Chan[B] {
	out := task.NewChan[B](1)
	g.Go(t, func(t *task.T) error {
		defer out.Close()
		for v := range in.All(t) {
			if err := out.Send(t, f(t, v)); err != nil {
				return err
			}
		}
		return t.Err()
	})
	return out
}

func pipeline(t *task.T, tr *cases.Trace, n int) (int, error) {
	source := task.NewChan[int](0)
	var g task.Group
	doubled := stage(t, &g, source, func(t *task.T, v int) float64 { return float64(value(t, tr, v)) * 2 })
	named := stage(t, &g, doubled, func(t *task.T, v float64) int { wait(t, tr, "named", v); return int(v) + 1 })
	g.Go(t, func(t *task.T) error { return produce(t, tr, source, n) })
	sum := 0
	for v := range named.All(t) {
		sum = sum*10 + v
	}
	return sum, g.Wait(t)
}
