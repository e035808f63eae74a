package forms

import (
	"errors"
	"fmt"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/task"
)

// scopes calls literals, and function values, in scopes of their own, one in the other and in a loop.
func scopes(t *task.T, s *script, n int) (all string, err error) {
	var frames arena.Heap
	for i := range n {
		sum := 0
		add := func(t *task.T) error {
			k, err := value(t, s, 10*i)
			sum += k
			return err
		}
		err := task.Timeout(t, time.Hour, func(t *task.T) error {
			k, err := value(t, s, i)
			if err != nil {
				return err
			}
			sum += k
			_, limited := t.Context().Deadline()
			s.logf("limited %v", limited)
			return task.Shield(t, func(t *task.T) (err error) {
				_, limited := t.Context().Deadline()
				s.logf("limited %v", limited)
				k, err = value(t, s, k+1)
				sum += k
				return err
			})
		})
		if err != nil {
			return all, err
		}
		err = task.WithAllocator(t, &frames, func(t *task.T) error {
			return errors.Join(task.Timeout(t, time.Hour, add), task.Deadline(t, time.Now().Add(time.Hour), func(t *task.T) error {
				defer s.logf("left %d", i)
				if must(t, s, i) == 1 {
					return fmt.Errorf("fails with %d", sum)
				}
				return nil
			}))
		})
		all += fmt.Sprintln(sum, err)
	}
	return all, recovered(t, s, n)
}

// recovered returns the panic of a literal that was called in a scope.
func recovered(t *task.T, s *script, n int) (err error) {
	defer func() { err = fmt.Errorf("panicked: %v", recover()) }()
	return task.Timeout(t, time.Hour, func(t *task.T) error {
		if k := must(t, s, n); k > 0 {
			panic(k)
		}
		return nil
	})
}
