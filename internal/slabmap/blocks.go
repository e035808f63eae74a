package slabmap

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/printable"
)

// blocksAcross is how many characters stand for a slab in WriteBlocks.
const blocksAcross = 32

// maxBlocks is the most slabs of a class that WriteBlocks draws.
const maxBlocks = 16

// WriteBlocks writes the picture to w as text for a terminal, in lines of at most 80 columns. A
// slab is a row of up to 32 characters, each a part of the slab: a block for live frames, the
// darker the more are live, and other characters for parts without. It uses no colours. Of each
// class it draws 16 slabs, and says how many there are more. The error is that of w.
func (p *Picture) WriteBlocks(w io.Writer) error {
	b := bufio.NewWriter(w)
	s := p.Stats
	fmt.Fprintf(b, "%s\n%s\n", printable.Text(p.Title), printable.Text(p.Subtitle))
	fmt.Fprintf(b, "%s live of %s carved frames, %s over 64 KiB, %s mapped\n\n",
		number(s.Total.Live+uint64(s.Large)), number(s.Total.Carved), number(uint64(s.Large)), inUnits(uint64(s.MappedBytes)))
	rows := rowsOf(p.Slabs)
	if len(rows) == 0 {
		b.WriteString("No slab is in use.\n")
	}
	for _, r := range rows {
		fmt.Fprintf(b, "%s frames: %s live of %s, %s occupied\n",
			inUnits(uint64(r.frameSize)), number(uint64(r.live)), number(uint64(r.carved)), percent(uint64(r.live), uint64(r.carved)))
		drawn := r.slabs[:min(len(r.slabs), maxBlocks)]
		for i := range drawn {
			b.WriteString("  |" + blocksOf(&drawn[i]) + "|")
			if i%2 == 1 || i == len(drawn)-1 {
				b.WriteByte('\n')
			}
		}
		if more := len(r.slabs) + r.omitted - len(drawn); more > 0 {
			fmt.Fprintf(b, "  and %s more\n", number(uint64(more)))
		}
	}
	b.WriteString("\n|…| a slab of 2 MiB   █▓▒░ many to few live   · free   _ free, memory given back\n    blank: never used\n")
	return b.Flush()
}

// blocksOf returns a slab as characters.
func blocksOf(s *arena.SlabInfo) string {
	cells := min(blocksAcross, s.Capacity)
	var line strings.Builder
	for c := range cells {
		part := s.Part(c*s.Capacity/cells, (c+1)*s.Capacity/cells)
		switch cellColour(part) {
		case uncarvedColour:
			line.WriteByte(' ')
		case freeColour:
			line.WriteString("·")
		case coldColour:
			line.WriteByte('_')
		default:
			line.WriteRune([]rune("░▒▓█")[(4*part.Live-1)/part.Carved])
		}
	}
	return line.String()
}
