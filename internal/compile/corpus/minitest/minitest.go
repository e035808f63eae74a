// Package minitest stands for package testing in tests that run as a part of a program. Test functions of
// corpora import it in place of that.
package minitest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
)

// T is what a test function has. It prints what the test reports.
type T struct {
	name    string
	parent  *T
	failed  bool
	cleanup []func()
}

// TB is what T and B have in common.
type TB interface {
	Helper()
	Name() string
	Log(args ...any)
	Logf(format string, args ...any)
	Error(args ...any)
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Fail()
	FailNow()
	Failed() bool
	Skip(args ...any)
	Skipf(format string, args ...any)
	SkipNow()
	TempDir() string
	Cleanup(f func())
}

// B and the others are there for functions that are never called.
type (
	B struct {
		T
		N int
	}
	F struct{ T }
	M struct{}
	// PB is like that of package testing.
	PB struct{}
)

// stop is what a test panics with that goes no further.
type stop struct{}

// failed is set if some test has failed.
var failed bool

// Start begins a test.
func Start(name string) *T { return &T{name: name} }

// Sub begins a part of t.
func (t *T) Sub(name string) *T {
	return &T{name: t.name + "/" + strings.ReplaceAll(name, " ", "_"), parent: t}
}

// End ends a test. It must be deferred.
func (t *T) End() {
	v := recover()
	for len(t.cleanup) > 0 {
		last := t.cleanup[len(t.cleanup)-1]
		t.cleanup = t.cleanup[:len(t.cleanup)-1]
		last()
	}
	if _, ok := v.(stop); !ok && v != nil {
		panic(v)
	}
	switch {
	case t.failed:
		fmt.Println("FAIL", t.name)
	default:
		fmt.Println("ok", t.name)
	}
	if t.failed && t.parent != nil {
		t.parent.failed = true
	}
}

// Done ends the program with an error if a test has failed.
func Done() {
	if failed {
		os.Exit(1)
	}
}

func (t *T) Helper()      {}
func (t *T) Parallel()    {}
func (t *T) Name() string { return t.name }
func (t *T) Failed() bool { return t.failed }

func (t *T) Fail()    { t.failed, failed = true, true }
func (t *T) FailNow() { t.Fail(); panic(stop{}) }
func (t *T) SkipNow() { panic(stop{}) }

func (t *T) Log(args ...any)                   { fmt.Println(args...) }
func (t *T) Logf(format string, args ...any)   { fmt.Printf(format+"\n", args...) }
func (t *T) Error(args ...any)                 { t.Log(args...); t.Fail() }
func (t *T) Errorf(format string, args ...any) { t.Logf(format, args...); t.Fail() }
func (t *T) Fatal(args ...any)                 { t.Log(args...); t.FailNow() }
func (t *T) Fatalf(format string, args ...any) { t.Logf(format, args...); t.FailNow() }
func (t *T) Skip(args ...any)                  { t.Log(args...); t.SkipNow() }
func (t *T) Skipf(format string, args ...any)  { t.Logf(format, args...); t.SkipNow() }

func (t *T) Cleanup(f func())                { t.cleanup = append(t.cleanup, f) }
func (t *T) Context() context.Context        { return context.Background() }
func (t *T) Setenv(key, value string)        { os.Setenv(key, value) }
func (t *T) Deadline() (d struct{}, ok bool) { return d, false }

// TempDir makes a directory that Cleanup removes.
func (t *T) TempDir() string {
	dir, err := os.MkdirTemp("", "minitest")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (b *B) ReportAllocs()                       {}
func (b *B) ResetTimer()                         {}
func (b *B) StartTimer()                         {}
func (b *B) StopTimer()                          {}
func (b *B) SetBytes(int64)                      {}
func (b *B) Loop() bool                          { return false }
func (b *B) Run(name string, f func(*B)) bool    { return false }
func (b *B) RunParallel(f func(*PB))             {}
func (b *B) ReportMetric(n float64, unit string) {}

// Next is like that of package testing.
func (*PB) Next() bool { return false }

// Short reports whether tests should take less time.
func Short() bool { return true }

// Verbose is like that of package testing.
func Verbose() bool { return false }

// AllocsPerRun is that of package testing.
func AllocsPerRun(runs int, f func()) float64 { return testing.AllocsPerRun(runs, f) }

// Builder is that of package testenv.
func Builder() string { return "" }
