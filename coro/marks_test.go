package coro_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// An operation that has had to wait makes the next one wait, too, and one that waits and need not makes
// the next one be tried in place.
func TestOperationsAreTriedInPlaceAgain(t *testing.T) {
	c := coro.NewChan[int](1)
	var m coro.Mutex
	for _, tt := range []struct {
		name        string
		now         func(s *coro.Suspension) bool
		wait        func(f *coro.Frame[int, none]) coro.Step
		block, free func()
	}{
		{"Recv",
			func(s *coro.Suspension) bool { _, ok := c.RecvNow(s); return ok },
			func(f *coro.Frame[int, none]) coro.Step { return c.Recv(f, 1, &f.State) },
			func() {}, func() { require.True(t, c.TrySend(7)) }},
		{"Send",
			func(s *coro.Suspension) bool { return c.SendNow(s, 7) },
			func(f *coro.Frame[int, none]) coro.Step {
				return c.StageSend(coro.Resumed(f), 7).Enter(coro.Resumed(f), f, 1)
			},
			func() { c.TrySend(7) }, func() { c.TryRecv() }},
		{"Lock",
			m.LockNow,
			func(f *coro.Frame[int, none]) coro.Step { return m.Lock(f, 1) },
			func() { m.TryLock() }, m.Unlock},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ex := newInline(t)
			kind := coro.Define("tries", func(f *coro.Frame[int, none]) coro.Step {
				s := coro.Resumed(f)
				if f.At() == 0 {
					tt.block()
					require.False(t, tt.now(s))
					tt.free()
					require.False(t, tt.now(s)) // it is expected that it has to wait
					return tt.wait(f)
				}
				require.NoError(t, f.Err())
				tt.free()
				require.True(t, tt.now(s))
				return f.Return(none{})
			})
			require.NoError(t, coro.Go(ex, kind, 0))
			require.Zero(t, liveIn(ex.Arena()))
		})
		c.TryRecv()
	}
}
