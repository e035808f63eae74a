package slab_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

// storeModel does the same to a Store and to counters that say what the store's
// figures must be.
type storeModel struct {
	t     testing.TB
	store *slab.Store[note]
	want  slab.Stats

	region uintptr // slabs in a region
	fresh  uintptr // slabs of the last region that were never used
	used   []*slab.Slab[note]
	maps   []mapping
	nextID int

	refuse int // how many of the next requests the system refuses
}

type mapping struct {
	p    unsafe.Pointer
	size uintptr
	id   int
}

const (
	modelSlabs = 12 // in use at most
	modelMaps  = 8
)

func newStoreModel(t testing.TB, region uintptr, prefault bool) *storeModel {
	m := &storeModel{t: t, region: region}
	left := &m.refuse
	m.store = slab.NewStore[note](slab.Config{
		RegionBytes: region * slab.Size,
		Prefault:    prefault,
		BeforeMap: func(uintptr) error {
			if *left > 0 {
				*left--
				return errNoMore
			}
			return nil
		},
	})
	return m
}

// run does what the bytes say, two for an operation.
func (m *storeModel) run(ops []byte) {
	for ; len(ops) >= 2; ops = ops[2:] {
		arg := int(ops[1])
		switch ops[0] % 8 {
		case 0, 1:
			m.acquire()
		case 2:
			m.giveBack(arg)
		case 3:
			m.mapLarge(uintptr(arg) * 1000)
		case 4:
			m.unmap(arg)
		case 5:
			m.discard(arg)
		case 6:
			m.refuse = arg % 5
		case 7:
			m.check()
		}
		require.Equal(m.t, m.want, m.store.Stats())
	}
	m.close()
}

// request says whether the system gives n slabs, or a mapping for n = 0.
func (m *storeModel) request(refuse *int) bool {
	if *refuse > 0 {
		*refuse--
		m.want.Refusals++
		return false
	}
	return true
}

// roomForOne says whether there is a slab for Acquire.
func (m *storeModel) roomForOne() bool {
	refuse := m.refuse
	switch {
	case m.want.FreeSlabs > 0:
		m.want.FreeSlabs--
		return true
	case m.fresh == 0:
		n := m.region
		for !m.request(&refuse) {
			if n == 1 {
				return false
			}
			n /= 2
		}
		m.fresh = n
		m.want.Reserved += n * slab.Size
	}
	m.fresh--
	return true
}

func (m *storeModel) acquire() {
	if len(m.used) == modelSlabs {
		return
	}
	room := m.roomForOne()
	sl, err := m.store.Acquire()
	if !room {
		require.ErrorIs(m.t, err, errNoMore)
		return
	}
	require.NoError(m.t, err)
	require.Zero(m.t, sl.Desc)
	m.nextID++
	sl.Desc.id = m.nextID
	for _, word := range stampedWords(sl) {
		require.Zero(m.t, *word)
		*word = m.nextID
	}
	m.used = append(m.used, sl)
	m.want.Slabs++
	m.want.SlabBytes += slab.Size
}

// stampedWords returns the words of a slab that tell it from others: in its first
// and last page, and in between.
func stampedWords(sl *slab.Slab[note]) []*int {
	var words []*int
	for _, at := range []uintptr{0, slab.PageSize() - 8, slab.Size / 2, slab.Size - slab.PageSize(), slab.Size - 8} {
		words = append(words, (*int)(unsafe.Add(sl.Base(), at)))
	}
	return words
}

func (m *storeModel) giveBack(i int) {
	if len(m.used) == 0 {
		return
	}
	i %= len(m.used)
	sl := m.used[i]
	m.used = append(m.used[:i], m.used[i+1:]...)
	for _, word := range stampedWords(sl) {
		require.Equal(m.t, sl.Desc.id, *word)
	}
	require.NoError(m.t, m.store.Return(sl))
	m.want.Slabs--
	m.want.SlabBytes -= slab.Size
	m.want.FreeSlabs++
	if !slab.FromHeap {
		m.want.HandedBack += slab.Size
	}
	require.Panics(m.t, func() { _ = m.store.Return(sl) })
}

func (m *storeModel) discard(arg int) {
	if len(m.used) == 0 {
		return
	}
	sl := m.used[arg%len(m.used)]
	page := slab.PageSize()
	from := uintptr(arg) * 777
	n := uintptr(arg%7)*page + uintptr(arg)
	require.NoError(m.t, m.store.Discard(unsafe.Add(sl.Base(), from), n))
	if first, end := (from+page-1)/page, (from+n)/page; !slab.FromHeap && end > first {
		m.want.HandedBack += uint64((end - first) * page)
	}
	for _, word := range stampedWords(sl) {
		*word = sl.Desc.id
	}
}

