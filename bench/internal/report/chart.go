package report

import (
	"io"
	"math"

	svg "github.com/ajstarks/svgo"
)

// chart is a bar chart with labels beside the bars. Less is better.
type chart struct {
	title  string
	axis   string // the title of the axis
	format func(float64) string
	groups []barGroup

	// base is the value at which bars begin. Bars of smaller values are to its left, those of
	// larger ones to its right. If it is 0, bars begin at the left end.
	base float64
}

type barGroup struct {
	title string // empty if there is only one group
	bars  []bar
}

type bar struct {
	label     string
	value     float64
	low, high float64 // the quartiles; 0 if there are none
	look      look
	instead   string // shown in place of the value, if there is none
}

// look is the colour of a bar and its entry in the legend.
type look struct{ colour, legend string }

var (
	lookOurs  = look{"#1f6feb", "framearena"}
	lookGo    = look{"#8c959f", "Go"}
	lookC     = look{"#bf8700", "C, C++"}
	lookRust  = look{"#bc4c00", "Rust"}
	lookFloor = look{"#d0d7de", "for comparison, not a contestant"}
	lookWin   = look{"#1f6feb", "framearena is better"}
	lookLoss  = look{"#cf222e", "framearena is worse"}
	lookEven  = look{"#8c959f", "even"}
)

// Dimensions of a chart, in pixels.
const (
	chartWidth   = 880
	margin       = 16
	rowHeight    = 24
	barHeight    = 15
	headHeight   = 66 // title and legend
	groupHeight  = 28
	footHeight   = 44  // the axis
	valueWidth   = 92  // right of the longest bar
	letterWidth  = 6.7 // enough for most texts
	narrowLetter = 6.2 // enough for long texts
	fontFamily   = "font-family:-apple-system,'Segoe UI','Helvetica Neue',Helvetica,Arial,sans-serif;"
	inkColour    = "#1f2328"
	paleColour   = "#59636e"
	gridColour   = "#eaeef2"
	maxLabelPart = 0.5
)

// logFrom is the ratio of the largest to the smallest value above which the axis is
// logarithmic.
const logFrom = 20

// write draws the chart.
func (c chart) write(w io.Writer) {
	labelWidth := c.labelWidth()
	left, right := margin+labelWidth+10, chartWidth-margin-valueWidth
	axis := c.scale(left, right)
	height := headHeight + footHeight
	for _, g := range c.groups {
		height += rowHeight * len(g.bars)
		if g.title != "" {
			height += groupHeight
		}
	}

	s := svg.New(w)
	s.Start(chartWidth, height, `viewBox="0 0 `+itoa(chartWidth)+` `+itoa(height)+`"`)
	s.Title(c.title)
	s.Roundrect(0, 0, chartWidth, height, 6, 6, "fill:#ffffff")
	s.Text(margin, 26, c.title, text(16, inkColour)+"font-weight:600")
	c.legend(s)

	bottom := height - footHeight
	for _, t := range axis.ticks() {
		x := axis.at(t)
		s.Line(x, headHeight-6, x, bottom+4, "stroke:"+gridColour+";stroke-width:1")
		s.Text(x, bottom+18, c.format(t), text(11, paleColour)+"text-anchor:middle")
	}
	title := c.axis
	if axis.log {
		title += ", logarithmic"
	}
	s.Text((left+right)/2, bottom+35, title, text(11, paleColour)+"text-anchor:middle")

	y := headHeight
	for _, g := range c.groups {
		if g.title != "" {
			s.Text(margin, y+19, g.title, text(13, inkColour)+"font-weight:600")
			y += groupHeight
		}
		for _, b := range g.bars {
			c.bar(s, axis, b, left, y)
			y += rowHeight
		}
	}
	if c.base != 0 {
		x := axis.at(c.base)
		s.Line(x, headHeight-6, x, bottom+4, "stroke:"+inkColour+";stroke-width:1")
	}
	s.End()
}

