package golden

import (
	"fmt"
	"time"

	"github.com/framearena/framearena/task"
)

type conn struct{ slot, generation uint32 }

func greet(t *task.T, c conn, id int) (int, error) { return id, t.Yield() }

func session(t *task.T, c conn, id int) (n int, err error) {
	for attempt := 0; ; attempt++ {
		k, err := greet(t, c, id)
		if err == nil {
			n = k
			break
		}
		if err := t.Sleep(time.Second << attempt); err != nil {
			return n, err
		}
	}
	return n + id, nil
}

func fetch(t *task.T, part string) error { return t.Sleep(time.Second) }

func fetchAll(t *task.T, parts []string) error {
	var g task.Group
	for _, part := range parts {
		g.Go(t, func(t *task.T) error {
			if err := fetch(t, part); err != nil {
				return fmt.Errorf("%s: %w", part, err)
			}
			return nil
		})
	}
	return g.Wait(t)
}

func smallest[N int | float64](t *task.T, list []N, less func(t *task.T, a, b N) bool) (found N) {
	for i, v := range list {
		if i == 0 || less(t, v, found) {
			found = v
		}
	}
	return found
}
