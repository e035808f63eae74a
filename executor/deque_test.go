package executor

import (
	"math"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDequeOrder(t *testing.T) {
	for _, start := range []uintptr{0, 200, math.MaxUint32 - 5, math.MaxUint - 5} {
		d := new(deque)
		d.top.v, d.bottom.v = start, start // indices near wraparound
		require.Zero(t, d.pop())
		require.Zero(t, d.take())
		for i := range uintptr(dequeSize) {
			require.True(t, d.push(i+1))
		}
		require.False(t, d.push(1000))
		require.Equal(t, dequeSize, d.len())
		require.Equal(t, uintptr(1), d.take())
		require.Equal(t, uintptr(dequeSize), d.pop())
		var kept []uintptr
		require.Equal(t, uintptr(2), d.takeHalf(func(t uintptr) { kept = append(kept, t) }))
		require.Len(t, kept, (dequeSize-2)/2-1)
		require.Equal(t, uintptr(3), kept[0])
		n := d.len()
		for range n {
			require.NotZero(t, d.pop())
		}
		require.Zero(t, d.pop())
		require.Zero(t, d.len())
	}
}

// Each word that the owner puts in is taken once, by the owner or by a thief.
func TestDequeThieves(t *testing.T) {
	total := uintptr(300_000)
	if testing.Short() {
		total /= 10
	}
	d := new(deque)
	had := make([]atomic.Int32, total+1)
	var done atomic.Bool
	var thieves sync.WaitGroup
	for i := range 3 {
		thieves.Go(func() {
			for last := false; !last; {
				last = done.Load()
				if i == 0 {
					if w := d.takeHalf(func(w uintptr) { had[w].Add(1) }); w != 0 {
						had[w].Add(1)
						last = false
					}
				} else if w := d.take(); w != 0 {
					had[w].Add(1)
					last = false
				}
			}
		})
	}
	for w := uintptr(1); w <= total; {
		for range 1 + w%7 {
			if w <= total && d.push(w) {
				w++
			}
		}
		for range w % 5 {
			if v := d.pop(); v != 0 {
				had[v].Add(1)
			}
		}
	}
	done.Store(true)
	thieves.Wait()
	for w := uintptr(1); w <= total; w++ {
		if n := had[w].Load(); n != 1 {
			t.Fatalf("%d was had %d times", w, n)
		}
	}
}
