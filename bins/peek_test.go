package bins_test

import (
	"testing"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

func TestPeekAtAList(t *testing.T) {
	f := newFrames(t, bins.ListCap, 1)
	l, b := new(bins.List), &f.batches[0]
	peek := func() (seen []uintptr) {
		l.Peek(func(frame uintptr) { seen = append(seen, frame) })
		return seen
	}
	require.Empty(t, peek(), "a closed list")
	l.Open(bins.ListCap)
	require.Empty(t, peek())
	var all []uintptr
	for i := range bins.ListCap {
		require.True(t, l.Push(f.at(i)))
		all = append(all, uintptr(f.at(i)))
		require.Equal(t, all, peek())
	}
	require.Equal(t, f.at(bins.ListCap-1), l.Pop())
	require.Equal(t, all[:bins.ListCap-1], peek(), "without the one that waits apart")
	l.Drain(b, bins.BatchCap)
	require.Equal(t, all[:l.Len()], peek())
	for l.Len() > 0 {
		l.Pop()
	}
	l.Fill(b)
	require.Len(t, peek(), bins.BatchCap)
}

func TestPeekAtAStack(t *testing.T) {
	f := newFrames(t, 9, 3)
	var s bins.Stack
	type seen struct {
		frame uintptr
		cold  bool
	}
	peek := func(most int) (all []seen, complete bool) {
		complete = s.Peek(most, func(frame uintptr, cold bool) { all = append(all, seen{frame, cold}) })
		return all, complete
	}
	all, complete := peek(0)
	require.Empty(t, all)
	require.True(t, complete)
	for i := range 3 {
		b := f.batch(t, i, 3*i, 3*i+3)
		b.SetCold(i == 1)
		s.Push(b)
	}
	for most := range 5 {
		all, complete := peek(most)
		require.Equal(t, most >= 3, complete)
		require.Len(t, all, 3*min(most, 3))
		for i, x := range all {
			batch := 2 - i/3
			require.Equal(t, seen{uintptr(f.at(3*batch + i%3)), batch == 1}, x)
		}
	}
	s.TakeAll()
	all, complete = peek(5)
	require.Empty(t, all)
	require.True(t, complete)
}

// The batch that is being looked at is taken, emptied, and put to the other empty ones.
func TestPeekNoticesThatItIsLedAway(t *testing.T) {
	f := newFrames(t, 2, 3)
	var s, empties bins.Stack
	empties.Push(&f.batches[2])
	s.Push(f.batch(t, 0, 0, 1))
	s.Push(f.batch(t, 1, 1, 2))
	var seen []uintptr
	look := func() bool {
		return s.Peek(9, func(frame uintptr, _ bool) {
			if seen = append(seen, frame); len(seen) == 1 {
				b := s.Take()
				b.Remove()
				empties.Push(b)
			}
		})
	}
	require.False(t, look())
	require.True(t, look(), "another look, at what is left")
	require.Equal(t, []uintptr{uintptr(f.at(1)), uintptr(f.at(0))}, seen)
}
