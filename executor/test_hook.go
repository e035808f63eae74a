package executor

import "github.com/framearena/framearena/internal/framecheck"

// testDelays is called between the atomic operations of the pool's queues, in builds with
// the tag framecheck: go test -tags framecheck -run Pool ./executor. Tests set it before
// they make a pool. It yields or spins at random, and so produces orders of operations that
// are rare otherwise.
var testDelays func()

// delay calls testDelays. It is nothing in builds without the tag.
func delay() {
	if framecheck.Enabled && testDelays != nil {
		testDelays()
	}
}
