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

func TestStackOrder(t *testing.T) {
	f := newFrames(t, 10, 4)
	var s bins.Stack
	require.True(t, s.Empty())
	require.Nil(t, s.Take())
	require.Nil(t, s.TakeAll())
	s.PushAll(nil)
	require.True(t, s.Empty())

	a, b, c := f.batch(t, 0, 0, 1), f.batch(t, 1, 1, 3), f.batch(t, 2, 3, 7)
	s.Push(a)
	s.Push(b)
	s.Push(c)
	require.False(t, s.Empty())
	require.Equal(t, 7, s.Frames())
	require.Same(t, c, s.Take(), "newest first")
	require.Nil(t, c.Next(), "a batch that was taken leads nowhere")
	require.Equal(t, 3, s.Frames())

	chain := s.TakeAll()
	require.Same(t, b, chain)
	require.Same(t, a, chain.Next())
	require.Nil(t, a.Next())
	require.True(t, s.Empty())
	require.Zero(t, s.Frames())

	s.PushAll(chain)
	require.Equal(t, 3, s.Frames())
	require.Same(t, b, s.Take())
	require.Same(t, a, s.Take())
	require.Nil(t, s.Take())

	empty := &f.batches[3]
	s.Push(empty)
	require.False(t, s.Empty(), "a batch without frames is a batch")
	require.Zero(t, s.Frames())
	require.Same(t, empty, s.Take())
	require.Equal(t, []int{0}, f.contents(a))
	require.Equal(t, downFrom(3, 1), f.contents(b))
	require.Equal(t, downFrom(7, 3), f.contents(c))
}

func TestPushAllOntoOthers(t *testing.T) {
	f := newFrames(t, 6, 6)
	var s bins.Stack
	for i := range 3 {
		s.Push(f.batch(t, i, i, i+1))
	}
	chain := s.TakeAll()
	for i := 3; i < 6; i++ {
		s.Push(f.batch(t, i, i, i+1))
	}
	s.PushAll(chain)
	require.Equal(t, 6, s.Frames())
	var all []int
	for b := s.TakeAll(); b != nil; b = b.Next() {
		all = append(all, f.contents(b)...)
	}
	slices.Sort(all)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5}, all)
}

// stackModel does the same to a Stack and to a slice of batches.
type stackModel struct {
	t     testing.TB
	f     *frames
	stack bins.Stack
	free  []int // batches in no stack and no chain
	holds []int // frames of the i-th batch; each keeps its own

	want  []int // batches on the stack, newest last
	chain []int // what TakeAll returned last, newest last
}

const modelBatches = 24

func newStackModel(t testing.TB) *stackModel {
	m := &stackModel{t: t, f: newFrames(t, modelBatches*bins.BatchCap, modelBatches)}
	m.holds = make([]int, modelBatches)
	m.free = downFrom(modelBatches, 0)
	return m
}

// run does what the bytes say, two for an operation.
func (m *stackModel) run(ops []byte) {
	for ; len(ops) >= 2; ops = ops[2:] {
		arg := int(ops[1])
		switch ops[0] % 6 {
		case 0, 1:
			m.push(arg % (bins.BatchCap + 1))
		case 2:
			m.take()
		case 3:
			m.takeAll()
		case 4:
			m.pushAll()
		case 5:
			m.cutChain(arg)
		}
		frames := 0
		for _, i := range m.want {
			frames += m.holds[i]
		}
		require.Equal(m.t, frames, m.stack.Frames())
		require.Equal(m.t, len(m.want) == 0, m.stack.Empty())
	}
	m.pushAll()
	for len(m.want) > 0 {
		m.take()
	}
	require.Nil(m.t, m.stack.Take())
	require.Len(m.t, m.free, modelBatches, "no batch is lost or there twice")
}

func (m *stackModel) push(frames int) {
	if len(m.free) == 0 {
		return
	}
	i := m.free[len(m.free)-1]
	m.free = m.free[:len(m.free)-1]
	m.holds[i] = frames
	m.stack.Push(m.f.batch(m.t, i, i*bins.BatchCap, i*bins.BatchCap+frames))
	m.want = append(m.want, i)
}

// release checks that a batch holds what it held when it was pushed.
func (m *stackModel) release(i int) {
	require.Equal(m.t, downFrom(i*bins.BatchCap+m.holds[i], i*bins.BatchCap), m.f.contents(&m.f.batches[i]))
	m.free = append(m.free, i)
}

func (m *stackModel) take() {
	b := m.stack.Take()
	if len(m.want) == 0 {
		require.Nil(m.t, b)
		return
	}
	last := len(m.want) - 1
	require.Same(m.t, &m.f.batches[m.want[last]], b)
	require.Nil(m.t, b.Next())
	m.release(m.want[last])
	m.want = m.want[:last]
}

