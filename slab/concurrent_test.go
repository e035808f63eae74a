package slab_test

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// Find takes no lock: it sees every slab that was handed to it, while others
// acquire, in new regions too.
func TestFindWhileOthersAcquire(t *testing.T) {
	const slabs = 24 // on the Go heap a region of one slab takes two
	var published [slabs]atomic.Pointer[slab.Slab[note]]
	s := newStore(t, slab.Config{RegionBytes: slab.Size})
	var done atomic.Bool
	var finders sync.WaitGroup
	for range 4 {
		finders.Go(func() {
			for n := 0; n < slabs; {
				n = 0
				for i := range published {
					sl := published[i].Load()
					if sl == nil {
						continue
					}
					n++
					if got := s.Find(unsafe.Add(sl.Base(), i)); got != sl {
						t.Errorf("Find(%p) = %p, not %p", sl.Base(), got, sl)
						return
					}
				}
				if done.Load() && n < slabs {
					return
				}
				runtime.Gosched()
			}
		})
	}
	var acquirers sync.WaitGroup
	for part := range 3 {
		acquirers.Go(func() {
			for i := part; i < slabs; i += 3 {
				sl, err := s.Acquire()
				if err != nil {
					t.Error(err)
					return
				}
				published[i].Store(sl)
			}
		})
	}
	acquirers.Wait()
	done.Store(true)
	finders.Wait()
	require.Len(t, s.Regions(), slabs)
}

func TestStoreUnderStress(t *testing.T) {
	rounds := 400
	if testing.Short() || slab.FromHeap {
		rounds = 60
	}
	const goroutines = 8
	var requests atomic.Int64
	s := slab.NewStore[note](slab.Config{RegionBytes: 3 * slab.Size, BeforeMap: func(uintptr) error {
		if requests.Add(1)%3 == 0 {
			return errNoMore
		}
		return nil
	}})
	var refused atomic.Uint64
	var all sync.WaitGroup
	for id := range goroutines {
		all.Go(func() {
			u := storeUser{t: t, s: s, id: id + 1, random: rand.New(rand.NewPCG(uint64(id), 2))}
			for range rounds {
				u.step()
			}
			for len(u.slabs) > 0 {
				u.giveBack()
			}
			refused.Add(u.refused)
		})
	}
	watching := make(chan struct{})
	var watcher sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-watching:
				return
			default:
			}
			stats := s.Stats()
			if stats.SlabBytes != uintptr(stats.Slabs)*slab.Size || stats.SlabBytes+uintptr(stats.FreeSlabs)*slab.Size > stats.Reserved {
				t.Errorf("figures of different moments: %+v", stats)
				return
			}
			for sl := range s.Slabs {
				if s.Find(sl.Base()) != sl {
					t.Errorf("slab at %p is not found", sl.Base())
				}
			}
			runtime.Gosched()
		}
	})
	all.Wait()
	close(watching)
	watcher.Wait()

	stats := s.Stats()
	require.Zero(t, stats.Slabs)
	require.Zero(t, stats.SlabBytes)
	require.Zero(t, stats.Large)
	require.Zero(t, stats.LargeBytes)
	require.GreaterOrEqual(t, stats.Refusals, refused.Load())
	require.LessOrEqual(t, stats.Reserved, uintptr((goroutines*storeUserSlabs+3)*slab.Size), "slabs are used again")
	require.NoError(t, s.Close())
}

const storeUserSlabs = 3

// storeUser is a goroutine that uses a Store together with others.
type storeUser struct {
	t       *testing.T
	s       *slab.Store[note]
	id      int
	random  *rand.Rand
	slabs   []*slab.Slab[note]
	refused uint64
}

func (u *storeUser) step() {
	switch what := u.random.IntN(8); {
	case what < 3 && len(u.slabs) < storeUserSlabs:
		sl, err := u.s.Acquire()
		if u.failed(err) {
			return
		}
		if sl.Desc != (note{}) {
			u.t.Errorf("descriptor of a new slab: %+v", sl.Desc)
		}
		for _, word := range stampedWords(sl) {
			if *word != 0 {
				u.t.Errorf("a new slab holds %d", *word)
			}
			*word = u.id
		}
		sl.Desc.id = u.id
		u.slabs = append(u.slabs, sl)
	case what < 5 && len(u.slabs) > 0:
		u.giveBack()
	case what == 5 && len(u.slabs) > 0:
		sl := u.slabs[0]
		if err := u.s.Discard(sl.Base(), slab.Size/4); err != nil {
			u.t.Error(err)
		}
		for _, word := range stampedWords(sl) {
			*word = u.id
		}
	default:
		size := uintptr(u.random.IntN(100_000))
		p, err := u.s.Map(size)
		if u.failed(err) {
			return
		}
		*(*int)(p) = u.id
		if n := u.s.MappingSize(p); n < size {
			u.t.Errorf("mapping of %d bytes for %d", n, size)
		}
		if *(*int)(p) != u.id {
			u.t.Errorf("a mapping has two users")
		}
		if err := u.s.Unmap(p, size); err != nil {
			u.t.Error(err)
		}
	}
}

func (u *storeUser) giveBack() {
	i := u.random.IntN(len(u.slabs))
	sl := u.slabs[i]
	u.slabs = append(u.slabs[:i], u.slabs[i+1:]...)
	for _, word := range stampedWords(sl) {
		if *word != u.id {
			u.t.Errorf("user %d's slab holds %d", u.id, *word)
		}
		if got := u.s.Find(unsafe.Pointer(word)); got != sl {
			u.t.Errorf("Find = %p, not %p", got, sl)
		}
	}
	if err := u.s.Return(sl); err != nil {
		u.t.Error(err)
	}
}

// failed counts refusals and reports whether err is one.
func (u *storeUser) failed(err error) bool {
	if err == nil {
		return false
	}
	if !errors.Is(err, slab.ErrRefused) || !errors.Is(err, errNoMore) {
		u.t.Error(err)
	}
	u.refused++
	return true
}
