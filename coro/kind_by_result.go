package coro

import (
	"reflect"

	"github.com/framearena/framearena/internal/memo"
)

// kindsByResult is the kinds of children that this package makes for one generic function: one
// kind for each result type with which the program calls it. Kinds are never freed, so there
// must be only one for each type. Any goroutine may use it.
type kindsByResult struct{ memo.Table }

// kindByResult returns the kind for results of type R. If there is none, define makes it.
func kindByResult[R, K any](all *kindsByResult, define func() *K) *K {
	return memo.Get(&all.Table, reflect.TypeFor[R](), define)
}
