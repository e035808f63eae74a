package coro

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Defining a kind twice would end the test binary before its first test, so the
// kindTable is tested by itself.
func TestAKindIsDefinedOnce(t *testing.T) {
	at := func(line int, pkg string) *kind {
		return &kind{name: "session", defined: position{file: "a.go", line: line, initialises: pkg}}
	}
	var r kindTable
	r.add(at(10, "example.com/a"))
	require.NotPanics(t, func() {
		r.add(at(10, "example.com/a")) // by a generic function
		r.add(at(20, "example.com/b")) // in another package
		r.add(at(30, ""))              // in a function
		r.add(at(40, ""))
	})
	require.PanicsWithValue(t,
		`coro: task "session" is defined twice in package example.com/a, at a.go:10 and at a.go:20: give each kind a name of its own`,
		func() { r.add(at(20, "example.com/a")) })
	require.Len(t, r.snapshot(), 5)
}

func TestInitialiserOf(t *testing.T) {
	for function, want := range map[string]string{
		"main.init":                        "main",
		"example.com/dir/coro.init":        "example.com/dir/coro",
		"example.com/v2%2e1.init":          "example.com/v2%2e1",
		"example.com/coro.init.0":          "", // func init
		"example.com/coro.init.func1":      "", // a closure in an initialiser
		"example.com/coro.T.init":          "", // a method
		"example.com/coro.(*T).init":       "",
		"example.com/coro.Test":            "",
		"example.com/coro.Test.func1.init": "",
		"":                                 "",
	} {
		require.Equal(t, want, initialiserOf(function), function)
	}
}

var packageLevel = Define("of the coro tests", func(f *Frame[struct{}, struct{}]) Step { return f.Return(struct{}{}) })

func TestScopeOfDefine(t *testing.T) {
	inside := Define("of the coro tests", func(f *Frame[struct{}, struct{}]) Step { return f.Return(struct{}{}) })
	require.Equal(t, "github.com/framearena/framearena/coro", packageLevel.defined.initialises)
	require.Empty(t, inside.defined.initialises)
}