func (c chart) bar(s *svg.SVG, axis scale, b bar, left, y int) {
	middle := y + rowHeight/2
	style := text(13, inkColour) + "text-anchor:end"
	if b.look == lookOurs {
		style += ";font-weight:600"
	}
	s.Text(left-10, middle+4, fit(b.label, left-10-margin), style)
	if b.instead != "" {
		s.Text(left+6, middle+4, b.instead, text(11, paleColour)+"font-style:italic")
		return
	}
	from, to := left, axis.at(b.value)
	if c.base != 0 {
		from = axis.at(c.base)
	}
	s.Rect(min(from, to), middle-barHeight/2, max(abs(to-from), 1), barHeight, "fill:"+b.look.colour)
	end := to
	if b.high > b.low {
		low, high := axis.at(b.low), axis.at(b.high)
		s.Line(low, middle, high, middle, "stroke:"+inkColour+";stroke-width:1.5")
		s.Line(low, middle-4, low, middle+4, "stroke:"+inkColour+";stroke-width:1.5")
		s.Line(high, middle-4, high, middle+4, "stroke:"+inkColour+";stroke-width:1.5")
		end = max(end, high)
	}
	s.Text(max(end, from)+6, middle+4, c.format(b.value), text(12, inkColour))
}

// legend writes what the colours in the chart mean.
func (c chart) legend(s *svg.SVG) {
	x := margin
	seen := map[look]bool{}
	for _, l := range []look{lookOurs, lookGo, lookC, lookRust, lookFloor, lookWin, lookEven, lookLoss} {
		if seen[l] || !c.has(l) {
			continue
		}
		seen[l] = true
		s.Rect(x, 38, 12, 12, "fill:"+l.colour)
		s.Text(x+18, 48, l.legend, text(12, paleColour))
		x += 18 + int(letterWidth*float64(len([]rune(l.legend)))) + 22
	}
}

// fit returns a label that is no wider than the limit.
func fit(label string, width int) string {
	letters := []rune(label)
	if most := int(float64(width)/narrowLetter) + 1; len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return label
}

func (c chart) has(l look) bool {
	for _, g := range c.groups {
		for _, b := range g.bars {
			if b.look == l && b.instead == "" {
				return true
			}
		}
	}
	return false
}

func (c chart) labelWidth() int {
	longest := 0
	for _, g := range c.groups {
		for _, b := range g.bars {
			n := float64(len([]rune(b.label))) * narrowLetter
			if b.look == lookOurs {
				n *= 1.06 // it is bold
			}
			longest = max(longest, int(n))
		}
	}
	most := maxLabelPart * chartWidth
	return min(longest, int(most))
}

// scale maps values to positions on the axis.
type scale struct {
	log       bool
	low, high float64
	left, len float64
}

// scale returns a scale for the values of the chart.
func (c chart) scale(left, right int) scale {
	low, high := math.Inf(1), 0.
	for _, g := range c.groups {
		for _, b := range g.bars {
			if b.instead != "" {
				continue
			}
			low = min(low, b.value)
			high = max(high, b.value, b.high)
		}
	}
	if c.base != 0 {
		low, high = min(low, c.base), max(high, c.base)
	}
	s := scale{left: float64(left), len: float64(right - left)}
	switch {
	case high == 0: // nothing was measured
		s.high = 1
	case c.base != 0:
		s.log, s.low, s.high = true, low*0.9, high*1.1
	case low > 0 && high/low > logFrom:
		s.log, s.low, s.high = true, below(low*0.8), high
	default:
		s.high = high
	}
	return s
}

// below returns the largest of … 0.5, 1, 2, 5, 10, … that is at most v.
func below(v float64) float64 {
	decade := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{5, 2} {
		if m*decade <= v {
			return m * decade
		}
	}
	return decade
}

func (s scale) at(v float64) int {
	part := v / s.high
	if s.log {
		part = math.Log(max(v, s.low)/s.low) / math.Log(s.high/s.low)
	}
	return int(math.Round(s.left + part*s.len))
}

// ticks returns the values at which the axis has marks.
func (s scale) ticks() (all []float64) {
	if !s.log {
		step := below(s.high / 4)
		for i := 0; float64(i)*step <= s.high; i++ {
			all = append(all, float64(i)*step)
		}
		return all
	}
	steps := []float64{1, 2, 5}
	if s.high/s.low > 2000 {
		steps = steps[:1]
	}
	for decade := math.Pow(10, math.Floor(math.Log10(s.low))); decade <= s.high; decade *= 10 {
		for _, m := range steps {
			if v := m * decade; v >= s.low*0.999 && v <= s.high*1.001 {
				all = append(all, v)
			}
		}
	}
	return all
}

// text returns the style of a text.
func text(size int, colour string) string {
	return fontFamily + "font-size:" + itoa(size) + "px;fill:" + colour + ";"
}
