package task

import (
	"time"

	"github.com/framearena/framearena/internal/forcing"
)

// forced is called when a function calls Yield or Sleep in a test that forces operations. It
// reports whether that is all, with the error to return.
func (t *T) forced() (done bool, err error) {
	choice := forcing.Reached()
	if !t.s.InTask() {
		return false, nil
	}
	switch choice {
	case forcing.Complete:
		return true, t.Err()
	case forcing.Stay:
		t.s.Amount = int64(1000 * time.Hour)
		t.s.Wait(sleeping{})
		return true, nil
	}
	return false, nil
}
