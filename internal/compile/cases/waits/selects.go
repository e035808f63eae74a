package waits

import (
	"errors"
	"time"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

const hour = time.Hour

// full returns a channel with one value and no more room.
func full[E any](v E) *task.Chan[E] {
	c := task.NewChan[E](1)
	c.TrySend(v)
	return c
}

func selectKinds(t *task.T, tr *cases.Trace, n int) (int, error) {
	var v int
	var s string
	var set, unset task.Event
	set.Set()
	empty := task.NewChan[string](1)
	i, err := task.Select(t, task.Recv(full(7), &v), task.After(hour))
	tr.Print(i, err, v, value(t, tr, v))
	i, err = task.Select(t, task.Recv(empty, &s), task.Send(empty, "sent"))
	tr.Print(i, err, s, empty.Len())
	i, err = task.Select(t, task.Done(&unset), task.Done(&set))
	tr.Print(i, err, value(t, tr, i))
	i, err = task.Select(t, task.Recv(empty, nil), task.Done(&unset), task.Done(nil), task.Case{})
	tr.Print(i, err)
	i, err = task.Select(t, task.Recv[int](nil, &v), task.After(0))
	return i, errors.Join(err, wait(t, tr, "end"))
}

func selectDefault(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := task.NewChan[int](2)
	sum := 0
	for i := range 6 {
		var v int
		switch k, err := task.Select(t, task.Recv(c, &v), task.Default()); {
		case err != nil:
			return sum, err
		case k == 0:
			sum += value(t, tr, v)
		default:
			c.TrySend(i)
			if i == 2 {
				wait(t, tr, "again")
				continue
			}
			sum += 100
		}
	}
	return sum, nil
}

func chanOf(t *task.T, tr *cases.Trace, v int) *task.Chan[int] {
	c := task.NewChan[int](1)
	if v > 0 {
		c.TrySend(value(t, tr, v))
	}
	return c
}

func selectOperands(t *task.T, tr *cases.Trace, n int) (int, error) {
	var a, b int
	i, err := task.Select(t, task.Recv(chanOf(t, tr, 0), &a), task.Recv(chanOf(t, tr, 5), &b))
	tr.Print(i, err, a, b)
	if err != nil {
		return i, err
	}
	c := chanOf(t, tr, 0)
	i, err = task.Select(t, task.Send(c, value(t, tr, 8)), task.After(time.Duration(value(t, tr, 1))*hour))
	tr.Print(i, err, c.Len())
	k, _ := c.TryRecv()
	return k, err
}

type pair struct{ a, b int }

func selectPlaces(t *task.T, tr *cases.Trace, n int) (int, error) {
	list := make([]int, 3)
	var p pair
	q := &pair{}
	array := [2]int{}
	f := func() int { return p.a*1000 + array[1] }
	for i, place := range []*int{&list[1], &p.a, &q.b, &array[1]} {
		k, err := task.Select(t, task.Recv(full(value(t, tr, i+1)), place), task.After(hour))
		if err != nil || k != 0 {
			return k, err
		}
	}
	_, err := task.Select(t, task.Recv(full(9), &list[tr.Int(2)]))
	tr.Print(list, p, *q, array, f())
	return list[2], err
}

func selectList(t *task.T, tr *cases.Trace, n int) (int, error) {
	values := make([]int, n)
	cs := []task.Case{}
	for i := range n {
		c := task.NewChan[int](1)
		if i == n-1 {
			c.TrySend(value(t, tr, 5))
		}
		cs = append(cs, task.Recv(c, &values[i]))
	}
	if n == 0 {
		cs = append(cs, task.Default())
	}
	k, err := task.Select(t, cs...)
	tr.Print(values)
	return k, err
}

func selectClosed(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := full("left")
	c.Close()
	for range 2 {
		s := "before"
		i, err := task.Select(t, task.Recv(c, &s), task.After(hour))
		if err != nil && !errors.Is(err, task.ErrChanClosed) {
			return i, err
		}
		tr.Print(i, err, s)
		wait(t, tr, "next")
	}
	return n, nil
}

func selectWaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b := task.NewChan[int](0), task.NewChan[string](0)
	var done task.Event
	var g task.Group
	g.Go(t, func(t *task.T) error {
		defer done.Set()
		for i := range n {
			wait(t, tr, "sends", i)
			if err := a.Send(t, i); err != nil {
				return err
			}
			if err := b.Send(t, "b"); err != nil {
				return err
			}
		}
		return nil
	})
	sum := 0
	for {
		var v int
		var s string
		i, err := task.Select(t, task.Recv(a, &v), task.Recv(b, &s), task.Done(&done))
		switch {
		case err != nil:
			g.Wait(t)
			return sum, err
		case i == 2:
			return sum, g.Wait(t)
		}
		sum += value(t, tr, v*10+len(s))
	}
}

func selectJumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, quit := task.NewChan[int](0), task.NewChan[task.None](0)
	var g task.Group
	g.Go(t, func(t *task.T) error {
		defer quit.Close()
		return produce(t, tr, a, 6)
	})
	count := 0
	open := a
outer:
	for {
		for range 2 {
			var v int
			switch i, err := task.Select(t, task.Recv(open, &v), task.Recv(quit, nil)); i {
			case 0:
				if err != nil {
					open = nil // the other case is left
					continue outer
				}
				if v == 2 {
					wait(t, tr, "two")
					continue outer
				}
				count += value(t, tr, v)
			case 1:
				break outer
			default:
				g.Wait(t)
				return count, err
			}
		}
	}
	return count, g.Wait(t)
}

func selectBoth(t *task.T, tr *cases.Trace, n int) (int, error) {
	in, out := task.NewChan[int](0), task.NewChan[int](0)
	var g task.Group
	g.Go(t, func(t *task.T) error { return produce(t, tr, in, 5) })
	sum := 0
	g.Go(t, func(t *task.T) error {
		for v := range out.All(t) {
			sum = sum*10 + value(t, tr, v)
		}
		return t.Err()
	})
	var queue []int
	source := in
	for source != nil || len(queue) > 0 {
		var v, next int
		var to *task.Chan[int]
		if len(queue) > 0 {
			next, to = queue[0], out
		}
		switch i, err := task.Select(t, task.Recv(source, &v), task.Send(to, next)); {
		case i == 0 && errors.Is(err, task.ErrChanClosed):
			source = nil
		case err != nil:
			out.Close()
			g.Wait(t)
			return 0, err
		case i == 0:
			queue = append(queue, v)
		case i == 1:
			queue = queue[1:]
		}
	}
	out.Close()
	err := g.Wait(t)
	return sum, err
}

func selectDeferred(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	c := full(4)
	defer func() {
		var v int
		i, e := task.Select(t, task.Recv(c, &v), task.Default())
		tr.Print("deferred", i, e, v)
		k += v
	}()
	return value(t, tr, 10), wait(t, tr, "end")
}

func selectAfter(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := task.NewChan[int](0)
	count := 0
	for range n {
		i, err := task.Select(t, task.Recv(c, nil), task.After(time.Microsecond))
		if err != nil {
			return count, err
		}
		count += value(t, tr, i)
	}
	return count, nil
}

type poller interface {
	poll(t *task.T, tr *cases.Trace) (int, bool)
}

type queue struct{ c *task.Chan[int] }

func (q queue) poll(t *task.T, tr *cases.Trace) (v int, ok bool) {
	i, err := task.Select(t, task.Recv(q.c, &v), task.Default())
	wait(t, tr, "polled", i, err)
	return v, i == 0 && err == nil
}

func selectInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	q := queue{task.NewChan[int](n)}
	for i := range n {
		q.c.TrySend(i + 1)
	}
	var p poller = q
	sum := 0
	for {
		v, ok := p.poll(t, tr)
		if !ok {
			return sum, nil
		}
		sum += v
	}
}
