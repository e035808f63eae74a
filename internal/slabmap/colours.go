package slabmap

import "image/color"

// colour names a colour by its meaning. A theme has the values.
type colour uint8

const (
	paperColour colour = iota
	inkColour
	dimColour
	lineColour
	edgeColour // for an outline, 1 pixel wide, inside the rectangle
	uncarvedColour
	freeColour
	coldColour
	firstLive // followed by levels-1 more
)

// levels is the number of shades for cells with live frames. Each shade stands for an
// eighth of the carved frames.
const levels = 8

func liveColour(level int) colour { return firstLive + colour(level) }

const colours = int(firstLive) + levels

// names are the CSS classes of the colours in the SVG.
var names = [colours]string{
	"paper", "ink", "dim", "line", "edge", "uncarved", "free", "cold",
	"live1", "live2", "live3", "live4", "live5", "live6", "live7", "live8",
}

// theme has the value of each colour.
type theme [colours]color.RGBA

var (
	light = newTheme([...]uint32{0xffffff, 0x1c2430, 0x5b6675, 0xdfe3e9, 0xaab4c0, 0xeff2f6, 0xe8d9a0, 0xc9cfd8}, 0xbfe0ef, 0x0c4670)
	dark  = newTheme([...]uint32{0x14181f, 0xe6ebf2, 0x9aa6b5, 0x2b333e, 0x4a5563, 0x222a34, 0x665a34, 0x3f4854}, 0x1f4a66, 0x9ddcff)
)

// newTheme returns a theme with the plain colours in their order, and with shades from
// fewLive to allLive for cells with live frames. Numbers are 0xRRGGBB.
func newTheme(plain [firstLive]uint32, fewLive, allLive uint32) (t theme) {
	for i, c := range plain {
		t[i] = rgb(c)
	}
	few, all := rgb(fewLive), rgb(allLive)
	for level := range levels {
		mix := func(a, b uint8) uint8 {
			return uint8((int(a)*(levels-1-level) + int(b)*level) / (levels - 1))
		}
		t[liveColour(level)] = color.RGBA{mix(few.R, all.R), mix(few.G, all.G), mix(few.B, all.B), 0xff}
	}
	return t
}

func rgb(c uint32) color.RGBA { return color.RGBA{uint8(c >> 16), uint8(c >> 8), uint8(c), 0xff} }
