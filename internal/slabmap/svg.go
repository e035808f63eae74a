package slabmap

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"

	"github.com/framearena/framearena/internal/printable"
)

// WriteSVG writes the picture to w as SVG. The SVG has a light and a dark theme, of which
// the viewer selects one, and refers to nothing outside itself. Each slab is a group with
// the class "slab", and with its figures as the title. The error is that of w.
func (p *Picture) WriteSVG(w io.Writer) error {
	d, height := p.layout()
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" role="img">`+"\n",
		pixels(width), pixels(height))
	b.WriteString("<title>")
	escape(b, printable.Cut(p.Title)+": "+printable.Cut(p.Subtitle))
	b.WriteString("</title>\n<style>\n")
	b.WriteString("text{font-family:system-ui,-apple-system,\"Segoe UI\",\"Go\",sans-serif}\nrect{shape-rendering:crispEdges}\n.edge{fill:none;stroke-width:1}\n")
	writeRules(b, &light)
	b.WriteString("@media (prefers-color-scheme:dark){\n")
	writeRules(b, &dark)
	b.WriteString("}\n</style>\n")
	fmt.Fprintf(b, `<rect class="paper" width="%s" height="%s"/>`+"\n", pixels(width), pixels(height))
	for _, s := range d.shapes {
		switch s.kind {
		case rectangle:
			if s.colour == edgeColour { // a stroke extends to both sides of its line
				s.x, s.y, s.w, s.h = s.x+0.5, s.y+0.5, s.w-1, s.h-1
			}
			fmt.Fprintf(b, `<rect class="%s" x="%s" y="%s" width="%s" height="%s"/>`+"\n",
				names[s.colour], pixels(s.x), pixels(s.y), pixels(s.w), pixels(s.h))
		case letters:
			fmt.Fprintf(b, `<text class="%s" x="%s" y="%s" font-size="%s">`, names[s.colour], pixels(s.x), pixels(s.y), pixels(s.h))
			escape(b, s.says)
			b.WriteString("</text>\n")
		case slabBegins:
			b.WriteString(`<g class="slab"><title>`)
			escape(b, s.says)
			b.WriteString("</title>\n")
		case slabEnds:
			b.WriteString("</g>\n")
		}
	}
	b.WriteString("</svg>\n")
	return b.Flush()
}

// writeRules writes a theme as rules of CSS.
func writeRules(b *bufio.Writer, t *theme) {
	for i, c := range t {
		property := "fill"
		if colour(i) == edgeColour {
			property = "stroke"
		}
		fmt.Fprintf(b, ".%s{%s:#%02x%02x%02x}\n", names[i], property, c.R, c.G, c.B)
	}
}

// escape writes text with XML's special characters escaped. Flush returns the error, if
// there is one.
func escape(b *bufio.Writer, text string) { _ = xml.EscapeText(b, []byte(text)) }

// pixels formats a length with as few digits as possible.
func pixels(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
