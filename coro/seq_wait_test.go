package coro_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// received yields what is received from ch until it is closed or the context ends.
func received(ch *coro.Chan[int]) *coro.SeqKind[int, int] {
	return coro.DefineSeq("received", func(f *coro.SeqFrame[int, int]) coro.Step {
		if f.At() == 0 {
			return ch.Recv(&f.Frame, 1, &f.State)
		}
		switch err := f.Err(); err {
		case nil:
			return coro.YieldValue(f, 0, f.State)
		case coro.ErrChanClosed:
			return f.Return()
		default:
			return f.Fail(err)
		}
	})
}

// A generator may wait for what other goroutines do: the loop waits with it.
func TestGeneratorWaits(t *testing.T) {
	for range 3 { // loops are reused
		ch := coro.NewChan[int](1)
		go func() {
			for i := range 100 {
				for !ch.TrySend(i) {
					runtime.Gosched()
				}
			}
			ch.Close()
		}()
		want := 0
		for v := range received(ch).Seq(0) {
			require.Equal(t, want, v)
			want++
		}
		require.Equal(t, 100, want)
	}
}

func TestGeneratorWaitsUntilTheContextEnds(t *testing.T) {
	for range 3 {
		ch := coro.NewChan[int](1)
		require.True(t, ch.TrySend(7))
		ctx, cancel := context.WithCancelCause(context.Background())
		defer cancel(nil)
		var errs []error
		for v, err := range received(ch).Seq2(0, coro.Context(ctx)) {
			if err != nil {
				errs = append(errs, err)
				continue
			}
			require.Equal(t, 7, v)
			go cancel(errCause)
		}
		require.Equal(t, []error{errCause}, errs)
	}
}

// A generator that waits when the Chan is closed learns it, and what was received before
// is not yielded again.
func TestGeneratorLearnsThatTheChanIsClosed(t *testing.T) {
	ch := coro.NewChan[int](1)
	ch.TrySend(1)
	var values []int
	for v := range received(ch).Seq(0) {
		values = append(values, v)
		go func() {
			for {
				if n, _, _, _ := ch.Waiting(); n == 1 {
					ch.Close()
					return
				}
				runtime.Gosched()
			}
		}()
	}
	require.Equal(t, []int{1}, values)
}
