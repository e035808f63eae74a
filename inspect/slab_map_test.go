package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
)

func TestCells(t *testing.T) {
	for _, c := range []struct {
		carved, live, cold int
		want               string
	}{
		{0, 0, 0, "."},
		{9, 0, 0, "f"},
		{9, 0, 4, "f"},
		{9, 0, 5, "c"},
		{9, 1, 8, "1"},
		{9, 3, 0, "1"},
		{9, 4, 0, "2"},
		{9, 6, 0, "2"},
		{9, 7, 0, "3"},
		{9, 8, 0, "3"},
		{9, 9, 0, "4"},
		{1, 1, 0, "4"},
		{1, 0, 1, "c"},
	} {
		require.Equal(t, c.want, string(cellOf(arena.SlabPart{Carved: c.carved, Live: c.live, Cold: c.cold})), "%+v", c)
	}
}

func TestShapesOfASlab(t *testing.T) {
	s := slabReport{Map: "44444444" + "44ff4..." + "........" + "........" + "........" + "........" + "........" + "........"}
	require.Equal(t, 8, s.Rows())
	require.Equal(t, []mapPath{
		{"uncarved", "M5 1h3v1h-3zM0 2h8v1h-8zM0 3h8v1h-8zM0 4h8v1h-8zM0 5h8v1h-8zM0 6h8v1h-8zM0 7h8v1h-8z"},
		{"free", "M2 1h2v1h-2z"},
		{"live4", "M0 0h8v1h-8zM0 1h2v1h-2zM4 1h1v1h-1z"},
	}, s.Paths())

	frames := slabReport{Map: "4444444444444444444444444444444c"} // 32 frames of 64 KiB
	require.Equal(t, 4, frames.Rows())
	require.Equal(t, mapPath{"cold", "M7 3h1v1h-1z"}, frames.Paths()[0])
}
