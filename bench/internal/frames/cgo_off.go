//go:build !cgo

package frames

import "github.com/framearena/framearena/bench/internal/contest"

func openCgo() (source, error) {
	return nil, contest.Missing("this program was built without cgo, which needs a C compiler")
}
