package timerwheel

import (
	"cmp"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/offheap"
)

// newNodes returns nodes that do not move.
//
//go:noinline
func newNodes(n int) []Node { return make([]Node, n) }

const tickLen = 1 << TickShift

// Wheels of tests have the usual ticks, unless they say otherwise.
var (
	usual      = New(TickShift)
	tickAfter  = usual.tickAfter
	tickBefore = usual.tickBefore
	tickTime   = usual.tickTime
)

func (w *Wheel) validate(t *testing.T) {
	t.Helper()
	require.NoError(t, w.Validate())
}

// wheelModel is a wheel beside a list of what is in it.
type wheelModel struct {
	t     *testing.T
	w     *Wheel
	now   int64
	nodes []Node
	idle  []int
	in    map[int]wheelEntry
	added int
	last  wheelEntry // that came out
	fifo  bool       // no node was added while a slot was falling
	due   []offheap.Link[Node]
}

type wheelEntry struct {
	tick  uint64 // its own, or the wheel's when it was added, if that was later
	added int
}

func newWheelModel(t *testing.T) *wheelModel {
	m := &wheelModel{
		t: t, w: New(TickShift), nodes: newNodes(200), in: map[int]wheelEntry{}, fifo: true,
		due: make([]offheap.Link[Node], 7),
	}
	for i := range m.nodes {
		m.idle = append(m.idle, i)
		m.nodes[i].What = uintptr(i)
	}
	return m
}

// span decodes a length of time: near the boundaries of levels, or anything.
func span(a, b byte) int64 {
	switch a % 5 {
	case 0:
		return int64(b) // within a tick
	case 1:
		return int64(b) * tickLen / 3
	case 2: // one level, and a little more or less
		return max(0, int64(1)<<(TickShift+slotBits*(b%8))>>1<<(b>>7)+int64(b>>3%8-4)*tickLen/2)
	case 3:
		return int64(b)<<(a%56) | int64(a)
	default:
		return math.MaxInt64 - int64(b%4)*tickLen/2
	}
}

func saturated(a, b int64) int64 {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func (m *wheelModel) run(ops []byte) {
	for ; len(ops) >= 3; ops = ops[3:] {
		op, a, b := ops[0], ops[1], ops[2]
		switch op % 10 {
		default:
			m.add(saturated(m.now, span(a, b)))
		case 5:
			m.add(m.now - int64(b)*tickLen) // over
		case 6:
			m.remove(int(a) | int(b)<<8)
		case 7:
			if a%16 == 0 {
				m.now -= span(b, a) // the clock goes back
			} else if a%5 != 4 || b > 250 {
				m.now = saturated(m.now, span(a, b))
			}
			m.advance(b%3 != 0)
		case 8:
			if when, ok := m.w.Next(); ok && when < math.MaxInt64 {
				m.now = when - int64(a&1)
			}
			m.advance(b%3 != 0)
		case 9:
			m.withdraw(int(b%8) + 1)
		}
		m.w.validate(m.t)
		require.Equal(m.t, len(m.in), m.w.Len())
	}
	m.now = max(m.now, tickTime(m.w.tick))
	m.advance(true)
	m.now = math.MaxInt64
	m.advance(true)
	require.Empty(m.t, m.in, "all of them come out at the end of time")
	m.w.validate(m.t)
	for i := range m.nodes {
		require.Zero(m.t, m.nodes[i].links)
		require.False(m.t, m.w.Remove(&m.nodes[i]))
	}
}

func (m *wheelModel) add(when int64) {
	if len(m.idle) == 0 {
		return
	}
	i := m.idle[len(m.idle)-1]
	m.idle = m.idle[:len(m.idle)-1]
	m.added++
	m.in[i] = wheelEntry{max(tickAfter(when), m.w.tick), m.added}
	m.nodes[i].When = when
	m.fifo = m.fifo && m.w.lists[listFalling].empty()
	m.w.Add(&m.nodes[i])
}

func (m *wheelModel) remove(i int) {
	i %= len(m.nodes)
	_, in := m.in[i]
	require.Equal(m.t, in, m.w.Remove(&m.nodes[i]))
	if in {
		delete(m.in, i)
		m.idle = append(m.idle, i)
	}
}

func (m *wheelModel) withdraw(each int) {
	seen := map[int]bool{}
	before := len(m.in)
	m.w.Withdraw(func(n *Node) bool {
		i := int(n.What)
		require.False(m.t, seen[i])
		seen[i] = true
		if i%each != 0 {
			return false
		}
		n.When = -1 // it is ours
		delete(m.in, i)
		m.idle = append(m.idle, i)
		return true
	})
	require.Len(m.t, seen, before)
}

// advance takes out what is due, if all is set, and otherwise calls once.
func (m *wheelModel) advance(all bool) {
	t, late := m.t, m.now < tickTime(m.w.tick)
	for {
		k, more := m.w.Advance(m.now, m.due)
		require.False(t, late && (more || k > 0), "nothing is due before the wheel's time")
		for j := range k {
			n := m.due[j].Get()
			i := int(n.What)
			e, in := m.in[i]
			require.True(t, in, "taken out twice")
			require.LessOrEqual(t, n.When, m.now, "early")
			require.LessOrEqual(t, m.last.tick, e.tick)
			if m.fifo && m.last.tick == e.tick {
				require.Less(t, m.last.added, e.added)
			}
			m.last = e
			delete(m.in, i)
			m.idle = append(m.idle, i)
		}
		if !more {
			break
		}
		if !all {
			return
		}
		m.w.validate(t)
	}
	if late {
		return
	}
	first := uint64(math.MaxUint64)
	for _, e := range m.in {
		require.Greater(t, e.tick, tickBefore(m.now), "lost")
		first = min(first, e.tick)
	}
	when, ok := m.w.Next()
	require.Equal(t, len(m.in) > 0, ok)
	if ok {
		require.LessOrEqual(t, when, tickTime(first))
		require.Greater(t, when, m.now)
	}
}

func TestTimerWheelAgainstModel(t *testing.T) {
	runs := 400
	if testing.Short() {
		runs = 60
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 5))
		ops := make([]byte, 3*random.IntN(400))
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		newWheelModel(t).run(ops)
	}
}

