package bins_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

func TestClosedListRefusesAll(t *testing.T) {
	f := newFrames(t, 4, 2)
	closedAgain := new(bins.List)
	closedAgain.Open(3)
	require.True(t, closedAgain.Push(f.at(0)))
	require.Equal(t, f.at(0), closedAgain.Pop())
	closedAgain.Open(0)
	for name, l := range map[string]*bins.List{"zero": {}, "closed again": closedAgain} {
		t.Run(name, func(t *testing.T) {
			require.False(t, l.Push(f.at(1)))
			require.Nil(t, l.Pop())
			require.Nil(t, l.Top())
			require.Zero(t, l.Len())
			require.Panics(t, func() { l.Fill(&f.batches[0]) }, "not even an empty batch")
			b := f.batch(t, 1, 2, 3)
			require.Panics(t, func() { l.Fill(b) })
			require.Equal(t, []int{2}, f.contents(b), "the batch keeps its frames")
			l.Drain(b, bins.BatchCap)
			require.Zero(t, b.Len())
			l.Open(0)
			require.False(t, l.Push(f.at(1)))
			require.Zero(t, l.Len())
		})
	}
}

func TestListHasRoomForItsLimit(t *testing.T) {
	f := newFrames(t, bins.ListCap+1, 0)
	for _, limit := range []int{1, 2, 3, 62, 124, bins.ListCap - 1, bins.ListCap} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			l := new(bins.List)
			l.Open(limit)
			for round := range 2 {
				for i := range limit {
					require.Equal(t, i, l.Len())
					require.True(t, l.Push(f.at(i)))
					require.Equal(t, f.at(i), l.Top())
				}
				require.False(t, l.Push(f.at(limit)), "round %d", round)
				require.Equal(t, limit, l.Len())
				for _, i := range downFrom(limit, 0) {
					require.Equal(t, f.at(i), l.Pop())
					require.Nil(t, l.Top())
				}
				require.Nil(t, l.Pop())
				require.Zero(t, l.Len())
			}
		})
	}
}

func TestListRefusesTheFrameThatWasFreedLast(t *testing.T) {
	f := newFrames(t, 3, 0)
	l := new(bins.List)
	l.Open(bins.ListCap)
	require.True(t, l.Push(f.at(0)))
	require.False(t, l.Push(f.at(0)))
	require.Equal(t, f.at(0), l.Top(), "which tells the refusal from a full list")
	require.True(t, l.Push(f.at(1)))
	require.False(t, l.Push(f.at(1)))
	require.Equal(t, 2, l.Len(), "a refusal changes nothing")
	require.Equal(t, f.at(1), l.Pop())
	require.True(t, l.Push(f.at(1)), "allocated again, it may be freed again")
	require.Equal(t, f.at(1), l.Pop())
	require.Equal(t, f.at(0), l.Pop())
}

func TestOpenPanics(t *testing.T) {
	f := newFrames(t, 2, 0)
	l := new(bins.List)
	for _, limit := range []int{-1, bins.ListCap + 1, 1 << 30} {
		require.Panics(t, func() { l.Open(limit) }, "%d", limit)
	}
	l.Open(2)
	require.True(t, l.Push(f.at(0)))
	require.Panics(t, func() { l.Open(2) })
	require.Panics(t, func() { l.Open(0) }, "the frame would be lost")
	require.True(t, l.Push(f.at(1)))
	require.Equal(t, f.at(1), l.Pop())
	require.Panics(t, func() { l.Open(2) }, "one is left")
	require.Equal(t, f.at(0), l.Pop())
	l.Open(1)
	require.True(t, l.Push(f.at(0)))
	require.False(t, l.Push(f.at(1)))
}

func TestFill(t *testing.T) {
	f := newFrames(t, 2*bins.BatchCap, 2)
	for _, n := range []int{0, 1, 2, 10, bins.BatchCap} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			l := new(bins.List)
			l.Open(max(n, 1))
			b := f.batch(t, 0, 0, n)
			l.Fill(b)
			require.Zero(t, b.Len())
			require.Equal(t, n, l.Len())
			if n > 0 {
				require.False(t, l.Push(f.at(n)), "full")
			}
			for _, i := range downFrom(n, 0) {
				require.Equal(t, f.at(i), l.Pop())
			}
			require.Nil(t, l.Pop())
		})
	}
	t.Run("no room", func(t *testing.T) {
		l := new(bins.List)
		l.Open(2)
		b := f.batch(t, 1, 0, 3)
		require.Panics(t, func() { l.Fill(b) })
		require.Equal(t, downFrom(3, 0), f.contents(b))
		require.Zero(t, l.Len())
	})
	t.Run("not empty", func(t *testing.T) {
		l := new(bins.List)
		l.Open(bins.ListCap)
		require.True(t, l.Push(f.at(0)))
		require.True(t, l.Push(f.at(1)))
		b := f.batch(t, 1, 2, 3)
		require.Panics(t, func() { l.Fill(b) })
		require.Equal(t, f.at(1), l.Pop())
		require.Panics(t, func() { l.Fill(b) })
		require.Equal(t, f.at(0), l.Pop())
		l.Fill(b)
		require.Equal(t, f.at(2), l.Pop())
	})
}

