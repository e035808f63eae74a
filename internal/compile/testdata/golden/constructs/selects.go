package constructs

import "github.com/framearena/framearena/task"

// first waits in the body of a select statement.
func first(t *task.T, numbers, more <-chan int) error {
	select {
	case n := <-numbers:
		_, err := straight(t, n, n)
		return err
	case <-more:
		return t.Yield()
	default:
		return nil
	}
}