func (m *stackModel) takeAll() {
	m.pushAll()
	b := m.stack.TakeAll()
	for i := range slices.Backward(m.want) {
		require.Same(m.t, &m.f.batches[m.want[i]], b)
		b = b.Next()
	}
	require.Nil(m.t, b)
	m.chain, m.want = m.want, nil
}

// pushAll puts the chain below the batches that were pushed meanwhile, and reverses the order
// of these. No code relies on that order, but the model must follow it.
func (m *stackModel) pushAll() {
	if len(m.chain) == 0 {
		m.stack.PushAll(nil)
		return
	}
	m.stack.PushAll(&m.f.batches[m.chain[len(m.chain)-1]])
	slices.Reverse(m.want)
	m.want = append(m.chain, m.want...)
	m.chain = nil
}

// cutChain keeps the newest n batches of the chain, and the rest are free.
func (m *stackModel) cutChain(n int) {
	if n %= modelBatches; n == 0 || n >= len(m.chain) {
		return
	}
	cut := len(m.chain) - n
	m.f.batches[m.chain[cut]].SetNext(nil)
	for _, i := range m.chain[:cut] {
		m.release(i)
	}
	m.chain = m.chain[cut:]
}

func TestStackAgainstModel(t *testing.T) {
	runs := 300
	if testing.Short() {
		runs = 30
	}
	for seed := range runs {
		random := rand.New(rand.NewPCG(uint64(seed), 4))
		ops := make([]byte, 2*random.IntN(200))
		for i := range ops {
			ops[i] = byte(random.Uint32())
		}
		newStackModel(t).run(ops)
	}
}

func FuzzStack(f *testing.F) {
	f.Add([]byte{0, 1, 0, 62, 0, 5, 2, 0, 2, 0, 2, 0, 2, 0})                    // last in, first out
	f.Add([]byte{0, 0, 3, 0, 4, 0, 3, 0, 2, 0, 4, 0})                           // a batch without frames
	f.Add([]byte{0, 3, 0, 4, 3, 0, 0, 5, 0, 6, 0, 7, 4, 0, 2, 0, 2, 0, 2, 0})   // a chain below newcomers
	f.Add([]byte{0, 1, 0, 2, 0, 3, 0, 4, 3, 0, 5, 2, 0, 9, 4, 0, 3, 0, 5, 1})   // a part of a chain
	f.Add([]byte{3, 0, 4, 0, 2, 0, 5, 3, 0, 62, 3, 0, 3, 0, 3, 0, 4, 0, 2, 99}) // empty again and again
	f.Fuzz(func(t *testing.T, ops []byte) {
		const most = 1000
		newStackModel(t).run(ops[:min(len(ops), most)])
	})
}

// Every frame and every batch has one owner at any time, however many push and
// take, and none is lost.
func TestStackUnderStress(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			stressStacks(t, 4*procs)
		})
	}
}

// Owners of frames and batches are goroutines, numbered from 1. nobody is the owner of the
// frames in a batch on a stack.
const nobody = 0

// traffic is what the goroutines of a stress test share.
type traffic struct {
	t           *testing.T
	f           *frames
	stacks      [3]bins.Stack
	frameOwner  []atomic.Int32
	batchOwner  []atomic.Int32
	outstanding atomic.Int64 // frames and batches that goroutines hold
}

func stressStacks(t *testing.T, goroutines int) {
	rounds := 20_000 / goroutines
	if testing.Short() {
		rounds = 2000 / goroutines
	}
	const perBatch = 8
	n := 5 * goroutines
	w := &traffic{
		t: t, f: newFrames(t, n*perBatch, n),
		frameOwner: make([]atomic.Int32, n*perBatch),
		batchOwner: make([]atomic.Int32, n),
	}
	for i := range n {
		w.stacks[i%len(w.stacks)].Push(w.f.batch(t, i, i*perBatch, (i+1)*perBatch))
	}
	var all sync.WaitGroup
	for id := range goroutines {
		all.Go(func() {
			u := stackUser{traffic: w, id: int32(id + 1), random: rand.New(rand.NewPCG(uint64(id), 5))}
			for range rounds {
				u.step()
			}
			u.leave()
		})
	}
	var done atomic.Bool
	var reader sync.WaitGroup
	reader.Go(func() {
		for !done.Load() {
			for i := range w.stacks {
				if sum := w.stacks[i].Frames(); sum < 0 {
					t.Errorf("Frames() = %d", sum)
				}
				w.stacks[i].Empty()
				w.stacks[i].Peek(n, func(frame uintptr, _ bool) {
					if k := (frame - uintptr(w.f.at(0))) / bins.MinSize; k >= uintptr(len(w.frameOwner)) {
						t.Errorf("Peek sees a frame at %#x, which is none", frame)
					}
				})
			}
			runtime.Gosched()
		}
	})
	all.Wait()
	done.Store(true)
	reader.Wait()

	seen := make([]bool, len(w.frameOwner))
	frames, batches := 0, 0
	for i := range w.stacks {
		atRest := w.stacks[i].Frames()
		counted := 0
		for b := w.stacks[i].TakeAll(); b != nil; b = b.Next() {
			batches++
			for _, k := range w.f.contents(b) {
				require.GreaterOrEqual(t, k, 0)
				require.False(t, seen[k], "frame %d is there twice", k)
				seen[k] = true
				counted++
			}
		}
		require.Equal(t, counted, atRest, "Frames is exact at rest")
		require.Zero(t, w.stacks[i].Frames())
		frames += counted
	}
	require.Equal(t, n*perBatch, frames)
	require.Equal(t, n, batches)
	require.Zero(t, w.outstanding.Load())
}

