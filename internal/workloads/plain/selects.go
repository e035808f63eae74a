package plain

import "github.com/framearena/framearena/task"

// Selects is workloads.Selects.
func Selects(t *task.T, n int) (sum int, err error) {
	a, b := task.NewChan[int](1), task.NewChan[int](1)
	a.TrySend(1)
	for range n {
		var v int
		chosen, err := task.Select(t, task.Recv(a, &v), task.Recv(b, &v))
		if err != nil {
			return sum, err
		}
		sum += v
		if chosen == 0 {
			b.TrySend(v + 1)
		} else {
			a.TrySend(v + 1)
		}
	}
	return sum, nil
}