func TestDrain(t *testing.T) {
	tests := []struct {
		name              string
		pushed            int
		popped            bool // and then the newest is not apart
		limit             int
		drained, remained []int
	}{
		{"nothing there", 0, false, 5, nil, nil},
		{"nothing wanted", 3, false, 0, nil, downFrom(3, 0)},
		{"less than nothing", 3, false, -1, nil, downFrom(3, 0)},
		{"nothing wanted of one", 1, false, 0, nil, downFrom(1, 0)},
		{"the only one", 1, false, 5, downFrom(1, 0), nil},
		{"all but the newest", 3, false, 5, downFrom(2, 0), []int{2}},
		{"the newer ones", 10, false, 4, downFrom(9, 5), append([]int{9}, downFrom(5, 0)...)},
		{"after a pop", 4, true, 5, downFrom(3, 0), nil},
		{"after a pop, the newer ones", 10, true, 4, downFrom(9, 5), downFrom(5, 0)},
		{"a full list", bins.ListCap, false, bins.BatchCap, downFrom(bins.ListCap-1, bins.ListCap-1-bins.BatchCap),
			append([]int{bins.ListCap - 1}, downFrom(bins.ListCap-1-bins.BatchCap, 0)...)},
		{"more than a batch", bins.ListCap, true, bins.ListCap, downFrom(bins.ListCap-1, bins.ListCap-1-bins.BatchCap),
			downFrom(bins.ListCap-1-bins.BatchCap, 0)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFrames(t, bins.ListCap, 1)
			l := new(bins.List)
			l.Open(bins.ListCap)
			for i := range test.pushed {
				require.True(t, l.Push(f.at(i)))
			}
			if test.popped {
				l.Pop()
			}
			b := &f.batches[0]
			l.Drain(b, test.limit)
			require.Equal(t, len(test.drained), b.Len())
			require.Equal(t, len(test.remained), l.Len())
			require.Equal(t, test.drained, f.contents(b), "newest first")
			for _, i := range test.remained {
				require.Equal(t, f.at(i), l.Pop())
			}
			require.Nil(t, l.Pop())
		})
	}
}

// listModel does the same to a List and to a slice.
type listModel struct {
	t     testing.TB
	f     *frames
	list  *bins.List
	free  []int // frames that are in no list
	limit int   // 0: closed

	want  []int // newest last
	apart bool  // the newest was pushed, and nothing popped since
	batch []int // what the batch holds, newest last
}

func newListModel(t testing.TB) *listModel {
	m := &listModel{t: t, f: newFrames(t, 2*bins.ListCap, 1), list: new(bins.List)}
	m.free = downFrom(len(m.f.all), 0)
	return m
}

// run does what the bytes say, two for an operation.
func (m *listModel) run(ops []byte) {
	for ; len(ops) >= 2; ops = ops[2:] {
		arg := int(ops[1])
		switch ops[0] % 8 {
		case 0:
			m.push(1)
		case 1:
			m.pop(1)
		case 2:
			m.push(arg)
		case 3:
			m.pop(arg)
		case 4:
			m.drain(arg % (bins.BatchCap + 5))
		case 5:
			m.fill(arg)
		case 6:
			m.open(arg)
		case 7:
			m.pushTwice()
		}
		m.check()
	}
	m.pop(len(m.want))
	require.Nil(m.t, m.list.Pop())
	m.emptyBatch()
	slices.Sort(m.free)
	for i, n := range m.free {
		require.Equal(m.t, i, n, "no frame is lost or there twice")
	}
	require.Len(m.t, m.free, len(m.f.all))
}

func (m *listModel) check() {
	require.Equal(m.t, len(m.want), m.list.Len())
	top := unsafe.Pointer(nil)
	if m.apart {
		top = m.f.at(m.want[len(m.want)-1])
	}
	require.Equal(m.t, top, m.list.Top())
	require.Equal(m.t, len(m.batch), m.f.batches[0].Len())
}

func (m *listModel) push(times int) {
	for range times {
		n := m.free[len(m.free)-1]
		if !m.list.Push(m.f.at(n)) {
			require.Len(m.t, m.want, m.limit, "only a full list refuses")
			return
		}
		require.Less(m.t, len(m.want), m.limit, "a full list refuses")
		m.free = m.free[:len(m.free)-1]
		m.want, m.apart = append(m.want, n), true
	}
}

func (m *listModel) pop(times int) {
	for range times {
		p := m.list.Pop()
		if len(m.want) == 0 {
			require.Nil(m.t, p)
			return
		}
		last := len(m.want) - 1
		require.Equal(m.t, m.f.at(m.want[last]), p)
		m.free = append(m.free, m.want[last])
		m.want, m.apart = m.want[:last], false
	}
}

