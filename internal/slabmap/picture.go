// Package slabmap draws the slabs of an arena, as SVG or as PNG. Both show the same picture.
package slabmap

import (
	"fmt"
	"math"
	"strconv"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/printable"
)

// Picture holds the figures of a picture. Its methods do not change it, so any number of
// goroutines may call them.
//
// Title and Subtitle may hold anything: each is one line, cut to a line's length, and characters
// that XML cannot have are replaced.
type Picture struct {
	Title    string
	Subtitle string
	Slabs    []arena.SlabInfo // in the order of [arena.Arena.Slabs]
	Stats    arena.Stats      // taken at the same time as Slabs
}

// A slab is drawn as a box of up to cellsAcross × cellsAcross cells, row by row. A cell is a
// 256th of the slab, or one frame if the slab has room for fewer than 256.
const cellsAcross = 16

// Lengths are in pixels of the SVG. The PNG has scale times as many pixels.
const (
	width      = 960.0
	margin     = 28.0
	labelWidth = 190.0 // left of the boxes
	gap        = 10.0
	rowGap     = 26.0 // between classes

	titleSize = 22.0
	textSize  = 14.0
	noteSize  = 12.0
)

// maxDrawn is the most slabs of a class that are drawn. The picture says how many it leaves
// out.
const maxDrawn = 1024

// boxSize returns the side of a slab's box, a multiple of cellsAcross. The more slabs there
// are, the smaller it is.
func boxSize(slabs int) float64 {
	switch {
	case slabs <= 60:
		return 6 * cellsAcross
	case slabs <= 400:
		return 3 * cellsAcross
	default:
		return cellsAcross
	}
}

// layout returns the shapes of the picture, and its height.
func (p *Picture) layout() (*drawing, float64) {
	d := new(drawing)
	y := margin + titleSize
	d.text(margin, y, titleSize, inkColour, printable.Cut(p.Title))
	y += 24
	d.text(margin, y, textSize, dimColour, printable.Cut(p.Subtitle))
	y += 30
	y = p.layoutFigures(d, y)
	y = layoutLegend(d, y)

	rows := rowsOf(p.Slabs)
	box := boxSize(len(p.Slabs))
	if len(rows) == 0 {
		d.text(margin, y+textSize, textSize, dimColour, "No slab is in use.")
		y += textSize + rowGap
	}
	for _, r := range rows {
		d.rect(margin, y, width-2*margin, 1, lineColour)
		y = r.layout(d, y+rowGap/2, box) + rowGap/2
	}
	d.text(margin, y+noteSize, noteSize, dimColour,
		"A box is a slab of 2 MiB. A cell is 8 KiB, or one frame if frames are larger, row by row from the first frame.")
	return d, math.Ceil(y + noteSize + margin)
}

// layoutFigures draws the figures in a row, each below its name. It returns the y where
// they end.
func (p *Picture) layoutFigures(d *drawing, y float64) float64 {
	s := p.Stats
	live := uint64(s.LargeBytes)
	for _, c := range s.Classes {
		live += c.Live * uint64(c.Size)
	}
	figures := []struct{ name, value string }{
		{"live frames", number(s.Total.Live + uint64(s.Large))},
		{"memory in these", inUnits(live)},
		{"carved frames", number(s.Total.Carved)},
		{"occupied of carved", percent(s.Total.Live, s.Total.Carved)},
		{"slabs", number(uint64(s.Total.Slabs))},
		{"frames over 64 KiB", number(uint64(s.Large))},
		{"mapped", inUnits(uint64(s.MappedBytes))},
	}
	step := (width - 2*margin) / float64(len(figures))
	for i, f := range figures {
		x := margin + float64(i)*step
		d.text(x, y, noteSize, dimColour, f.name)
		d.text(x, y+22, 18, inkColour, f.value)
	}
	return y + 48
}

// layoutLegend draws the legend of the colours. It returns the y where it ends.
func layoutLegend(d *drawing, y float64) float64 {
	const side = 14.0
	x := margin
	entry := func(c colour, says string, letters float64) {
		d.rect(x, y, side, side, c)
		d.rect(x, y, side, side, edgeColour)
		d.text(x+side+6, y+side-2.5, noteSize, dimColour, says)
		x += side + 6 + letters*7.2 + 16
	}
	entry(uncarvedColour, "never carved", 12)
	entry(freeColour, "free", 4)
	entry(coldColour, "free, memory given back", 22)
	d.text(x, y+side-2.5, noteSize, dimColour, "few live")
	x += 54
	for level := range levels {
		d.rect(x, y, side, side, liveColour(level))
		x += side
	}
	d.rect(x-levels*side, y, levels*side, side, edgeColour)
	d.text(x+8, y+side-2.5, noteSize, dimColour, "all live")
	return y + side + 22
}

