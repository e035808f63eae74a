//lint:file-ignore U1000 Define looks at the types, nobody at the fields.

package coro_test

import (
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

type flat struct {
	a int8
	b [3]struct{ c, d float64 }
	e complex64
	f uintptr
	g time.Duration
	h bool
	_ [0]int
}

type (
	inner    struct{ buf []byte }
	deep     struct{ peer struct{ list [4]inner } }
	Embedded struct {
		flat flat
		name string
	}
	embedding struct {
		n int
		Embedded
	}
	embeddedPointer struct {
		n int
		*flat
	}
	twoOffenders struct {
		fine   flat
		first  error
		second *int
	}
	// noElements refers to pointers in its type, but holds none.
	noElements struct {
		n    int
		none [0]*int
		also [2][0]string
		grid [0][4]map[int]int
	}
)

func stateOf[S any]() func() {
	return func() {
		coro.Define("x", func(f *coro.Frame[S, none]) coro.Step { return f.Return(none{}) })
	}
}

func resultOf[R any]() func() {
	return func() {
		coro.Define("x", func(f *coro.Frame[none, R]) coro.Step { var r R; return f.Return(r) })
	}
}

func TestDefineRefusesPointers(t *testing.T) {
	tests := []struct {
		define func()
		where  string
	}{
		{stateOf[*int](), "state type (*int)"},
		{stateOf[string](), "state type (string)"},
		{stateOf[any](), "state type (interface {})"},
		{stateOf[[2]*int](), "state field [0] (*int)"},
		{stateOf[struct{ p *int }](), "state field .p (*int)"},
		{stateOf[struct{ s string }](), "state field .s (string)"},
		{stateOf[struct{ s []int }](), "state field .s ([]int)"},
		{stateOf[struct{ m map[int]int }](), "state field .m (map[int]int)"},
		{stateOf[struct{ c chan int }](), "state field .c (chan int)"},
		{stateOf[struct{ c <-chan int }](), "state field .c (<-chan int)"},
		{stateOf[struct{ f func(int) bool }](), "state field .f (func(int) bool)"},
		{stateOf[struct{ e error }](), "state field .e (error)"},
		{stateOf[struct{ u unsafe.Pointer }](), "state field .u (unsafe.Pointer)"},
		{stateOf[struct{ _ *int }](), "state field ._ (*int)"},
		{stateOf[struct{ Exported *int }](), "state field .Exported (*int)"},
		{stateOf[struct{ t time.Time }](), "state field .t.loc (*time.Location)"},
		{stateOf[struct{ a [3][2]struct{ s string } }](), "state field .a[0][0].s (string)"},
		{stateOf[deep](), "state field .peer.list[0].buf ([]byte)"},
		{stateOf[embedding](), "state field .Embedded.name (string)"},
		{stateOf[embeddedPointer](), "state field .flat (*coro_test.flat)"},
		{stateOf[twoOffenders](), "state field .first (error)"},
		{stateOf[struct {
			none noElements
			p    *int
		}](), "state field .p (*int)"},
	}
	for _, tt := range tests {
		t.Run(tt.where, func(t *testing.T) {
			require.PanicsWithValue(t,
				`coro: task "x": `+tt.where+` holds a Go pointer; move it to the held part`, tt.define)
		})
	}
}

func TestDefineTakesWhatHoldsNoPointers(t *testing.T) {
	for _, define := range []func(){
		stateOf[none](), stateOf[int](), stateOf[uintptr](), stateOf[bool](), stateOf[complex128](),
		stateOf[flat](), stateOf[noElements](), stateOf[[5]flat](), stateOf[[0]*int](),
		stateOf[time.Duration](), stateOf[unsafePad](),
		resultOf[flat](), resultOf[*int](), resultOf[error](), resultOf[deep](),
	} {
		require.NotPanics(t, define)
	}
}

// unsafePad has fields without a name.
type unsafePad struct {
	_ [3]byte
	_ struct{}
	n int32
}

func TestDefineNeedsAStepFunction(t *testing.T) {
	require.PanicsWithValue(t, `coro: task "x": Define needs a step function`, func() {
		coro.Define[none, none]("x", nil)
	})
}
