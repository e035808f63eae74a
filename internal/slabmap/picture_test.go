package slabmap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// pictureOf returns a picture of a new arena after use.
func pictureOf(t *testing.T, use func(*arena.Cache)) *Picture {
	t.Helper()
	a, err := arena.New()
	require.NoError(t, err)
	c := a.NewCache()
	use(c)
	p := &Picture{Title: "A <map>", Subtitle: "of \"this\" & \x01that", Stats: a.Stats()}
	for s := range a.Slabs() {
		p.Slabs = append(p.Slabs, s)
	}
	return p // the arena stays open until the process ends
}

// allocate allocates n frames.
func allocate(t *testing.T, c *arena.Cache, n int, size uintptr) []unsafe.Pointer {
	t.Helper()
	var frames []unsafe.Pointer
	for range n {
		f := c.Allocate(size)
		require.NotNil(t, f)
		frames = append(frames, f)
	}
	return frames
}

// mixed returns a picture with slabs of three classes, of different occupancy.
func mixed(t *testing.T) *Picture {
	return pictureOf(t, func(c *arena.Cache) {
		for i, f := range allocate(t, c, 3000, 900) {
			if i < 1000 || i%3 == 0 {
				c.Deallocate(f, 900)
			}
		}
		allocate(t, c, 10, 100)
		allocate(t, c, 3, 60_000)
		allocate(t, c, 1, 100_000)
	})
}

// box is the group of a slab in an SVG.
type box struct {
	title string
	fills map[string]float64 // the area of all rectangles with a class
}

// parse returns the slabs of an SVG, and all texts outside of them.
func parse(t *testing.T, svg []byte) (slabs []box, texts []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(svg))
	var group *box
	var text strings.Builder
	for {
		token, err := d.Token()
		if err == io.EOF {
			return slabs, texts
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			text.Reset()
			attributes := make(map[string]string)
			for _, a := range token.Attr {
				attributes[a.Name.Local] = a.Value
				require.False(t, a.Name.Local == "href" || strings.Contains(a.Value, "url("), "the SVG refers to something outside itself")
			}
			switch {
			case token.Name.Local == "g":
				require.Equal(t, "slab", attributes["class"])
				slabs = append(slabs, box{fills: make(map[string]float64)})
				group = &slabs[len(slabs)-1]
			case token.Name.Local == "rect" && group != nil:
				var w, h float64
				_, err := fmt.Sscan(attributes["width"], &w)
				require.NoError(t, err)
				_, err = fmt.Sscan(attributes["height"], &h)
				require.NoError(t, err)
				group.fills[attributes["class"]] += w * h
			}
		case xml.CharData:
			text.Write(token)
		case xml.EndElement:
			switch {
			case token.Name.Local == "g":
				group = nil
			case group != nil && token.Name.Local == "title":
				group.title = text.String()
			case token.Name.Local == "text" || token.Name.Local == "title":
				texts = append(texts, text.String())
			}
		}
	}
}

func TestSVGHasABoxForEachSlab(t *testing.T) {
	p := mixed(t)
	var svg bytes.Buffer
	require.NoError(t, p.WriteSVG(&svg))
	slabs, texts := parse(t, svg.Bytes())
	require.Len(t, slabs, len(p.Slabs))
	require.GreaterOrEqual(t, len(slabs), 4)
	side := boxSize(len(slabs))
	for i, s := range p.Slabs {
		require.Equal(t, fmt.Sprintf("slab of %s frames: %s live, %s carved, room for %s", inUnits(uint64(s.FrameSize)),
			number(uint64(s.Live)), number(uint64(s.Carved)), number(uint64(s.Capacity))), slabs[i].title)
		require.Equal(t, side*side, slabs[i].fills["uncarved"])
		carved := 0.0
		for class, area := range slabs[i].fills {
			if class != "uncarved" && class != "edge" {
				carved += area
			}
		}
		require.InDelta(t, float64(s.Carved)/float64(s.Capacity), carved/(side*side), 1.0/256)
	}
	require.Contains(t, texts, "A <map>: of \"this\" & \uFFFDthat")
	require.Contains(t, texts, number(p.Stats.Total.Live+1))
	require.Contains(t, texts, "10 live of "+number(p.Stats.Classes[0].Carved))
	require.Contains(t, svg.String(), "@media (prefers-color-scheme:dark)")
}

func TestPNGIsTheSamePicture(t *testing.T) {
	p := mixed(t)
	d, height := p.layout()
	for _, isDark := range []bool{false, true} {
		var encoded bytes.Buffer
		require.NoError(t, p.WritePNG(&encoded, isDark))
		decoded, err := png.Decode(&encoded)
		require.NoError(t, err)
		require.Equal(t, image.Pt(scale*width, scale*int(height)), decoded.Bounds().Size())

		theme := &light
		if isDark {
			theme = &dark
		}
		require.Equal(t, theme[paperColour], decoded.At(0, 0))
		seen := make(map[color.Color]bool)
		for i, s := range d.shapes {
			if s.kind != rectangle || s.colour == edgeColour || s.colour == uncarvedColour {
				continue
			}
			at := image.Pt(int(scale*(s.x+s.w/2)), int(scale*(s.y+s.h/2)))
			require.Equal(t, theme[s.colour], decoded.At(at.X, at.Y), "shape %d", i)
			seen[theme[s.colour]] = true
		}
		require.Greater(t, len(seen), levels, "different occupancies differ")
	}
}

