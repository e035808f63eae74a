package fuzz

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// recorder is the testing.TB that a constructor gets: what it reports is a finding about
// one run, and its cleanups are done when that run ends. A run's goroutines use it one
// at a time.
type recorder struct {
	testing.TB
	cleanups []func()
	failed   bool
	skipped  bool
	log      strings.Builder
	memories []*Memory
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

// clean does the cleanups, the last one first, and returns what went wrong.
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

// verdict returns what was reported so far.
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

// ending is how a function ended that was called by isolate.
type ending struct {
	returned bool // otherwise it panicked or called runtime.Goexit
	panicked any
	stack    []byte
}

// isolate calls f on a goroutine of its own and waits. A memory fault is a panic there,
// as it is where the address is nil.
func isolate(f func()) ending { return <-start(f) }

// isolateFor is isolate, but gives up after a time: then f goes on, and ok is false.
func isolateFor(limit time.Duration, f func()) (end ending, ok bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case end = <-start(f):
		return end, true
	case <-timer.C:
		return end, false
	}
}

func start(f func()) <-chan ending {
	ended := make(chan ending, 1)
	go func() {
		var end ending
		defer func() {
			if end.panicked = recover(); end.panicked != nil {
				end.stack = debug.Stack()
			}
			ended <- end
		}()
		debug.SetPanicOnFault(true)
		f()
		end.returned = true
	}()
	return ended
}

// violation is a broken invariant.
type violation struct {
	invariant Invariant
	text      string
}

func violated(i Invariant, format string, args ...any) *violation {
	return &violation{i, fmt.Sprintf(format, args...)}
}
