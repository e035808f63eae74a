package forms

import (
	"fmt"
	"time"

	"github.com/framearena/framearena/task"
)

// scoped has literals that Timeout, Deadline and Shield call in place, with variables that they share with
// the function and with each other.
func scoped(t *task.T, p *plan, n int) (r string, err error) {
	sum, calls := 0, 0
	for i := range n {
		k := i
		err := task.Timeout(t, time.Hour, func(t *task.T) error {
			calls++
			sum += must2(t, p, k)
			k += 10
			inner := task.Shield(t, func(t *task.T) (err error) {
				calls++
				defer func() {
					sum++
					p.logf("sum %d k %d err %v", sum, k, err)
				}()
				k++
				if err := stop(t, p, fmt.Sprint("inner ", i, k)); err != nil {
					return err
				}
				k++
				return stop(t, p, "inner again")
			})
			sum += k
			return inner
		})
		p.logf("%d: k %d sum %d calls %d", i, k, sum, calls)
		if err != nil {
			return "failed", err
		}
	}
	err = task.Deadline(t, time.Now().Add(time.Hour), func(t *task.T) error {
		r = fmt.Sprint("r ", sum)
		err := stop(t, p, "deadline")
		r += "!"
		return err
	})
	stop(t, p, "after")
	return fmt.Sprint(r, sum, calls), err
}

// scopedShared has literals called in place whose variables somebody else shares, too.
func scopedShared(t *task.T, p *plan, n int) (r string, err error) {
	var later []func()
	a, b, c := 1, 1, 1
	to := &c
	err = task.Timeout(t, time.Hour, func(t *task.T) error {
		a, b, c = a+1, b+1, c+1
		later = append(later, func() { a += 10 })
		stop(t, p, "shared")
		a, b, c = a+1, b+1, c+1
		return stop(t, p, "shared again")
	})
	for _, f := range later {
		f()
	}
	*to += 100
	defer func() { r = fmt.Sprint(r, a, b, c) }()
	stop(t, p, "later")
	a, b, c = a+1, b+1, c+1
	stop(t, p, fmt.Sprint("after ", a, b, c))
	return "end ", err
}

// scopedDefers has deferred calls that wait, and some in loops, in literals that are called in place.
func scopedDefers(t *task.T, p *plan, n int) (r string, err error) {
	sum := 0
	err = task.Timeout(t, time.Hour, func(t *task.T) error {
		for i := range n {
			defer func() { sum += i; p.logf("sum %d", sum) }()
		}
		sum += 5
		defer stop(t, p, "deferred")
		stop(t, p, "work")
		sum *= 2
		if n == 3 {
			panic("three")
		}
		return nil
	})
	stop(t, p, "after")
	return fmt.Sprint("sum ", sum), err
}

// scopedRecover recovers what a literal panics with that is called in place.
func scopedRecover(t *task.T, p *plan, n int) (r string, err error) {
	sum := 0
	defer func() {
		if v := recover(); v != nil {
			sum++
			r = fmt.Sprint("recovered ", v, sum)
		}
	}()
	err = task.Shield(t, func(t *task.T) error {
		sum += 10
		stop(t, p, "before")
		sum += 100
		if n > 1 {
			panic("many")
		}
		return stop(t, p, "last")
	})
	return fmt.Sprint("sum ", sum), err
}

// timedOften calls literals in place again and again.
func timedOften(t *task.T, d time.Duration, n int) (sum int, err error) {
	for i := range 1000 {
		k := 0
		err := task.Timeout(t, d, func(t *task.T) (err error) {
			k, err = timed(t, n+i%2)
			sum++
			return err
		})
		if err != nil {
			return sum, err
		}
		sum += k
	}
	return sum, nil
}

func timed(t *task.T, n int) (int, error) { return n, waitIf(t, n < 0) }

// timedMany calls the start form of timedOften.
func timedMany(t *task.T, d time.Duration, n int) (int, error) { return timedOften(t, d, n) }
