package waits

import (
	"errors"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func block(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range n {
		v, err := task.Block(t, func() (int, error) { return i * 10, nil })
		if err != nil {
			return sum, err
		}
		sum += v + value(t, tr, 1)
	}
	a := value(t, tr, 2)
	s, err := task.Block(t, func() (string, error) { return "text", nil })
	return sum + a + len(s), err
}

func blockFails(t *task.T, tr *cases.Trace, n int) (int, error) {
	_, err := task.Block(t, func() (int, error) { return 3, errWait })
	if !errors.Is(err, errWait) {
		return 0, err
	}
	wait(t, tr, "failed")
	if err := t.Err(); err != nil {
		return 1, err
	}
	_, err = task.Block(t, func() (int, error) { panic("in Block") })
	var p *coro.PanicError
	tr.Print(errors.As(err, &p))
	return n, wait(t, tr, "end")
}

func recvFrom(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, n)
	for i := range n {
		c <- i + 1
	}
	close(c)
	sum := 0
	for {
		v, err := task.RecvFrom(t, c)
		if errors.Is(err, task.ErrChanClosed) {
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
		sum = sum*10 + value(t, tr, v)
	}
}

func recvFromEmpty(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int)
	go func() {
		defer close(c)
		for i := range n {
			c <- i
		}
	}()
	sum := 0
	for range n {
		v, err := task.RecvFrom(t, c)
		if err != nil {
			go func() {
				for range c {
				}
			}()
			return sum, err
		}
		sum += value(t, tr, v)
	}
	_, err := task.RecvFrom(t, c)
	tr.Print(errors.Is(err, task.ErrChanClosed))
	return sum, nil
}

func sendTo(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, n)
	for i := range n {
		if err := task.SendTo(t, c, value(t, tr, i)); err != nil {
			return i, err
		}
	}
	wait(t, tr, "sent")
	return len(c), nil
}

func sendToFull(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int)
	sum := make(chan int, 1)
	go func() {
		s := 0
		for v := range c {
			s = s*10 + v
		}
		sum <- s
	}()
	defer close(c)
	for i := range n {
		if err := task.SendTo(t, c, value(t, tr, i)); err != nil {
			return i, err
		}
	}
	return n, nil
}

func suspend(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range n {
		err := task.Suspend(t, func(w task.Waker) {
			tr.Print("begins", i)
			w.Wake()
			w.Wake()
		})
		if err != nil {
			return i, err
		}
		value(t, tr, i)
	}
	return n, nil
}

func suspendLater(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range n {
		k := 0
		err := task.Suspend(t, func(w task.Waker) {
			go func() {
				k = i * 10
				w.Wake()
			}()
		})
		if err != nil {
			return sum, err
		}
		sum += k + value(t, tr, 1)
	}
	return sum, nil
}

func count(t *task.T, tr *cases.Trace, n int, yield func(*task.T, int) error) error {
	for i := range n {
		if err := yield(t, i); err != nil {
			tr.Print("stopped", errors.Is(err, task.ErrLoopEnded))
			return err
		}
	}
	return errWait
}

func numbers(tr *cases.Trace, n int) func(func(int, error) bool) {
	return task.Seq(func(t *task.T, yield func(*task.T, int) error) error { return count(t, tr, n, yield) })
}

func generator(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for v, err := range numbers(tr, n) {
		tr.Print(v, err)
		sum += v
	}
	wait(t, tr, "between")
	for v := range numbers(tr, 5) {
		if v == 2 {
			break
		}
	}
	return sum, nil
}

func generatorWaits(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for v, err := range numbers(tr, n) {
		if err != nil {
			tr.Print(err)
			continue
		}
		sum += value(t, tr, v+1)
		for w := range numbers(tr, 3) {
			if w == 1 {
				wait(t, tr, "inner", w)
				break
			}
		}
	}
	return sum, nil
}

func launched(t *task.T, tr *cases.Trace, n int) (int, error) {
	defer tr.Enter()()
	return value(t, tr, n), wait(t, tr, "launched", n)
}

func handle(t *task.T, tr *cases.Trace, n int) (int, error) {
	other := executor.NewPool(executor.WithWorkers(1))
	defer other.Close()
	sum := 0
	for i := range n {
		h, err := task.Start(other, task.Call2(launched, tr, i+1))
		if err != nil {
			return sum, err
		}
		v, err := h.Wait(t)
		if err != nil {
			return sum, err
		}
		<-h.Done() //framearena:ignore it has ended
		sum += v
	}
	return sum, nil
}

func sleeps(t *task.T, tr *cases.Trace, n int) (int, error) {
	for i := range n {
		if err := t.Sleep(time.Microsecond); err != nil {
			return i, err
		}
		if err := t.SleepUntil(time.Now()); err != nil {
			return i, err
		}
		if err := t.Sleep(-1); err != nil {
			return i, err
		}
		value(t, tr, i)
	}
	return n, nil
}
