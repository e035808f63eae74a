package inspect

import (
	"fmt"
	"strings"

	"github.com/framearena/framearena/arena"
)

// mapRow is the row of the map for the slabs of one size class.
type mapRow struct {
	FrameSize uintptr      `json:"frame_size"`
	Slabs     []slabReport `json:"slabs"`
	MoreSlabs int          `json:"more_slabs,omitempty"`
}

// slabReport describes a slab on the map.
type slabReport struct {
	Address  string `json:"address"`
	Capacity int    `json:"capacity"`
	Carved   int    `json:"carved"`
	Live     int    `json:"live"`
	Cold     int    `json:"cold"`
	Map      string `json:"map"` // a letter for each cell; see cellOf
}

// A slab is drawn as a square of cells, row by row. A cell is a 64th of the slab, or one frame
// if the slab has room for fewer than 64.
const (
	mapSide  = 8
	mapCells = mapSide * mapSide
)

// A cell is a letter. The letters '1' to '3' stand for cells of which a part is live, by
// thirds.
const (
	cellUncarved = '.' // no frame was carved, so it has no memory
	cellCold     = 'c' // all frames are free, and most of them have no memory
	cellFree     = 'f' // all frames are free
	cellFull     = '4' // all carved frames are live
)

// cellOf returns the letter for a part of a slab.
func cellOf(p arena.SlabPart) byte {
	free := p.Carved - p.Live
	switch {
	case p.Carved == 0:
		return cellUncarved
	case p.Live == p.Carved:
		return cellFull
	case p.Live > 0:
		return '1' + byte(3*(p.Live-1)/p.Carved)
	case 2*p.Cold > free:
		return cellCold
	default:
		return cellFree
	}
}

// drawSlabs draws the slabs of an arena, class by class.
func drawSlabs(a *arena.Arena) []mapRow {
	rows := []mapRow{}
	for s := range a.Slabs() {
		if n := len(rows); n == 0 || rows[n-1].FrameSize != s.FrameSize {
			rows = append(rows, mapRow{FrameSize: s.FrameSize, Slabs: []slabReport{}})
		}
		row := &rows[len(rows)-1]
		if len(row.Slabs) == maxSlabs {
			row.MoreSlabs++
			continue
		}
		row.Slabs = append(row.Slabs, drawSlab(&s))
	}
	return rows
}

func drawSlab(s *arena.SlabInfo) slabReport {
	cells := make([]byte, min(mapCells, s.Capacity))
	for i := range cells {
		cells[i] = cellOf(s.Part(i*s.Capacity/len(cells), (i+1)*s.Capacity/len(cells)))
	}
	return slabReport{
		Address: fmt.Sprintf("%#x", s.Address), Capacity: s.Capacity,
		Carved: s.Carved, Live: s.Live, Cold: s.Cold, Map: string(cells),
	}
}

// mapPath is an SVG path around all cells with one letter.
type mapPath struct {
	Class string // in CSS
	D     string // the path's commands
}

// Rows is the number of rows of cells.
func (s slabReport) Rows() int { return len(s.Map) / mapSide }

// Paths returns the cells as paths. Neighbours in a row with the same letter are one
// rectangle.
func (s slabReport) Paths() []mapPath {
	outlines := make(map[byte]*strings.Builder)
	for i := 0; i < len(s.Map); {
		n := 1
		for i+n < len(s.Map) && (i+n)%mapSide != 0 && s.Map[i+n] == s.Map[i] {
			n++
		}
		b := outlines[s.Map[i]]
		if b == nil {
			b = new(strings.Builder)
			outlines[s.Map[i]] = b
		}
		fmt.Fprintf(b, "M%d %dh%dv1h-%dz", i%mapSide, i/mapSide, n, n)
		i += n
	}
	var paths []mapPath
	for _, l := range legend {
		if b := outlines[l.Cell]; b != nil {
			paths = append(paths, mapPath{l.Class, b.String()})
		}
	}
	return paths
}

// legend explains the cells and gives their classes in CSS. A class does not begin with a
// digit, as CSS requires.
var legend = []struct {
	Cell        byte
	Class, Says string
}{
	{cellUncarved, "uncarved", "never used"},
	{cellCold, "cold", "free, memory given back"},
	{cellFree, "free", "free"},
	{'1', "live1", "up to ⅓ live"},
	{'2', "live2", "up to ⅔ live"},
	{'3', "live3", "nearly all live"},
	{cellFull, "live4", "all live"},
}
