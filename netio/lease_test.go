package netio

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
)

// How long a test waits for what must happen, and how often it looks.
const (
	wait  = 20 * time.Second
	pause = time.Millisecond
)

// borrow leases size bytes, and gives them back when the event is set.
func borrow(t *task.T, n *Net, size int, back *task.Event) (int, error) {
	l, err := n.Lease(t, size)
	if err != nil {
		return 0, err
	}
	defer l.End()
	for i := range l.Bytes {
		l.Bytes[i] = 1
	}
	return len(l.Bytes), back.Wait(t)
}

func TestLease(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t, WithBudget(10000))
		var first, second task.Event
		a, err := task.Start(n.executor, task.Call3(borrow, n, 6000, &first), form)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return n.Stats().Leased == 6000 }, wait, pause)
		b, err := task.Start(n.executor, task.Call3(borrow, n, 5000, &second), form)
		require.NoError(t, err)
		c, err := task.Start(n.executor, task.Call3(borrow, n, 1, &second), form)
		require.NoError(t, err)
		require.Equal(t, int64(6000), n.Stats().Leased)

		first.Set()
		size, err := a.WaitContext(t.Context())
		require.NoError(t, err)
		require.Equal(t, 6000, size)
		require.Eventually(t, func() bool { return n.Stats().Leased == 5001 }, wait, pause)
		second.Set()
		_, err = b.WaitContext(t.Context())
		require.NoError(t, err)
		_, err = c.WaitContext(t.Context())
		require.NoError(t, err)
		require.Zero(t, n.Stats().Leased)

		_, err = task.Run(t.Context(), n.executor, task.Call3(borrow, n, 10001, &first), form)
		require.ErrorIs(t, err, ErrTooLarge)
		_, err = task.Run(t.Context(), n.executor, task.Call3(borrow, n, 0, &first), form)
		require.ErrorIs(t, err, ErrEmptyBuffer)
	})
}

// A lease that outlives its Net has its bytes until it ends, twice or once.
func TestLeaseOutlivesItsNet(t *testing.T) {
	n := open(t)
	l, err := task.Run(t.Context(), n.executor, task.Call1(n.Lease, 100))
	require.NoError(t, err)
	require.NoError(t, n.Close())
	l.Bytes[99] = 1
	l.End()
	l.End()
	require.Nil(t, l.Bytes)
	_, err = task.Run(context.Background(), n.executor, task.Call1(n.Lease, 100))
	require.ErrorIs(t, err, errNetClosed)
}
