package slabmap

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

func TestBlocks(t *testing.T) {
	const small, large = 96, 64<<10 - 128 // with guards too, they are of the classes 128 B and 64 KiB
	p := pictureOf(t, func(c *arena.Cache) {
		var frames []unsafe.Pointer
		for range 1 << 14 { // a slab
			frames = append(frames, c.Allocate(small))
		}
		for _, f := range frames[1<<13:] {
			c.Deallocate(f, small)
		}
		for range 16*32 + 3 {
			require.NotNil(t, c.Allocate(large))
		}
	})
	var b strings.Builder
	require.NoError(t, p.WriteBlocks(&b))
	text := b.String()
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
	}
	require.Contains(t, text, "128 B frames: 8,192 live of ")
	require.Contains(t, text, "  |████████████████")
	require.Contains(t, text, "·")
	require.Contains(t, text, "64 KiB frames: 515 live of 515, 100 % occupied\n  |"+strings.Repeat("█", 32)+"|  |")
	require.Contains(t, text, "  and 1 more\n")

	b.Reset()
	require.NoError(t, (&Picture{Title: "line\n\x1b[31m"}).WriteBlocks(&b))
	require.Contains(t, b.String(), "No slab is in use.\n")
	require.NotContains(t, b.String(), "\x1b")
	lost := errors.New("lost")
	require.ErrorIs(t, p.WriteBlocks(iotest.TruncateWriter(failing{lost}, 1<<20)), lost)
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