// stackUser is a goroutine that moves frames between stacks.
type stackUser struct {
	*traffic
	id      int32
	random  *rand.Rand
	frames  []unsafe.Pointer
	batches []*bins.Batch // empty
}

func (u *stackUser) step() {
	s := &u.stacks[u.random.IntN(len(u.stacks))]
	switch what := u.random.IntN(10); {
	case what < 5:
		if b := s.Take(); b != nil {
			if b.Next() != nil {
				u.t.Error("a batch that was taken leads on")
			}
			u.unload(b)
		}
	case what < 9:
		u.push(s)
	default:
		// The rest of a chain that was taken goes to another stack unchanged.
		first := s.TakeAll()
		if first == nil {
			return
		}
		rest := first.Next()
		first.SetNext(nil)
		u.stacks[u.random.IntN(len(u.stacks))].PushAll(rest)
		u.unload(first)
	}
}

// own makes the owner that the caller found in x another.
func (u *stackUser) own(x *atomic.Int32, from, to int32) {
	if !x.CompareAndSwap(from, to) {
		u.t.Errorf("owned by %d, not %d", x.Load(), from)
	}
	if to == nobody {
		u.outstanding.Add(-1)
	} else {
		u.outstanding.Add(1)
	}
}

// ownerOf returns the owner's word of a batch.
func (u *stackUser) ownerOf(b *bins.Batch) *atomic.Int32 {
	offset := uintptr(unsafe.Pointer(b)) - uintptr(unsafe.Pointer(&u.f.batches[0]))
	return &u.batchOwner[offset/unsafe.Sizeof(bins.Batch{})]
}

// unload takes what b holds, and b itself.
func (u *stackUser) unload(b *bins.Batch) {
	u.own(u.ownerOf(b), nobody, u.id)
	for p := b.Remove(); p != nil; p = b.Remove() {
		i := u.f.index(p)
		if i < 0 {
			u.t.Errorf("%p is no frame", p)
			continue
		}
		u.own(&u.frameOwner[i], nobody, u.id)
		u.frames = append(u.frames, p)
	}
	u.batches = append(u.batches, b)
}

// push loads a batch with some of the frames.
func (u *stackUser) push(s *bins.Stack) {
	if len(u.batches) == 0 {
		return
	}
	b := u.batches[len(u.batches)-1]
	u.batches = u.batches[:len(u.batches)-1]
	for range min(u.random.IntN(16), len(u.frames)) {
		u.load(b)
	}
	u.own(u.ownerOf(b), u.id, nobody)
	s.Push(b)
}

// load moves a frame to b and reports whether there was room.
func (u *stackUser) load(b *bins.Batch) bool {
	p := u.frames[len(u.frames)-1]
	if b.Len() == bins.BatchCap {
		return false
	}
	u.own(&u.frameOwner[u.f.index(p)], u.id, nobody)
	u.frames = u.frames[:len(u.frames)-1]
	return b.Add(p)
}

// leave pushes all that the goroutine holds.
func (u *stackUser) leave() {
	// Full batches wait until all frames are in one: pushed at once, they would be
	// what Take finds next.
	var full []*bins.Batch
	for len(u.frames) > 0 {
		if len(u.batches) == 0 {
			// The others hold the batches, or the stacks do. There are more than
			// enough for all frames.
			for i := range u.stacks {
				if b := u.stacks[i].Take(); b != nil {
					u.unload(b)
				}
			}
			runtime.Gosched()
			continue
		}
		b := u.batches[len(u.batches)-1]
		u.batches = u.batches[:len(u.batches)-1]
		for len(u.frames) > 0 && u.load(b) {
		}
		full = append(full, b)
	}
	for _, b := range append(full, u.batches...) {
		u.own(u.ownerOf(b), u.id, nobody)
		u.stacks[0].Push(b)
	}
	u.batches = nil
}