func FuzzTimerWheel(f *testing.F) {
	f.Add([]byte{0, 1, 9, 0, 1, 9, 0, 1, 9, 7, 1, 9, 7, 1, 3})                   // one tick
	f.Add([]byte{0, 2, 3, 0, 2, 131, 0, 2, 4, 7, 2, 131, 8, 0, 1, 8, 0, 1})      // the edges of levels
	f.Add([]byte{0, 4, 0, 0, 4, 1, 0, 4, 2, 7, 4, 255, 0, 4, 0})                 // the end of time
	f.Add([]byte{7, 1, 200, 0, 1, 3, 7, 16, 200, 5, 0, 1, 7, 1, 5, 8, 0, 1})     // a clock that goes back
	f.Add([]byte{0, 2, 2, 0, 2, 2, 8, 0, 3, 0, 1, 0, 9, 0, 1, 6, 1, 0, 8, 0, 1}) // falling
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 1500
		newWheelModel(t).run(ops[:min(len(ops), most)])
	})
}

// A node that is alone is reached at once, however far away it is; several are reached
// after a number of looks that depends on the levels and not on the time.
func TestTimerWheelIsLookedAtSeldom(t *testing.T) {
	for _, tt := range []struct {
		name  string
		when  []int64
		looks int
	}{
		{"one", []int64{1 << 50}, 1},
		{"two in one slot", []int64{1<<50 + 5*tickLen, 1<<50 + 6*tickLen}, 3},
		{"two close together after years", []int64{math.MaxInt64 - 3*tickLen, math.MaxInt64 - 2*tickLen}, 9},
		{"never", []int64{math.MaxInt64}, 1},
		{"all levels", []int64{1 << 20, 1 << 26, 1 << 32, 1 << 38, 1 << 44, 1 << 50, 1 << 56, 1 << 62}, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, nodes := New(TickShift), newNodes(len(tt.when))
			for i, when := range tt.when {
				nodes[i].When = when
				w.Add(&nodes[i])
			}
			looks := 0
			var due [8]offheap.Link[Node]
			for when, ok := w.Next(); ok; when, ok = w.Next() {
				looks++
				require.LessOrEqual(t, looks, tt.looks)
				n, more := w.Advance(when, due[:])
				require.False(t, more)
				for _, l := range due[:n] {
					require.Less(t, when-l.Get().When, int64(tickLen))
					require.GreaterOrEqual(t, when, l.Get().When)
				}
			}
			require.Zero(t, w.Len())
		})
	}
}

// A jump costs no more than a call or two, and advance is bounded.
func TestTimerWheelAdvancesInBoundedSteps(t *testing.T) {
	w := New(TickShift)
	nodes := newNodes(10 * advanceSteps)
	for i := range nodes {
		nodes[i].When = 1<<45 + int64(i)*tickLen
		w.Add(&nodes[i])
	}
	due := make([]offheap.Link[Node], 64)
	calls, got := 1, 0
	for {
		n, more := w.Advance(1<<60, due)
		got += n
		w.validate(t)
		if !more {
			break
		}
		calls++
	}
	require.Equal(t, len(nodes), got)
	// Each is due once, has its slot once, and falls less than levels times.
	require.Greater(t, calls, len(nodes)/advanceSteps)
	require.Less(t, calls, len(nodes)*(levels+2)/64)
	_, more := w.Advance(math.MaxInt64, due)
	require.False(t, more)
}

func TestTimerWheelRefusesANodeTwice(t *testing.T) {
	w, nodes := New(TickShift), newNodes(1)
	nodes[0].When = tickLen
	w.Add(&nodes[0])
	require.PanicsWithValue(t, "timerwheel: a Node was added twice, or its memory was not cleared: a Node is zero, or comes from Remove or Advance",
		func() { w.Add(&nodes[0]) })
	w.validate(t)
}

// Nodes in frames: no pointer that the collector sees refers to them, nor they to it.
func TestTimerNodesInFrames(t *testing.T) {
	a, err := arena.New()
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	const count = 500
	w := New(TickShift)
	random := rand.New(rand.NewPCG(8, 9))
	for range count {
		n := (*Node)(a.Allocate(unsafe.Sizeof(Node{})))
		n.links = links{}
		n.When = random.Int64N(10e9)
		w.Add(n)
	}
	var times []int64
	var due [16]offheap.Link[Node]
	for now := int64(0); w.Len() > 0; now += 1e9 {
		runtime.GC()
		for more := true; more; {
			var n int
			n, more = w.Advance(now, due[:])
			for i := range due[:n] {
				node := due[i].Get()
				times = append(times, node.When)
				a.Deallocate(unsafe.Pointer(node), unsafe.Sizeof(Node{}))
			}
		}
	}
	require.Len(t, times, count)
	require.True(t, slices.IsSortedFunc(times, func(a, b int64) int { return cmp.Compare(tickAfter(a), tickAfter(b)) }))
}
