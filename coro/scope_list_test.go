package coro

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// A scopeList is what a slice is that is changed in the same way.
func TestScopeListIsLikeASlice(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	frame := (*header)(unsafe.Pointer(new([256]byte)))
	other := (*header)(unsafe.Pointer(new([256]byte)))
	var list scopeList
	var want []*waitNode
	var hosted *header
	nodes := make([]waitNode, 6)
	for range 20_000 {
		n := &nodes[random.IntN(len(nodes))]
		switch random.IntN(4) {
		case 0:
			if !slices.Contains(want, n) {
				list.add(n.element(), &n.listed)
				want = append(want, n)
			}
		case 1:
			at := slices.Index(want, n)
			require.Equal(t, at >= 0, list.remove(&n.listed))
			if at >= 0 {
				want = slices.Delete(want, at, at+1)
			}
		case 2:
			require.Equal(t, hosted == nil, list.host(frame))
			hosted = frame
		case 3:
			list.unhost(other)
			list.unhost(frame)
			hosted = nil
		}
		var got []*waitNode
		e := element(list)
		for e != 0 && e.kind() != hostElement {
			got = append(got, e.waitNode())
			e = e.listed().next
		}
		require.True(t, slices.Equal(want, got))
		require.Equal(t, hosted, e.hosted())
		for i, n := range got { // the first one leads to the last
			require.Same(t, got[(i+len(got)-1)%len(got)], n.listed.prev.waitNode())
		}
		if len(want) == 0 {
			require.Equal(t, hosted == nil, list == 0)
		}
	}
}
