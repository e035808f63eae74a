// Package race says whether the race detector is compiled in.
//
// It is a constant tested in the code, not a second implementation: under
// -race, slabs come from the Go heap so that the detector sees the frames in
// them, and counters that a reader may look at from another goroutine are
// stored atomically.
package race
