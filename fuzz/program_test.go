package fuzz

import (
	"math/rand/v2"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// withEverything returns the config of an allocator that has trims and caches.
func withEverything() *config {
	return newConfig(
		Trims(func(*arena.Heap) {}),
		Caches(func(h *arena.Heap) (arena.FrameAllocator, func()) { return h, func() {} }),
	)
}

// The format is stable: the files of a fuzzing corpus keep their meaning.
func TestDecodeIsStable(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want Program
	}{
		{nil, nil},
		{[]byte{0}, nil},
		{[]byte{0, 0, 9, 0, 1, 0x49, 0, 2, 0x89, 0, 0, 0xE9, 128}, Program{
			{Do: Allocate, Frame: 1, Size: 128}, {Do: Allocate, Frame: 2, Size: 129},
			{Do: Allocate, Frame: 3, Size: 127}, {Do: Allocate, Frame: 4, Size: 192},
		}},
		{[]byte{1, 8, 2, 6, 0, 0, 20, 0, 3, 1}, Program{
			{Do: Allocate, Frame: 1, Size: 32}, {Do: Allocate, Frame: 2, Size: 32},
			{Do: Allocate, Frame: 3, Size: 32}, {Do: Free, Frame: 2},
		}},
		{[]byte{0, 11, 11, 0x20, 6, 0, 0x15, 0, 12, 0, 0x10, 6, 0, 12, 0}, Program{
			{Do: OpenCache, Cache: 1}, {Do: OpenCache, Cache: 2},
			{Do: Allocate, Frame: 1, Size: 32, Cache: 2}, {Do: FreeElsewhere, Frame: 1, Cache: 1},
			{Do: CloseCache, Cache: 1}, {Do: Allocate, Frame: 2, Size: 32, Cache: 2}, {Do: CloseCache, Cache: 2},
		}},
		{[]byte{0, 8, 4, 6, 0, 9, 1, 2, 6, 1, 7, 1, 7, 2, 10, 1, 3, 5}, Program{
			{Do: Allocate, Frame: 1, Size: 32}, {Do: Allocate, Frame: 2, Size: 32}, {Do: Allocate, Frame: 3, Size: 32}, {Do: Allocate, Frame: 4, Size: 32},
			{Do: Free, Frame: 2}, {Do: Free, Frame: 3}, {Do: Write, Frame: 4}, {Do: Verify}, {Do: Verify, Frame: 4},
			{Do: Free, Frame: 4}, {Do: Free, Frame: 1},
		}},
		{[]byte{0, 13, 14, 10, 15, 0, 15, 5}, Program{
			{Do: Trim}, {Do: Refuse, Size: 100}, {Do: Grant}, {Do: Allocate, Frame: 1, Size: ^uintptr(0) - 18},
		}},
	} {
		require.Equal(t, c.want, withEverything().decode(c.data), "%v", c.data)
	}
}

// Decoding skips the operations that the allocator does not have, and nothing else.
func TestDecodeLeavesOutWhatThereIsNot(t *testing.T) {
	data := []byte{0, 13, 11, 0x10, 6, 0, 12, 0, 3, 0}
	require.Equal(t, Program{{Do: Allocate, Frame: 1, Size: 32}, {Do: Free, Frame: 1}}, newConfig[Option]().decode(data))
	limited := newConfig(MaxSize(100))
	require.Equal(t, Program{{Do: Allocate, Frame: 1, Size: 1024 % 114}}, limited.decode([]byte{0, 0, 20, 0}))
}

// requireBounded decodes data and checks that the program is valid and within its bounds.
func requireBounded(t *testing.T, data []byte) {
	t.Helper()
	p := withEverything().decode(data)
	require.LessOrEqual(t, len(p), maxOperations+maxLive, "%d bytes", len(data))
	live := make(map[int]uintptr)
	seen := make(map[int]bool)
	open := make(map[int]bool)
	var bytes uintptr
	must := func(ok bool, what string) {
		if !ok {
			t.Fatal(what)
		}
	}
	for _, op := range p {
		_, isLive := live[op.Frame]
		switch op.Do {
		case Allocate:
			must(!seen[op.Frame], "a number is given twice")
			seen[op.Frame] = true
			if op.Size <= ^uintptr(0)>>1 {
				must(op.Size <= defaultMaxSize, "a size over the greatest")
				live[op.Frame] = op.Size
				bytes += op.Size
			}
		case Free, FreeElsewhere:
			must(isLive, "a frame is freed that is not live")
			bytes -= live[op.Frame]
			delete(live, op.Frame)
		case Write:
			must(isLive, "a frame is written that is not live")
		case OpenCache:
			must(!open[op.Cache], "a cache is opened twice")
			open[op.Cache] = true
		case CloseCache:
			must(open[op.Cache], "a cache is closed that is not open")
			delete(open, op.Cache)
		}
		if op.Do == Allocate || op.Do == Free || op.Do == FreeElsewhere {
			must(op.Cache == 0 || open[op.Cache], "a cache is used that is not open")
		}
		must(len(live) <= maxLive && bytes <= maxLiveBytes && len(open) <= maxCaches, "more is live than may be")
	}
}

func TestEveryStringIsAProgram(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 9))
	for range 300 {
		data := make([]byte, random.IntN(400))
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		requireBounded(t, data)
	}
	endless := make([]byte, 100_000) // allocations without end
	requireBounded(t, endless)
	for i := range endless {
		endless[i] = 8
	}
	requireBounded(t, endless)
}

func FuzzDecode(f *testing.F) {
	for _, seed := range corpus {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireBounded(t, data) })
}

func TestOpText(t *testing.T) {
	for _, c := range []struct {
		op   Op
		want string
	}{
		{Op{Do: Allocate, Frame: 3, Size: 129, Cache: 1}, "{Do: fuzz.Allocate, Frame: 3, Size: 129, Cache: 1}"},
		{Op{Do: Allocate, Frame: 3, Size: ^uintptr(0)}, "{Do: fuzz.Allocate, Frame: 3, Size: ^uintptr(0) - 0}"},
		{Op{Do: Verify}, "{Do: fuzz.Verify}"},
		{Op{Do: FreeElsewhere, Frame: 1}, "{Do: fuzz.FreeElsewhere, Frame: 1}"},
		{Op{Do: CloseCache, Cache: 2}, "{Do: fuzz.CloseCache, Cache: 2}"},
	} {
		require.Equal(t, c.want, c.op.text())
	}
	for c := Allocate; c <= Collect; c++ {
		require.NotContains(t, c.String(), "Code(")
	}
	require.Equal(t, "Code(0)", Code(0).String())
	require.Equal(t, "Code(99)", Code(99).String())
}

func TestRenumber(t *testing.T) {
	p := Program{{Do: OpenCache, Cache: 7}, {Do: Allocate, Frame: 30, Cache: 7}, {Do: Verify}, {Do: Allocate, Frame: 12}, {Do: Free, Frame: 30}}
	require.Equal(t, Program{{Do: OpenCache, Cache: 1}, {Do: Allocate, Frame: 1, Cache: 1}, {Do: Verify}, {Do: Allocate, Frame: 2}, {Do: Free, Frame: 1}}, p.renumber())
}
