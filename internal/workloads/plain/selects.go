package plain

import "github.com/framearena/framearena/task"

// Selects is workloads.Selects.
func Selects(t *task.T, n int) (sum int, err error) {
	a, b := task.NewChan[int](1), task.NewChan[int](1)
	a.TrySend(1)
	var v int
	for range n {
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
