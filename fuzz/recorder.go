package fuzz

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// recorder is the testing.TB that a constructor gets. It keeps what is reported to it, as
// a result of one run, and runs its cleanups when that run ends. The goroutines of a run
// use it one at a time. Methods that it does not define are those of the test.
type recorder struct {
	testing.TB
	cleanups []func() // in the order of registration
	failed   bool
	skipped  bool
	log      strings.Builder
	memories []*Memory // that NewMemory returned for this recorder
}

func (r *recorder) Helper()                           {}
func (r *recorder) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Fail()                             { r.failed = true }
func (r *recorder) Failed() bool                      { return r.failed }
func (r *recorder) Skipped() bool                     { return r.skipped }
func (r *recorder) FailNow()                          { r.failed = true; runtime.Goexit() }
func (r *recorder) SkipNow()                          { r.skipped = true; runtime.Goexit() }
func (r *recorder) Log(args ...any)                   { fmt.Fprintln(&r.log, args...) }
func (r *recorder) Error(args ...any)                 { r.Log(args...); r.Fail() }
func (r *recorder) Fatal(args ...any)                 { r.Log(args...); r.FailNow() }
func (r *recorder) Skip(args ...any)                  { r.Log(args...); r.SkipNow() }
func (r *recorder) Logf(format string, args ...any)   { fmt.Fprintf(&r.log, format+"\n", args...) }
func (r *recorder) Errorf(format string, args ...any) { r.Logf(format, args...); r.Fail() }
func (r *recorder) Fatalf(format string, args ...any) { r.Logf(format, args...); r.FailNow() }
func (r *recorder) Skipf(format string, args ...any)  { r.Logf(format, args...); r.SkipNow() }

// clean runs the cleanups, the last one first. It returns the first fault of the cleanups,
// or else what was reported to r, or nil.
func (r *recorder) clean() *violation {
	var found *violation
	for len(r.cleanups) > 0 {
		f := r.cleanups[len(r.cleanups)-1]
		r.cleanups = r.cleanups[:len(r.cleanups)-1]
		if end := isolate(f); end.panicked != nil && found == nil {
			found = violated(Panicked, "a cleanup panicked: %v\n%s", end.panicked, end.stack)
		}
	}
	if found == nil {
		found = r.verdict()
	}
	return found
}

// verdict returns the first fault that a Memory has found, or else what was reported to r,
// or nil.
func (r *recorder) verdict() *violation {
	for _, m := range r.memories {
		if v := m.found(); v != nil {
			return v
		}
	}
	if r.failed {
		return violated(Reported, "%s", strings.TrimSpace(r.log.String()))
	}
	return nil
}
