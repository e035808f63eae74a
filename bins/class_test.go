package bins_test

import (
	"fmt"
	"math/bits"
	"testing"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

func TestClassOfEveryBoundary(t *testing.T) {
	require.Equal(t, bins.Class(0), bins.ClassOf(1))
	for k := range bins.Class(bins.Classes) {
		size := k.Size()
		require.Equal(t, k, bins.ClassOf(size), "%d", size)
		require.Equal(t, k, bins.ClassOf(size-1), "%d", size-1)
		require.Equal(t, k+1, bins.ClassOf(size+1), "%d", size+1)
	}
}

// The class is the smallest whose frames have room: compared with a search, and
// with DESIGN's formula.
func TestClassOfEverySize(t *testing.T) {
	k := bins.Class(0)
	for size := uintptr(1); size <= bins.MaxSize; size++ {
		if size > k.Size() {
			k++
		}
		if got := bins.ClassOf(size); got != k || got != bins.Class(bits.Len((uint(size)-1)>>7)) {
			t.Fatalf("ClassOf(%d) = %d, not %d", size, got, k)
		}
	}
}

func TestSizesWithoutClass(t *testing.T) {
	for _, size := range []uintptr{0, bins.MaxSize + 1, 2 * bins.MaxSize, 2*bins.MaxSize + 1, 1 << 30, ^uintptr(0) >> 1, ^uintptr(0)>>1 + 1, ^uintptr(0) - 1, ^uintptr(0)} {
		require.GreaterOrEqual(t, bins.ClassOf(size), bins.Class(bins.Classes), "%d", size)
	}
}

func TestClasses(t *testing.T) {
	tests := []struct {
		size, align uintptr
		batch       int
	}{
		{128, 128, 62},
		{256, 256, 62},
		{512, 512, 62},
		{1024, 1024, 62},
		{2048, 2048, 32},
		{4096, 4096, 16},
		{8192, 4096, 8},
		{16384, 4096, 4},
		{32768, 4096, 2},
		{65536, 4096, 1},
	}
	require.Len(t, tests, bins.Classes)
	for k, test := range tests {
		t.Run(fmt.Sprint(test.size), func(t *testing.T) {
			k := bins.Class(k)
			require.Equal(t, test.size, k.Size())
			require.Equal(t, test.align, k.Align())
			require.Equal(t, test.batch, k.BatchLen())
			require.LessOrEqual(t, k.BatchLen(), bins.BatchCap)
			require.LessOrEqual(t, 2*k.BatchLen(), bins.ListCap, "two batches fit a list")
			require.LessOrEqual(t, uintptr(k.BatchLen())*k.Size(), uintptr(64<<10))
		})
	}
	require.EqualValues(t, 128, bins.MinSize)
	require.EqualValues(t, 64<<10, bins.MaxSize)
	require.EqualValues(t, 4096, bins.MaxAlign)
}

func FuzzClassOf(f *testing.F) {
	for k := range bins.Class(bins.Classes + 1) {
		f.Add(uint64(k.Size()) - 1)
		f.Add(uint64(k.Size()))
		f.Add(uint64(k.Size()) + 1)
	}
	for _, size := range []uint64{0, 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1 << 39, 1<<63 - 1, 1 << 63, 1<<64 - 1} {
		f.Add(size)
	}
	f.Fuzz(func(t *testing.T, n uint64) {
		size := uintptr(n)
		k := bins.ClassOf(size)
		if size == 0 || size > bins.MaxSize {
			if k < bins.Classes {
				t.Fatalf("%d has class %d", size, k)
			}
			return
		}
		if k >= bins.Classes || k.Size() < size || k > 0 && (k-1).Size() >= size {
			t.Fatalf("%d has class %d of %d B", size, k, k.Size())
		}
		if want := bins.Class(bits.Len((uint(size) - 1) >> 7)); k != want {
			t.Fatalf("%d has class %d, not %d", size, k, want)
		}
	})
}

// ClassOf returns numbers that are no class. Their methods do not divide by a size that does
// not fit into a word, and the alignment is a power of two.
func TestNumbersThatAreNoClass(t *testing.T) {
	for _, size := range []uintptr{0, bins.MaxSize + 1, 1 << 30, ^uintptr(0) >> 1, ^uintptr(0)} {
		k := bins.ClassOf(size)
		require.GreaterOrEqual(t, k, bins.Class(bins.Classes))
		require.EqualValues(t, bins.MaxAlign, k.Align(), "size %d", size)
		require.Equal(t, 1, k.BatchLen(), "size %d", size)
	}
	require.EqualValues(t, bins.MaxAlign, (^bins.Class(0)).Align())
	require.Equal(t, 1, (^bins.Class(0)).BatchLen())
	require.Zero(t, (^bins.Class(0)).Size())
	for k := range bins.Class(bins.Classes) {
		require.Equal(t, min(k.Size(), bins.MaxAlign), k.Align())
		require.EqualValues(t, max(1, min(bins.BatchCap, 64<<10/k.Size())), k.BatchLen())
	}
}
