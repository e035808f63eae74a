package framelimits

import "github.com/framearena/framearena/task"

// small has the frame that its directive allows.
//
//coro:task max=128
func small(t *task.T, a, b int) (int, error) { return a + b, t.Yield() }

//coro:task max=128
func large(t *task.T) (sum int, err error) { // want "take 256 bytes, more than the 128"
	var numbers [20]int
	err = t.Yield()
	for _, n := range numbers {
		sum += n
	}
	return sum, err
}

//coro:task max=256
func enough(t *task.T) (sum int, err error) {
	var numbers [20]int
	err = t.Yield()
	for _, n := range numbers {
		sum += n
	}
	return sum, err
}

//coro:task max=many // want "this directive is not known"
func wrong(t *task.T) error { return t.Yield() }

//coro:task // want "this directive is not known"
func empty(t *task.T) error { return t.Yield() }
