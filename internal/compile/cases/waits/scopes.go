package waits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func timeout(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	err = task.Timeout(t, hour, func(t *task.T) error {
		k = value(t, tr, 5)
		_, has := t.Context().Deadline()
		tr.Print(has)
		return wait(t, tr, "inside")
	})
	if err != nil {
		return k, fmt.Errorf("timeout: %w", err)
	}
	_, has := t.Context().Deadline()
	tr.Print(has)
	err = task.Timeout(t, hour, func(t *task.T) error { return errWait })
	tr.Print(err)
	return k, wait(t, tr, "outside")
}

func timeoutPasses(t *task.T, tr *cases.Trace, n int) (int, error) {
	var never task.Event
	err := task.Timeout(t, time.Microsecond, func(t *task.T) error {
		defer tr.Enter()()
		err := never.Wait(t)
		wait(t, tr, "passed")
		return err
	})
	tr.Print(errors.Is(err, context.DeadlineExceeded))
	return n, wait(t, tr, "after")
}

func timeoutsNested(t *task.T, tr *cases.Trace, n int) (int, error) {
	sum := 0
	for i := range n {
		err := task.Timeout(t, hour, func(t *task.T) error {
			return task.Timeout(t, 2*hour, func(t *task.T) error {
				if i == 1 {
					return errWait
				}
				sum += value(t, tr, i+10)
				return nil
			})
		})
		if errors.Is(err, errWait) {
			wait(t, tr, "continue")
			continue
		}
		if err != nil {
			return sum, err
		}
		sum++
	}
	return sum, nil
}

func deadline(t *task.T, tr *cases.Trace, n int) (int, error) {
	at := time.Now().Add(hour)
	err := task.Deadline(t, at, func(t *task.T) error {
		d, _ := t.Context().Deadline()
		tr.Print(d.Sub(at).Abs() < time.Minute) // of a task it is by the executor's clock
		return wait(t, tr, "inside")
	})
	if err != nil {
		return 0, err
	}
	return value(t, tr, 1), nil
}

func shield(t *task.T, tr *cases.Trace, n int) (int, error) {
	a := wait(t, tr, "before")
	var b error
	err := task.Shield(t, func(t *task.T) error {
		b = wait(t, tr, "shielded")
		return t.Err()
	})
	c := wait(t, tr, "after")
	tr.Print(a != nil, b != nil, err != nil, c != nil)
	return n, c
}

func allocator(t *task.T, tr *cases.Trace, n int) (int, error) {
	own, err := arena.New()
	if err != nil {
		return 0, err
	}
	defer own.Close()
	frames := arena.NewCounting(own)
	k := 0
	err = task.WithAllocator(t, frames, func(t *task.T) error {
		k = value(t, tr, 3)
		return wait(t, tr, "inside")
	})
	tr.Print(frames.Stats().Bytes)
	return k, err
}

func otherExecutor(t *task.T, tr *cases.Trace, n int) (int, error) {
	other := executor.NewPool(executor.WithWorkers(1))
	k := 0
	defer other.Close()
	for i := range n {
		err := task.OnExecutor(t, other, func(t *task.T) error {
			defer tr.Enter()()
			k += value(t, tr, i)
			return wait(t, tr, "there", i)
		})
		if err != nil {
			return k, err
		}
		wait(t, tr, "here", i)
	}
	return k, nil
}

func panicThrough(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() {
		if v := recover(); v != nil {
			tr.Print("recovered", v)
			err = wait(t, tr, "after")
		}
	}()
	inner := func(t *task.T) error {
		k = value(t, tr, 1)
		panic(fmt.Sprint("inside ", n))
	}
	switch n {
	case 0:
		err = task.Timeout(t, hour, inner)
	case 1:
		err = task.Shield(t, inner)
	case 2:
		err = task.Timeout(t, hour, func(t *task.T) error { return task.Deadline(t, time.Now().Add(hour), inner) })
	default:
		panic(value(t, tr, 9))
	}
	return 10, err
}

func timeoutDefers(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	defer func() { k += value(t, tr, 100) }()
	err = task.Timeout(t, hour, func(t *task.T) (err error) {
		defer func() {
			k += value(t, tr, 10)
			err = errors.Join(err, errWait)
		}()
		for i := range n {
			defer tr.Print("deferred", i)
			k += value(t, tr, 1)
		}
		return nil
	})
	tr.Print(errors.Is(err, errWait))
	return k, t.Err()
}
