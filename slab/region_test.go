package slab_test

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

var errNoMore = errors.New("no more today")

func TestRegionsAreRoundedToSlabs(t *testing.T) {
	tests := []struct{ bytes, slabs uintptr }{
		{1, 1}, {slab.Size - 1, 1}, {slab.Size, 1}, {slab.Size + 1, 2}, {5 * slab.Size, 5},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.bytes), func(t *testing.T) {
			var asked []uintptr
			s := newStore(t, slab.Config{RegionBytes: test.bytes, BeforeMap: func(n uintptr) error {
				asked = append(asked, n)
				return nil
			}})
			for range test.slabs {
				acquire(t, s)
			}
			require.Equal(t, []uintptr{test.slabs * slab.Size}, asked, "one request serves a region")
			require.Equal(t, test.slabs*slab.Size, s.Stats().Reserved)
			acquire(t, s)
			require.Len(t, asked, 2)
			require.Len(t, s.Regions(), 2)
		})
	}
}

func TestRefusedRegionIsHalved(t *testing.T) {
	tests := []struct {
		region, gives uintptr // slabs
		asked         []uintptr
	}{
		{8, 8, []uintptr{8}},
		{8, 7, []uintptr{8, 4}},
		{8, 3, []uintptr{8, 4, 2}},
		{8, 1, []uintptr{8, 4, 2, 1}},
		{8, 0, []uintptr{8, 4, 2, 1}},
		{7, 6, []uintptr{7, 3}},
		{5, 1, []uintptr{5, 2, 1}},
		{1, 0, []uintptr{1}},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d of %d", test.gives, test.region), func(t *testing.T) {
			gives := test.gives
			var asked []uintptr
			s := newStore(t, slab.Config{RegionBytes: test.region * slab.Size, BeforeMap: func(n uintptr) error {
				asked = append(asked, n/slab.Size)
				if n > gives*slab.Size {
					return errNoMore
				}
				return nil
			}})
			got := test.asked[len(test.asked)-1]
			sl, err := s.Acquire()
			require.Equal(t, test.asked, asked)
			if gives == 0 {
				require.ErrorIs(t, err, slab.ErrRefused)
				require.ErrorIs(t, err, errNoMore, "what the system said is wrapped")
				require.Nil(t, sl)
				require.Equal(t, slab.Stats{Refusals: uint64(len(asked))}, s.Stats())
				gives, asked = 1, nil
				sl, err = s.Acquire()
			}
			require.NoError(t, err)
			require.Same(t, sl, s.Find(sl.Base()))
			require.Equal(t, got*slab.Size, s.Stats().Reserved)

			asked = nil
			for range got - 1 {
				acquire(t, s)
			}
			require.Empty(t, asked, "a smaller region serves all of its slabs")
			acquire(t, s)
			require.Equal(t, test.region, asked[0], "and the next one is whole again, if the system wants")
		})
	}
}

// However much is asked for, nothing wraps around.
func TestImpossibleRegions(t *testing.T) {
	for _, bytes := range []uintptr{slab.MaxMapping, slab.MaxMapping + 1, ^uintptr(0) - slab.Size, ^uintptr(0)} {
		var asked []uintptr
		s := newStore(t, slab.Config{RegionBytes: bytes, BeforeMap: func(n uintptr) error {
			asked = append(asked, n)
			if n > slab.Size {
				return errNoMore
			}
			return nil
		}})
		acquire(t, s)
		require.Greater(t, asked[0], uintptr(slab.MaxMapping)/2)
		require.EqualValues(t, slab.Size, asked[len(asked)-1])
		for i := range asked[1:] {
			require.Less(t, asked[i+1], asked[i])
		}
		require.EqualValues(t, len(asked)-1, s.Stats().Refusals)
		require.EqualValues(t, slab.Size, s.Stats().Reserved)
	}
}

// refusals stands for a system that refuses the n-th request, and those after it
// too if forever is set.
type refusals struct {
	at       int // from 0
	forever  bool
	requests int
}

func (r *refusals) beforeMap(uintptr) error {
	n := r.requests
	r.requests++
	if n == r.at || n > r.at && r.forever {
		return errNoMore
	}
	return nil
}

// The system refuses the n-th request, for each n: the caller gets an error, nothing is lost,
// and the next attempt succeeds.
func TestRefusalOfEveryRequest(t *testing.T) {
	for _, region := range []uintptr{1, 2, 5} {
		for _, forever := range []bool{false, true} {
			for at := 0; ; at++ {
				system := &refusals{at: at, forever: forever}
				s := slab.NewStore[note](slab.Config{RegionBytes: region * slab.Size, BeforeMap: system.beforeMap})
				useUnderRefusals(t, s, system)
				require.NoError(t, s.Close())
				if system.requests <= at {
					break // the scenario does not ask that often
				}
			}
		}
	}
}

