package slots

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Blocks in which no slot is in use go back; the others stay, with their free slots.
func TestTrim(t *testing.T) {
	var s Of[[3]uint64]
	s.Init()
	const n = 10_000
	taken := make([]*Slot[[3]uint64], n)
	for i := range taken {
		taken[i] = s.Take(nil)
		taken[i].Value[0] = uint64(i)
	}
	made := s.Use().Slots
	require.GreaterOrEqual(t, made, n)
	s.trim()
	require.Equal(t, n, inUse(t, &s))

	for i, slot := range taken[n/10:] {
		require.Equal(t, uint64(n/10+i), slot.Value[0])
		s.Put(nil, slot)
	}
	s.trim()
	require.Equal(t, n/10, inUse(t, &s))
	require.Less(t, s.Use().Slots, made/2)
	for i, slot := range taken[:n/10] {
		require.Equal(t, uint64(i), slot.Value[0])
		s.Put(nil, slot)
	}
	s.trim()
	require.Zero(t, s.Use().Slots)
	s.Put(nil, s.Take(nil)) // it begins anew
	require.Zero(t, inUse(t, &s))
}

// inUse returns how many slots of s are in use.
func inUse(t *testing.T, s *Of[[3]uint64]) int {
	survey, err := s.Survey(func(*[3]uint64) {})
	require.NoError(t, err)
	return survey.Made - survey.Free
}

// Slots are taken, put and trimmed at the same time; none has two users.
func TestTrimUnderLoad(t *testing.T) {
	var s Of[[3]uint64]
	s.Init()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var own Local
			local := &own
			if g%2 == 0 {
				local = nil
			}
			var have []*Slot[[3]uint64]
			for i := range 20_000 {
				if i/500%2 == 0 {
					slot := s.Take(local)
					slot.Value[0] = uint64(g)
					have = append(have, slot)
				} else if n := len(have) - 1; n >= 0 {
					if have[n].Value[0] != uint64(g) {
						t.Error("a slot has two users")
					}
					s.Put(local, have[n])
					have = have[:n]
				}
			}
			for _, slot := range have {
				s.Put(local, slot)
			}
			own.Publish()
		})
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 200 {
			s.trim()
		}
	}()
	wg.Wait()
	<-done
	s.trim()
	require.Zero(t, s.Use().Slots)
}
