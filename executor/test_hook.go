package executor

import "github.com/framearena/framearena/internal/framecheck"

// testDelays is called between the atomic operations of the queues, in builds with the tag
// framecheck. Tests set it, before they make pools, to have them meet in the ways
// that are rare.
var testDelays func()

func delay() {
	if framecheck.Enabled && testDelays != nil {
		testDelays()
	}
}