func (m *listModel) pushTwice() {
	if m.apart {
		require.False(m.t, m.list.Push(m.f.at(m.want[len(m.want)-1])))
	}
}

func (m *listModel) drain(limit int) {
	m.emptyBatch()
	m.list.Drain(&m.f.batches[0], limit)
	end := len(m.want)
	if m.apart && end > 1 {
		end--
	}
	from := end - min(end, limit, bins.BatchCap)
	if from == end {
		return
	}
	m.batch = slices.Clone(m.want[from:end])
	m.want = slices.Delete(m.want, from, end)
	m.apart = m.apart && len(m.want) > 0
}

// emptyBatch frees what the batch holds.
func (m *listModel) emptyBatch() {
	for i := range slices.Backward(m.batch) {
		require.Equal(m.t, m.f.at(m.batch[i]), m.f.batches[0].Remove())
	}
	require.Nil(m.t, m.f.batches[0].Remove())
	m.free = append(m.free, m.batch...)
	m.batch = nil
}

// fill adds frames to the batch until it has n, and moves them to the list.
func (m *listModel) fill(n int) {
	for len(m.batch) < min(n%(bins.BatchCap+1), len(m.free)) {
		last := len(m.free) - 1
		require.True(m.t, m.f.batches[0].Add(m.f.at(m.free[last])))
		m.batch = append(m.batch, m.free[last])
		m.free = m.free[:last]
	}
	fill := func() { m.list.Fill(&m.f.batches[0]) }
	if m.limit == 0 || len(m.want) > 0 || len(m.batch) > m.limit {
		require.Panics(m.t, fill)
		return
	}
	fill()
	m.want, m.batch = m.batch, nil
	m.apart = len(m.want) > 0
}

func (m *listModel) open(limit int) {
	if len(m.want) > 0 || limit > bins.ListCap {
		require.Panics(m.t, func() { m.list.Open(limit) })
		return
	}
	m.list.Open(limit)
	m.limit = limit
}

func TestListAgainstModel(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 3))
		ops := make([]byte, 2+2*random.IntN(200))
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		ops[0], ops[1] = 6, byte(1+random.IntN(bins.ListCap))
		newListModel(t).run(ops)
	}
}

func FuzzList(f *testing.F) {
	f.Add([]byte{6, 127, 2, 200, 0, 0, 4, 62, 3, 255})                                // full, and half of it drained
	f.Add([]byte{0, 0, 1, 0, 4, 9, 5, 0, 5, 3, 7, 0, 6, 0})                           // the zero list
	f.Add([]byte{6, 1, 0, 0, 0, 0, 7, 0, 4, 5, 5, 1, 1, 0, 5, 2})                     // room for one
	f.Add([]byte{6, 62, 5, 62, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 3, 70, 6, 3})     // filled, used, drained
	f.Add([]byte{6, 124, 2, 60, 7, 0, 6, 9, 1, 0, 7, 0, 0, 0, 7, 0, 4, 66, 4, 66, 4}) // pushed twice
	f.Add([]byte{6, 128, 6, 255, 6, 5, 5, 6, 5, 5, 3, 9, 6, 0, 0, 0})                 // limits that do not fit
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 1000
		newListModel(t).run(ops[:min(len(ops), most)])
	})
}

// Anyone may ask for the length while the owner works, also under the race
// detector.
func TestLenWhileTheOwnerWorks(t *testing.T) {
	rounds := 20_000
	if testing.Short() {
		rounds = 1000
	}
	f := newFrames(t, bins.ListCap, 1)
	l := new(bins.List)
	l.Open(bins.ListCap)
	var done atomic.Bool
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for !done.Load() {
				if n := l.Len(); n < 0 || n > bins.ListCap {
					t.Errorf("Len() = %d", n)
					return
				}
				runtime.Gosched()
			}
		})
	}
	b := &f.batches[0]
	for i := range rounds {
		n := 1 + i%bins.ListCap
		for j := range n {
			if !l.Push(f.at(j)) {
				t.Errorf("Push refused with %d in the list", l.Len())
			}
		}
		l.Drain(b, i%(bins.BatchCap+1))
		for l.Pop() != nil {
		}
		l.Fill(b)
		for l.Pop() != nil {
		}
	}
	done.Store(true)
	readers.Wait()
	require.Zero(t, l.Len())
}

func TestListsDoNotAllocate(t *testing.T) {
	f := newFrames(t, bins.ListCap, 1)
	l, s := new(bins.List), new(bins.Stack)
	l.Open(bins.ListCap)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for i := range f.all {
			l.Push(f.at(i))
		}
		b := &f.batches[0]
		l.Drain(b, bins.BatchCap)
		s.Push(b)
		for l.Pop() != nil {
		}
		l.Fill(s.Take())
		for l.Pop() != nil {
		}
	}))
}
