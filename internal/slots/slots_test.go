package slots

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/race"
)

// value is what slots of tests hold. users is how many use the slot, and not cleared.
type value struct {
	text  string
	users *atomic.Int32
}

func newSlots[T any]() *Of[T] {
	s := new(Of[T])
	s.Init()
	return s
}

// survey requires that no slot is free twice or holds something.
func survey(t *testing.T, s *Of[value]) Survey {
	t.Helper()
	got, err := s.Survey(func(v *value) { require.Zero(t, *v) })
	require.NoError(t, err)
	return got
}

func TestBlocks(t *testing.T) {
	word := unsafe.Sizeof(uintptr(0))
	require.Equal(t, 64, newSlots[struct{}]().BlockLen())
	require.Equal(t, 64, newSlots[[50]uint64]().BlockLen())
	require.Equal(t, 31, newSlots[[1024]byte]().BlockLen(), "the link is in the slot too")
	require.Equal(t, 1, newSlots[[100_000]byte]().BlockLen())
	require.Equal(t, word, unsafe.Offsetof(Slot[byte]{}.Value))
	n := 0
	for at := newBlock(reflect.TypeFor[Slot[value]]()); at != nil; at = at.next.Get() {
		n++
	}
	require.Equal(t, 64, n)
}

// Slots that are put back are taken again, with a Local and without.
func TestSlotsAreUsedAgain(t *testing.T) {
	for name, own := range map[string]*Local{"local": {}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			s := newSlots[value]()
			const most = 200
			var taken []*Slot[value]
			random := rand.New(rand.NewPCG(1, 2))
			for range 10_000 {
				if len(taken) < most && random.IntN(2) == 0 {
					slot := s.Take(own)
					require.Zero(t, slot.Value)
					slot.Value.text = "in use"
					taken = append(taken, slot)
				} else if last := len(taken) - 1; last >= 0 {
					taken[last].Value = value{}
					s.Put(own, taken[last])
					taken = taken[:last]
				}
			}
			if own != nil {
				own.Publish()
			}
			got := survey(t, s)
			require.Equal(t, got.Made-len(taken), got.Free)
			require.LessOrEqual(t, got.Made, most+2*Batch*(1+got.Shards)+s.BlockLen())
		})
	}
}

// A Local has lists of its own for more types than it begins with.
func TestManyTypesInALocal(t *testing.T) {
	var own Local
	var all []*Of[value]
	for range 10 * minLists {
		all = append(all, newSlots[value]())
	}
	for i := range all {
		s := all[i*37%len(all)]
		s.Put(&own, s.Take(&own))
	}
	own.Publish()
	own.Publish()
	for _, s := range all {
		got := survey(t, s)
		require.Equal(t, got.Made, got.Free)
		require.Equal(t, s.BlockLen(), got.Made)
	}
}

// Packed slots keep all words but the first, are as large as their values, and none has two users.
func TestPacked(t *testing.T) {
	type packed struct {
		link     uintptr
		n, check int
	}
	for name, own := range map[string]*Local{"local": {}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			var s Packed[packed]
			s.Init()
			require.Equal(t, unsafe.Sizeof(packed{}), s.slot.Size())
			const most = 200
			var taken []*packed
			random := rand.New(rand.NewPCG(1, 2))
			for i := range 10_000 {
				if len(taken) < most && random.IntN(2) == 0 {
					v := s.Take(own)
					require.Zero(t, v.link)
					require.Equal(t, v.n, -v.check)
					*v = packed{1, i, i}
					taken = append(taken, v)
				} else if last := len(taken) - 1; last >= 0 {
					v := taken[last]
					require.Equal(t, packed{1, v.n, v.n}, *v)
					v.check = -v.n
					s.Put(own, v)
					taken = taken[:last]
				}
			}
			if own != nil {
				own.Publish()
			}
			got, err := s.Survey(func(v *packed) { require.Equal(t, v.n, -v.check) })
			require.NoError(t, err)
			require.Equal(t, got.Made-len(taken), got.Free)
		})
	}
}

// Locals that publish after each few slots leave few full batches, not many short ones.
func TestFullBatches(t *testing.T) {
	s := newSlots[value]()
	var own Local
	var taken []*Slot[value]
	for range 1000 {
		taken = append(taken, s.Take(nil))
	}
	for i, slot := range taken {
		s.Put(&own, slot)
		if i%3 == 0 {
			own.Publish()
		}
	}
	own.Publish()
	got := survey(t, s)
	require.Equal(t, got.Made, got.Free)
	require.LessOrEqual(t, got.Batches, got.Made/15)
}

// Goroutines with and without Locals pass slots to each other. No slot has two users, and
// each comes with the zero value.
func TestNoSlotHasTwoUsers(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	const goroutines, window = 6, 40
	rounds := 20_000
	if race.Enabled || testing.Short() {
		rounds = 3_000
	}
	s := newSlots[value]()
	pass := make(chan *Slot[value], goroutines*window)
	var wg sync.WaitGroup
	var wrong atomic.Int32
	for g := range goroutines {
		wg.Go(func() {
			var own *Local
			if g%3 != 0 {
				own = new(Local)
				defer own.Publish()
			}
			random := rand.New(rand.NewPCG(uint64(g), 3))
			for range rounds {
				if random.IntN(2) == 0 {
					slot := s.Take(own)
					if slot.Value != (value{}) {
						wrong.Add(1)
					}
					slot.Value = value{"in use", new(atomic.Int32)}
					slot.Value.users.Add(1)
					select {
					case pass <- slot:
						continue
					default:
					}
					end(s, own, slot, &wrong)
					continue
				}
				select {
				case slot := <-pass:
					end(s, own, slot, &wrong)
				default:
				}
				if own != nil && random.IntN(20) == 0 {
					own.Publish()
				}
			}
		})
	}
	wg.Wait()
	close(pass)
	for slot := range pass {
		end(s, nil, slot, &wrong)
	}
	require.Zero(t, wrong.Load())
	got := survey(t, s)
	require.Equal(t, got.Made, got.Free)
	require.LessOrEqual(t, got.Made, goroutines*window+goroutines+2*Batch*(goroutines+got.Shards)+s.BlockLen())
}

func end(s *Of[value], own *Local, slot *Slot[value], wrong *atomic.Int32) {
	if slot.Value.text != "in use" || slot.Value.users.Add(-1) != 0 {
		wrong.Add(1)
	}
	slot.Value = value{}
	s.Put(own, slot)
}

func TestTheSteadyStateAllocatesNothing(t *testing.T) {
	s := newSlots[value]()
	var own Local
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Put(&own, s.Take(&own))
		own.Publish()
	}))
}

// Slots whose type is known at run time alone are like those of Of.
func TestUntyped(t *testing.T) {
	var s Untyped
	s.Init(reflect.TypeFor[Slot[value]]())
	of := As[value](&s)
	require.Equal(t, newSlots[value]().BlockLen(), of.BlockLen())
	var own Local
	seen := map[unsafe.Pointer]bool{}
	for range 200 {
		slot := s.Take(&own)
		require.False(t, seen[slot])
		seen[slot] = true
		(*Slot[value])(slot).Value.text = "kept alive by the block"
		runtime.GC()
	}
	require.Equal(t, 256, s.Use().Slots)
	for slot := range seen {
		require.Equal(t, "kept alive by the block", (*Slot[value])(slot).Value.text)
		(*Slot[value])(slot).Value = value{}
		s.Put(&own, slot)
	}
	require.Equal(t, 256, survey(t, of).Made)
	require.Contains(t, seen, s.Take(&own))
}