func (m *storeModel) mapLarge(size uintptr) {
	if len(m.maps) == modelMaps {
		return
	}
	refuse := m.refuse
	room := m.request(&refuse)
	p, err := m.store.Map(size)
	if !room {
		require.ErrorIs(m.t, err, errNoMore)
		return
	}
	require.NoError(m.t, err)
	mapped := m.store.MappingSize(p)
	require.GreaterOrEqual(m.t, mapped, size)
	require.Zero(m.t, *(*int)(p))
	m.nextID++
	*(*int)(p) = m.nextID
	*(*byte)(unsafe.Add(p, mapped-1)) = byte(m.nextID)
	m.maps = append(m.maps, mapping{p: p, size: size, id: m.nextID})
	m.want.Large++
	m.want.LargeBytes += mapped
}

func (m *storeModel) unmap(i int) {
	if len(m.maps) == 0 {
		return
	}
	i %= len(m.maps)
	x := m.maps[i]
	m.maps = append(m.maps[:i], m.maps[i+1:]...)
	require.Equal(m.t, x.id, *(*int)(x.p))
	mapped := m.store.MappingSize(x.p)
	require.Equal(m.t, byte(x.id), *(*byte)(unsafe.Add(x.p, mapped-1)))
	require.NoError(m.t, m.store.Unmap(x.p, x.size))
	m.want.Large--
	m.want.LargeBytes -= mapped
	m.want.HandedBack += uint64(mapped)
}

// check looks at all that is in use.
func (m *storeModel) check() {
	inUse := make(map[*slab.Slab[note]]bool)
	for _, sl := range m.used {
		inUse[sl] = true
		for _, word := range stampedWords(sl) {
			require.Equal(m.t, sl.Desc.id, *word)
			require.Same(m.t, sl, m.store.Find(unsafe.Pointer(word)))
		}
	}
	for sl := range m.store.Slabs {
		require.True(m.t, inUse[sl])
		delete(inUse, sl)
	}
	require.Empty(m.t, inUse)
	for _, x := range m.maps {
		require.Nil(m.t, m.store.Find(x.p))
		require.Equal(m.t, x.id, *(*int)(x.p))
	}
	reserved := uintptr(0)
	for _, r := range m.store.Regions() {
		reserved += r.Slabs * slab.Size
	}
	require.Equal(m.t, m.want.Reserved, reserved)
	require.Equal(m.t, reserved, (m.fresh+uintptr(m.want.FreeSlabs+m.want.Slabs))*slab.Size,
		"reserved = in use + returned + never used")
}

func (m *storeModel) close() {
	m.check()
	handed := m.want.HandedBack + uint64(m.want.SlabBytes) + uint64(m.want.LargeBytes)
	if slab.FromHeap {
		handed += uint64(m.want.FreeSlabs) * slab.Size
	}
	require.NoError(m.t, m.store.Close())
	require.Equal(m.t, slab.Stats{HandedBack: handed, Refusals: m.want.Refusals}, m.store.Stats())
}

func TestStoreAgainstModel(t *testing.T) {
	runs := 60
	if testing.Short() {
		runs = 10
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(uint64(seed), 1))
			ops := make([]byte, 2*(1+random.IntN(150)))
			for i := range ops {
				ops[i] = byte(random.Uint32())
			}
			newStoreModel(t, uintptr(1+seed%6), seed%7 == 0).run(ops)
		})
	}
}

func FuzzStore(f *testing.F) {
	f.Add(byte(3), []byte{0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 2, 1, 2, 0, 0, 0, 7, 0})      // over a region's end, and back
	f.Add(byte(7), []byte{6, 2, 0, 0, 7, 0, 6, 4, 0, 0, 0, 0, 7, 0})                  // a smaller region, then none
	f.Add(byte(0), []byte{6, 1, 0, 0, 0, 0, 6, 1, 3, 9, 3, 9, 7, 0, 4, 0, 4, 0})      // refused slabs and mappings
	f.Add(byte(1), []byte{3, 0, 3, 255, 3, 4, 7, 0, 4, 1, 4, 1, 4, 1})                // mappings in any order
	f.Add(byte(5), []byte{0, 0, 5, 0, 5, 6, 5, 255, 5, 100, 7, 0, 2, 0, 0, 0, 7, 0})  // pages discarded
	f.Add(byte(15), []byte{0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0, 0, 5, 60, 2, 1, 0, 0, 7}) // prefaulted
	f.Fuzz(func(t *testing.T, config byte, ops []byte) {
		const most = 400 // enough for everything; more is only slower
		newStoreModel(t, uintptr(1+config%8), config >= 8 && config < 16).run(ops[:min(len(ops), most)])
	})
}
