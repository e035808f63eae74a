package task

import (
	"time"

	"github.com/framearena/framearena/internal/forcing"
)

// forced is called when a function calls Yield or Sleep in a test that forces operations. It
// reports whether that is all, with the error to return.
func (t *T) forced() (done bool, err error) {
	switch forcing.Reached() {
	case forcing.Complete:
		if forcing.GivesWay {
			t.s.GiveWay()
		}
		return t.s.InTask(), t.Err()
	case forcing.Stay:
		t.s.Amount = int64(1000 * time.Hour)
		return true, waitFor(t, sleeping{})
	}
	return false, nil
}
