//go:build !cgo

package frames

import "github.com/framearena/framearena/bench/internal/contest"

var errNoCgo = contest.Missing("this program was built without cgo, which needs a C compiler")

func openCgo() (source, error)     { return nil, errNoCgo }
func openCgoMixed() (mixed, error) { return mixed{}, errNoCgo }
