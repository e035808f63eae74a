package refused

import "github.com/framearena/framearena/task"

func wait(t *task.T) error { return t.Yield() }

func other(n int, t *task.T) {}

func stored(t *task.T) error {
	kept := t // want "t can only be passed on"
	_ = kept
	return wait(t)
}

func second(t *task.T) error {
	other(1, t) // want "t can only be passed on"
	return wait(t)
}

func goroutine(t *task.T) error {
	go wait(t) // want "belongs to the task"
	return wait(t)
}

func captured(t *task.T) error {
	f := func() error { return wait(t) } // want "give it a \*task.T parameter"
	return f()
}

func embeds(t *task.T) (int, error) {
	type part struct{ n int }
	type whole struct{ part } // its field is part in the output too
	return whole{part{1}}.n, wait(t)
}

func embedsToo(t *task.T) (int, error) {
	type part struct{ n int }
	type whole struct{ *part } // want "part is embedded, and the package has something else of this name"
	return whole{&part{1}}.n, wait(t)
}