func TestCellsShowWhatIsLive(t *testing.T) {
	for _, c := range []struct {
		part arena.SlabPart
		want colour
	}{
		{arena.SlabPart{}, uncarvedColour},
		{arena.SlabPart{Carved: 64}, freeColour},
		{arena.SlabPart{Carved: 64, Cold: 32}, freeColour},
		{arena.SlabPart{Carved: 64, Cold: 33}, coldColour},
		{arena.SlabPart{Carved: 64, Live: 1, Cold: 63}, liveColour(0)},
		{arena.SlabPart{Carved: 64, Live: 8}, liveColour(0)},
		{arena.SlabPart{Carved: 64, Live: 9}, liveColour(1)},
		{arena.SlabPart{Carved: 64, Live: 63}, liveColour(levels - 1)},
		{arena.SlabPart{Carved: 64, Live: 64}, liveColour(levels - 1)},
		{arena.SlabPart{Carved: 1, Live: 1}, liveColour(levels - 1)},
	} {
		require.Equal(t, c.want, cellColour(c.part), "%+v", c.part)
	}
}

func TestGrid(t *testing.T) {
	for capacity, want := range map[int][2]int{
		16384: {16, 16}, 256: {16, 16}, 128: {16, 8}, 64: {8, 8}, 32: {8, 4}, 1: {1, 1},
	} {
		columns, rows := grid(capacity)
		require.Equal(t, want, [2]int{columns, rows})
	}
}

func TestAllThemesDiffer(t *testing.T) {
	for _, theme := range []*theme{&light, &dark} {
		seen := make(map[color.RGBA]bool)
		for _, c := range theme {
			require.False(t, seen[c], "%v", c)
			seen[c] = true
		}
	}
}

func TestEmptyArena(t *testing.T) {
	p := pictureOf(t, func(*arena.Cache) {})
	var svg bytes.Buffer
	require.NoError(t, p.WriteSVG(&svg))
	slabs, texts := parse(t, svg.Bytes())
	require.Empty(t, slabs)
	require.Contains(t, texts, "No slab is in use.")
	require.NoError(t, p.WritePNG(io.Discard, false))
}

func TestManySlabsAreCounted(t *testing.T) {
	one := pictureOf(t, func(c *arena.Cache) { allocate(t, c, 1, 100) }).Slabs[0]
	p := &Picture{Title: "many"}
	for range maxDrawn + 5 {
		p.Slabs = append(p.Slabs, one)
	}
	var svg bytes.Buffer
	require.NoError(t, p.WriteSVG(&svg))
	slabs, texts := parse(t, svg.Bytes())
	require.Len(t, slabs, maxDrawn)
	require.Contains(t, texts, "5 slabs not drawn")
	require.Contains(t, strings.Join(texts, "\n"), "1,029 slabs, ")
}

func TestBoxesDoNotOverlap(t *testing.T) {
	for _, n := range []int{1, 6, 7, 60, 61, 400, 401} {
		one := pictureOf(t, func(c *arena.Cache) { allocate(t, c, 1, 100) }).Slabs[0]
		p := &Picture{}
		for range n {
			p.Slabs = append(p.Slabs, one)
		}
		d, height := p.layout()
		var boxes []shape
		for i, s := range d.shapes {
			if s.kind == slabBegins {
				boxes = append(boxes, d.shapes[i+1])
			}
		}
		require.Len(t, boxes, n)
		for i, a := range boxes {
			require.LessOrEqual(t, a.x+a.w, width-margin)
			require.Less(t, a.y+a.h, height)
			for _, b := range boxes[:i] {
				require.True(t, math.Abs(a.x-b.x) >= a.w+gap || math.Abs(a.y-b.y) >= a.h+gap)
			}
		}
	}
}

func TestLostOutput(t *testing.T) {
	p := mixed(t)
	require.Error(t, p.WriteSVG(fullDisk{}))
	require.Error(t, p.WritePNG(fullDisk{}, false))
}

// fullDisk is a writer that always fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestUnits(t *testing.T) {
	for want, n := range map[string]uint64{
		"0 B": 0, "128 B": 128, "1 KiB": 1024, "1.5 KiB": 1536, "64 KiB": 64 << 10,
		"100 MiB": 100<<20 + 1000, "2 GiB": 2 << 30, "5000 TiB": 5000 << 40,
	} {
		require.Equal(t, want, inUnits(n))
	}
	require.Equal(t, "1,234,567", number(1_234_567))
	require.Equal(t, "0 %", percent(0, 0))
	require.Equal(t, "67 %", percent(2, 3))
}

func TestTitlesAreCut(t *testing.T) {
	p := &Picture{Title: strings.Repeat("ä", 10_000), Subtitle: strings.Repeat("\xff\n<", 10_000)}
	var b bytes.Buffer
	require.NoError(t, p.WriteSVG(&b))
	require.True(t, utf8.Valid(b.Bytes()))
	require.Less(t, b.Len(), 20_000)
	require.NoError(t, p.WritePNG(&b, false))
}
