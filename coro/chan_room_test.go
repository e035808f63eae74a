package coro_test

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// A channel has no room for values before the first one comes, and none while a receiver waits, if it
// never had many.
func TestAQuietChanKeepsNoRoom(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) == 8 {
		require.LessOrEqual(t, unsafe.Sizeof(coro.Chan[string]{}), uintptr(112))
	}
	for _, tt := range []struct {
		name     string
		values   int
		keepsAll bool
	}{{"few values", 4, false}, {"many values", 1000, true}} {
		t.Run(tt.name, func(t *testing.T) {
			ex := newInline(t)
			c := coro.NewChan[string](tt.values)
			require.Zero(t, c.Room())
			var read []string
			type held struct{ value string }
			reader := coro.DefineHeld("reader", func(f *coro.Frame[none, none], h *held) coro.Step {
				if f.Err() != nil {
					return f.Return(none{})
				}
				if f.At() == 1 {
					read = append(read, h.value)
				}
				return c.Recv(f, 1, &h.value)
			})
			for range tt.values {
				require.True(t, c.TrySend("value"))
			}
			require.False(t, c.TrySend("one too many"))
			require.GreaterOrEqual(t, c.Room(), tt.values)

			require.NoError(t, coro.GoHeld(ex, reader, none{}, held{}))
			require.Len(t, read, tt.values)
			require.Equal(t, tt.keepsAll, c.Room() > 0)

			require.True(t, c.TrySend("to the receiver that waits"))
			require.Len(t, read, tt.values+1)
			c.Close()
			require.Zero(t, liveIn(ex.Arena()))
		})
	}
}
