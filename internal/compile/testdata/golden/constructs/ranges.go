package constructs

import "github.com/framearena/framearena/task"

// overMap keeps an iterator while it waits.
func overMap(t *task.T, prices map[string]int) (total int) {
	for _, p := range prices {
		t.Yield()
		total += p
	}
	return total
}
