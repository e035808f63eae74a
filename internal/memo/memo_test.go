package memo_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/memo"
)

func TestGet(t *testing.T) {
	var table memo.Table
	var made atomic.Int32
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			key := i % 4
			require.Equal(t, key*10, memo.Get(&table, key, func() int { made.Add(1); return key * 10 }))
		})
	}
	all.Wait()
	require.EqualValues(t, 4, made.Load(), "each is made once")
	var values []any
	for v := range table.All {
		values = append(values, v)
	}
	require.ElementsMatch(t, []any{0, 10, 20, 30}, values)
}
