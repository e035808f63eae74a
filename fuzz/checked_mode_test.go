package fuzz

import (
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

// planting is a checked arena that stands for a faulty user: it makes one mistake, when so
// many frames have been freed.
type planting struct {
	*arena.Arena
	mistake mistake
	frees   int  // until the mistake
	planted bool // the mistake was made
}

type mistake int

const (
	noMistake mistake = iota
	freesTwice
	freesWithAnotherSize
	freesTheMiddle
	writesBeyond
	writesLate
	forgetsToFree
	mistakes
)

// reportedAs has the text that checked mode reports for each mistake.
var reportedAs = [mistakes]string{
	freesTwice:           "arena: double free",
	freesWithAnotherSize: "arena: wrong size",
	freesTheMiddle:       "arena: interior pointer",
	writesBeyond:         "arena: overrun",
	writesLate:           "arena: write after free",
	forgetsToFree:        arena.ErrLeak.Error(),
}

func (p *planting) Deallocate(frame unsafe.Pointer, size uintptr) {
	if frame != nil {
		p.frees--
	}
	if frame == nil || p.frees != 0 || p.mistake == noMistake {
		p.Arena.Deallocate(frame, size)
		return
	}
	if size+128 > bins.MaxSize || size == 0 {
		p.frees = 1 // make the mistake with the next frame that belongs to a size class
		p.Arena.Deallocate(frame, size)
		return
	}
	p.planted = true
	switch p.mistake {
	case freesTwice:
		p.Arena.Deallocate(frame, size)
		p.Arena.Deallocate(frame, size)
	case freesWithAnotherSize:
		p.Arena.Deallocate(frame, size+1)
	case freesTheMiddle:
		p.Arena.Deallocate(unsafe.Add(frame, 16), size)
	case writesBeyond:
		*(*byte)(unsafe.Add(frame, size)) ^= 0x40
		p.Arena.Deallocate(frame, size)
	case writesLate:
		p.Arena.Deallocate(frame, size)
		*(*byte)(unsafe.Add(frame, size-1)) ^= 0x40
	case forgetsToFree:
	}
}

// requireReported runs a program on a checked arena whose user makes the mistake m, and
// requires that checked mode reports it. It returns whether the program got as far as the
// mistake.
func requireReported(t *testing.T, data []byte, m mistake, frees int) bool {
	t.Helper()
	var user *planting
	var closing error
	c := newConfig(
		Trims(func(p *planting) { p.Trim(0) }),
		Caches(func(p *planting) (arena.FrameAllocator, func()) { c := p.NewCache(); return c, c.Close }),
	)
	o := c.execute(t, func(t testing.TB) arena.FrameAllocator {
		a, err := arena.New(arena.WithChecks(4 << 10))
		require.NoError(t, err)
		user = &planting{Arena: a, mistake: m, frees: frees}
		t.Cleanup(func() { closing = a.Close() })
		return user
	}, c.decode(data))
	if m == noMistake || !user.planted {
		require.Nil(t, o.violation, "a clean run")
		require.NoError(t, closing)
		return false
	}
	if m == forgetsToFree {
		require.ErrorContains(t, closing, reportedAs[m])
		return true
	}
	require.NotNil(t, o.violation, "not reported: mistake %d", m)
	// The check that Deallocate ignores nil frees frames too, and the mistake may be with one of those.
	require.Contains(t, []Invariant{Panicked, NilFreed}, o.violation.invariant)
	require.Contains(t, o.violation.text, reportedAs[m])
	return true
}

// Checked mode reports every planted mistake, and nothing in a run without one.
func TestCheckedModeReportsPlantedFaults(t *testing.T) {
	for m := range mistakes {
		planted := 0
		seeds := corpus[1:] // the first program is empty
		if testing.Short() {
			seeds = seeds[:8]
		}
		for _, seed := range seeds {
			for _, frees := range []int{1, 7} {
				if requireReported(t, seed, m, frees) {
					planted++
				}
			}
		}
		if m != noMistake {
			require.Greater(t, planted, len(seeds), "mistake %d", m)
		}
	}
}

func FuzzChecked(f *testing.F) {
	for i, seed := range corpus {
		f.Add(seed, uint8(i), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, m, frees uint8) {
		requireReported(t, data, mistake(m)%mistakes, 1+int(frees)%64)
	})
}