// row has the slabs of one size class.
type row struct {
	frameSize          uintptr
	slabs              []arena.SlabInfo // the slabs that are drawn
	omitted            int              // number of the others
	carved, live, cold int              // frames in all slabs of the class
}

// rowsOf divides slabs, which are sorted by frame size, into rows.
func rowsOf(slabs []arena.SlabInfo) []*row {
	var rows []*row
	for _, s := range slabs {
		if n := len(rows); n == 0 || rows[n-1].frameSize != s.FrameSize {
			rows = append(rows, &row{frameSize: s.FrameSize})
		}
		r := rows[len(rows)-1]
		r.carved += s.Carved
		r.live += s.Live
		r.cold += s.Cold
		if len(r.slabs) < maxDrawn {
			r.slabs = append(r.slabs, s)
		} else {
			r.omitted++
		}
	}
	return rows
}

// layout draws the row, with its top at y. It returns the y where it ends.
func (r *row) layout(d *drawing, y, box float64) float64 {
	line := y + 15
	write := func(size float64, c colour, text string) {
		d.text(margin, line, size, c, text)
		line += 18
	}
	write(17, inkColour, inUnits(uint64(r.frameSize))+" frames")
	write(textSize, dimColour, fmt.Sprintf("%s live of %s", number(uint64(r.live)), number(uint64(r.carved))))
	slabs := number(uint64(len(r.slabs) + r.omitted))
	if slabs == "1" {
		slabs += " slab"
	} else {
		slabs += " slabs"
	}
	write(textSize, dimColour, slabs+", "+percent(uint64(r.live), uint64(r.carved))+" occupied")
	if r.cold > 0 {
		write(textSize, dimColour, number(uint64(r.cold))+" without memory")
	}
	if r.omitted > 0 {
		write(textSize, dimColour, number(uint64(r.omitted))+" slabs not drawn")
	}

	x, top := margin+labelWidth, y
	for i := range r.slabs {
		if x+box > width-margin {
			x, top = margin+labelWidth, top+box+gap
		}
		layoutSlab(d, &r.slabs[i], x, top, box)
		x += box + gap
	}
	return max(line, top+box) + 8
}

// layoutSlab draws a slab as a box with the side box, with its top left corner at x, y.
func layoutSlab(d *drawing, s *arena.SlabInfo, x, y, box float64) {
	says := fmt.Sprintf("slab of %s frames: %s live, %s carved, room for %s",
		inUnits(uint64(s.FrameSize)), number(uint64(s.Live)), number(uint64(s.Carved)), number(uint64(s.Capacity)))
	if s.Cold > 0 {
		says += fmt.Sprintf(", %s without memory", number(uint64(s.Cold)))
	}
	d.begin(says)
	d.rect(x, y, box, box, uncarvedColour)
	columns, rows := grid(s.Capacity)
	cells := columns * rows
	w, h := box/float64(columns), box/float64(rows)
	for i := 0; i < cells; {
		c := cellColour(s.Part(i*s.Capacity/cells, (i+1)*s.Capacity/cells))
		n := 1 // neighbours in a row with the same colour are one rectangle
		for i+n < cells && (i+n)%columns != 0 && cellColour(s.Part((i+n)*s.Capacity/cells, (i+n+1)*s.Capacity/cells)) == c {
			n++
		}
		if c != uncarvedColour {
			d.rect(x+w*float64(i%columns), y+h*float64(i/columns), w*float64(n), h, c)
		}
		i += n
	}
	d.rect(x, y, box, box, edgeColour)
	d.end()
}

// grid returns the columns and rows of cells for a slab with room for capacity frames, at
// least one. The number of cells is a power of two, and at most capacity.
func grid(capacity int) (columns, rows int) {
	columns, rows = cellsAcross, cellsAcross
	for columns*rows > capacity {
		if rows == columns {
			rows /= 2
		} else {
			columns /= 2
		}
	}
	return columns, rows
}

// cellColour returns the colour of a part of a slab.
func cellColour(p arena.SlabPart) colour {
	switch free := p.Carved - p.Live; {
	case p.Carved == 0:
		return uncarvedColour
	case p.Live > 0:
		return liveColour((levels*p.Live - 1) / p.Carved)
	case 2*p.Cold > free:
		return coldColour
	default:
		return freeColour
	}
}

// number formats n with commas between the thousands.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// inUnits formats a number of bytes in the largest unit that leaves it at 1 or more. Each
// unit is 1024 of the one before.
func inUnits(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	x, i := float64(n), 0
	for ; i < len(units)-1 && x >= 1024; i++ {
		x /= 1024
	}
	if x == math.Trunc(x) || x >= 100 {
		return fmt.Sprintf("%.0f %s", x, units[i])
	}
	return fmt.Sprintf("%.1f %s", x, units[i])
}

// percent formats part as a percentage of whole.
func percent(part, whole uint64) string {
	if whole == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(part)/float64(whole))
}
