package goroutine_test

import (
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/goroutine"
)

func TestPointer(t *testing.T) {
	mine := goroutine.Pointer()
	if mine == 0 {
		return // it is not known here
	}
	const goroutines = 100
	var (
		mu    sync.Mutex
		seen  = map[uintptr]bool{mine: true}
		group sync.WaitGroup
		all   sync.WaitGroup // nobody ends before all have asked
	)
	all.Add(goroutines)
	for range goroutines {
		group.Go(func() {
			first := goroutine.Pointer()
			grow(1000) // moves the stack
			runtime.Gosched()
			second := goroutine.Pointer()
			mu.Lock()
			defer mu.Unlock()
			if first != second || seen[first] {
				t.Errorf("%x, then %x", first, second)
			}
			seen[first] = true
			all.Done()
			mu.Unlock()
			all.Wait()
			mu.Lock()
		})
	}
	group.Wait()
	require.Equal(t, mine, goroutine.Pointer())
}

func grow(n int) int {
	var room [64]int
	if n > 0 {
		room[n%64] = grow(n - 1)
	}
	return room[n%64] + n
}
