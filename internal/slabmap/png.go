package slabmap

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// scale is the number of the PNG's pixels for each of the SVG's, in either direction.
const scale = 2

// WritePNG writes the picture to w as PNG, in dark colours if isDark is set. The error is
// that of w, or of the font.
func (p *Picture) WritePNG(w io.Writer, isDark bool) error {
	d, height := p.layout()
	colours := &light
	if isDark {
		colours = &dark
	}
	c := canvas{
		pixels: image.NewRGBA(image.Rect(0, 0, scale*width, scale*int(height))),
		theme:  colours,
		faces:  make(map[float64]font.Face),
	}
	c.fill(c.pixels.Rect, colours[paperColour])
	for _, s := range d.shapes {
		switch s.kind {
		case rectangle:
			c.rectangle(s)
		case letters:
			if err := c.letters(s); err != nil {
				return err
			}
		}
	}
	return png.Encode(w, c.pixels)
}

// canvas is a PNG that is being painted. It belongs to one goroutine.
type canvas struct {
	pixels *image.RGBA
	theme  *theme
	faces  map[float64]font.Face // by size
}

func (c *canvas) fill(r image.Rectangle, with color.RGBA) {
	draw.Draw(c.pixels, r, image.NewUniform(with), image.Point{}, draw.Src)
}

// rectangle fills a rectangle or, in edgeColour, draws its outline.
func (c *canvas) rectangle(s shape) {
	r := image.Rect(scaled(s.x), scaled(s.y), scaled(s.x+s.w), scaled(s.y+s.h))
	with := c.theme[s.colour]
	if s.colour != edgeColour {
		c.fill(r, with)
		return
	}
	for _, side := range []image.Rectangle{
		{r.Min, image.Pt(r.Max.X, r.Min.Y+scale)},
		{image.Pt(r.Min.X, r.Max.Y-scale), r.Max},
		{r.Min, image.Pt(r.Min.X+scale, r.Max.Y)},
		{image.Pt(r.Max.X-scale, r.Min.Y), r.Max},
	} {
		c.fill(side, with)
	}
}

// letters draws a text. It loads the font at the first text of each size.
func (c *canvas) letters(s shape) error {
	face, ok := c.faces[s.h]
	if !ok {
		parsed, err := opentype.Parse(goregular.TTF)
		if err != nil {
			return err
		}
		face, err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: scale * s.h, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return err
		}
		c.faces[s.h] = face
	}
	drawer := font.Drawer{
		Dst:  c.pixels,
		Src:  image.NewUniform(c.theme[s.colour]),
		Face: face,
		Dot:  fixed.P(scaled(s.x), scaled(s.y)),
	}
	drawer.DrawString(s.says)
	return nil
}

// scaled converts a length of the SVG to pixels of the PNG.
func scaled(x float64) int { return int(math.Round(scale * x)) }
