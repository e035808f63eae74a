package bins_test

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

// intrusive is the competitor of [bins.List] in the benchmarks: the same Pop and
// Push, but linked through the first word of the free frames. It belongs to one
// owner.
type intrusive struct {
	head  uintptr // the frame freed last, or 0; an integer, so no write barrier
	n     uint32
	limit uint32
}

func (l *intrusive) Open(limit int) { l.limit = uint32(limit) }

func (l *intrusive) Pop() unsafe.Pointer {
	if l.head == 0 {
		return nil
	}
	p := *(*unsafe.Pointer)(unsafe.Pointer(&l.head))
	l.head = *(*uintptr)(p)
	l.n--
	return p
}

func (l *intrusive) Push(p unsafe.Pointer) bool {
	if l.n >= l.limit || l.head == uintptr(p) {
		return false
	}
	*(*uintptr)(p) = l.head
	l.head = uintptr(p)
	l.n++
	return true
}

func TestIntrusiveListIsAStack(t *testing.T) {
	f := newFrames(t, bins.ListCap+1, 0)
	l := new(intrusive)
	require.False(t, l.Push(f.at(0)))
	l.Open(bins.ListCap)
	for i := range bins.ListCap {
		require.True(t, l.Push(f.at(i)))
		require.False(t, l.Push(f.at(i)))
	}
	require.False(t, l.Push(f.at(bins.ListCap)))
	for _, i := range downFrom(bins.ListCap, 0) {
		require.Equal(t, f.at(i), l.Pop())
		*(*uintptr)(f.at(i)) = 0
	}
	require.Nil(t, l.Pop())
	for i := range f.all {
		for j := range f.all[i] {
			f.all[i][j] = untouched
		}
	}
}
