package slots_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/slots"
)

func TestUse(t *testing.T) {
	var small slots.Of[uint64]
	var large slots.Of[[1000]byte]
	small.Init()
	large.Init()
	before := slots.UseOfAll()
	require.Zero(t, small.Use())
	var own slots.Local
	s := small.Take(&own)
	small.Put(&own, s)
	require.Equal(t, slots.Use{Slots: small.BlockLen(), Bytes: uint64(small.BlockLen()) * uint64(unsafe.Sizeof(*s))}, small.Use(), "free slots have memory too")
	for range 100 {
		large.Take(nil)
	}
	want := before
	want.Add(small.Use())
	want.Add(large.Use())
	require.Equal(t, want, slots.UseOfAll())
	require.GreaterOrEqual(t, large.Use().Bytes, uint64(100*1000))
}
