package constructs

import "github.com/framearena/framearena/task"

// choose waits in the tag of a switch and in a case.
func choose(t *task.T, n int) string {
	switch k, _ := straight(t, n, 1); k {
	case 0, 1:
		return "few"
	case n:
		t.Yield()
		fallthrough
	default:
		return "many"
	}
}