func useUnderRefusals(t *testing.T, s *slab.Store[note], system *refusals) {
	try := func(do func() error) {
		for {
			before := s.Stats()
			err := do()
			if err == nil {
				return
			}
			require.ErrorIs(t, err, slab.ErrRefused)
			require.ErrorIs(t, err, errNoMore)
			before.Refusals = s.Stats().Refusals
			require.Equal(t, before, s.Stats(), "a refusal changes nothing else")
			if system.forever {
				require.Error(t, do(), "the system still refuses")
				system.at, system.forever = -1, false
			}
		}
	}
	var slabs []*slab.Slab[note]
	for i := range 8 {
		try(func() error {
			sl, err := s.Acquire()
			if err == nil {
				*(*int)(sl.Base()) = i
				slabs = append(slabs, sl)
			}
			return err
		})
		try(func() error {
			p, err := s.Map(uintptr(i) * 10_000)
			if err == nil {
				*(*int)(p) = i
				require.NoError(t, s.Unmap(p, uintptr(i)*10_000))
			}
			return err
		})
		if i%4 == 3 {
			require.NoError(t, s.Return(slabs[i]), "giving back always works")
			requests := system.requests
			slabs[i] = acquire(t, s)
			require.Equal(t, requests, system.requests, "a returned slab needs no request")
			*(*int)(slabs[i].Base()) = i
		}
	}
	for i, sl := range slabs {
		require.Equal(t, i, *(*int)(sl.Base()))
		require.Same(t, sl, s.Find(sl.Base()))
	}
	stats := s.Stats()
	require.Equal(t, len(slabs), stats.Slabs)
	require.Zero(t, stats.FreeSlabs)
	require.Zero(t, stats.Large)
}

// requireFind compares Find with a search of all regions.
func requireFind(t *testing.T, s *slab.Store[note], at uintptr) {
	t.Helper()
	// Not by unsafe.Add, whose result must stay in its object.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&at))
	for _, r := range s.Regions() {
		if at >= r.Base && at-r.Base < r.Slabs*slab.Size {
			sl := s.Find(p)
			require.NotNil(t, sl)
			require.Equal(t, at&^(slab.Size-1), uintptr(sl.Base()))
			return
		}
	}
	require.Nil(t, s.Find(p), "%p is in no region", p)
}

func TestFindInEveryPlace(t *testing.T) {
	// On the Go heap a pointer to a place just outside of a region is one that the
	// collector may not see.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC() // a cycle that has begun ends

	s, other := newStore(t, slab.Config{RegionBytes: 3 * slab.Size}), newStore(t, slab.Config{RegionBytes: slab.Size})
	onStack, onHeap := 0, new(int)
	require.Nil(t, s.Find(unsafe.Pointer(onHeap)), "an empty store finds nothing")
	require.Nil(t, s.Find(nil))

	var slabs []*slab.Slab[note]
	for i := range 3*4 + 1 { // the last two slabs are never used
		slabs = append(slabs, acquire(t, s))
		if i%3 == 0 {
			foreign := acquire(t, other)
			require.Nil(t, s.Find(foreign.Base()), "another store's slabs lie between")
			require.Same(t, foreign, other.Find(foreign.Base()))
		}
	}
	for _, sl := range slabs {
		for _, offset := range []uintptr{0, 1, slab.Size / 2, slab.Size - 1} {
			require.Same(t, sl, s.Find(unsafe.Add(sl.Base(), offset)))
		}
	}
	// Every edge, from inside and outside, of all five regions and with each of
	// them gone: then its addresses are below, above or between the others.
	everyEdge := func() {
		for _, sl := range slabs {
			for _, slabsAway := range []int{-3, -1, 0, 1, 3} {
				for _, bytesAway := range []int{-1, 0, 1} {
					requireFind(t, s, uintptr(sl.Base())+uintptr(slabsAway*slab.Size+bytesAway))
				}
			}
		}
	}
	require.Len(t, s.Regions(), 5)
	everyEdge()
	for i, r := range s.Regions() {
		show := s.HideRegion(i)
		for _, sl := range slabs {
			inside := uintptr(sl.Base())-r.Base < r.Slabs*slab.Size
			require.Equal(t, inside, s.Find(sl.Base()) == nil)
		}
		everyEdge()
		show()
	}

	unused := unsafe.Add(slabs[12].Base(), slab.Size)
	require.NotNil(t, s.Find(unused), "slabs that were never used are found")
	require.Equal(t, unused, s.Find(unsafe.Add(unused, 5)).Base())
	require.NoError(t, s.Return(slabs[4]))
	require.Same(t, slabs[4], s.Find(slabs[4].Base()), "and those that were returned")

	require.Nil(t, s.Find(nil))
	require.Nil(t, s.Find(unsafe.Pointer(&onStack)))
	require.Nil(t, s.Find(unsafe.Pointer(onHeap)))
	large, err := s.Map(slab.Size)
	require.NoError(t, err)
	require.Nil(t, s.Find(large), "a mapping is no slab")
}
