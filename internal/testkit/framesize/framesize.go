// Package framesize tells tests how large the frames of kinds are, including those of compiled
// functions.
package framesize

import (
	"path"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Of returns the size of a frame, in bytes, of the kind that is defined in a file and has a name. The
// kind of a compiled function has the name of that function. Of ends the test if there is no such kind,
// or more than one.
func Of(t testing.TB, file, name string) uintptr {
	t.Helper()
	var found []coro.KindInfo
	for k := range coro.Kinds() {
		if path.Base(k.File) == file && k.Name == name {
			found = append(found, k)
		}
	}
	if len(found) != 1 {
		t.Fatalf("there are %d kinds with the name %q in %s", len(found), name, file)
	}
	return found[0].FrameSize
}
