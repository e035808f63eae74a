package report

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/measure"
)

var update = flag.Bool("update", false, "write testdata anew")

// The page of testdata/samples.json, which has everything that a page can have: wins, losses,
// even rows, rows that are no contestants, skipped contestants and failed ones.
func TestPage(t *testing.T) {
	s, err := measure.Load(filepath.Join("testdata", "samples.json"))
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, Write(s, dir))
	got, err := os.ReadFile(filepath.Join(dir, page))
	require.NoError(t, err)
	golden := filepath.Join("testdata", page)
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o666))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.NotContains(t, string(got), "%!", "a mistake in a format")

	// Each plot that the page shows is there, and there are no others.
	written, err := filepath.Glob(filepath.Join(dir, plots, "*.svg"))
	require.NoError(t, err)
	require.NotEmpty(t, written)
	for _, path := range written {
		require.Contains(t, string(got), "("+plots+"/"+filepath.Base(path)+")")
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		checkPlot(t, text)
	}
	require.Equal(t, len(written), strings.Count(string(got), "!["))
}

func TestNothingMeasured(t *testing.T) {
	s := &measure.Samples{Disciplines: []measure.Discipline{{
		ID: "chain", Title: "Chain", Group: "Chains", Metrics: []contest.Metric{contest.Time},
		Contestants: []measure.Contestant{{Name: "ours", Role: contest.Ours, Failed: "it broke"}, {Name: "other", Role: contest.Peer, Skipped: "no compiler"}},
	}}}
	dir := t.TempDir()
	require.NoError(t, Write(s, dir))
	text, err := os.ReadFile(filepath.Join(dir, page))
	require.NoError(t, err)
	require.Contains(t, string(text), "Of 0 comparisons")
	require.Contains(t, string(text), "- Chain, ours: it broke")
	require.Contains(t, string(text), "| other | skipped: no compiler |")
}

func contestantOf(name string, role contest.Role, ns ...float64) measure.Contestant {
	c := measure.Contestant{Name: name, Lang: "Go", Role: role}
	for _, v := range ns {
		c.Samples = append(c.Samples, contest.Metrics{"ns": v})
	}
	return c
}

func TestOutcomes(t *testing.T) {
	ours := contestantOf("ours", contest.Ours, 9, 10, 11)
	for _, tc := range []struct {
		name    string
		other   measure.Contestant
		unit    contest.Unit
		outcome outcome
		verdict string
	}{
		{"better", contestantOf("x", contest.Peer, 20, 21, 22), contest.Nanoseconds, better, "▲ 2.1 × faster"},
		{"worse", contestantOf("x", contest.Peer, 4, 5, 6), contest.Nanoseconds, worse, "▼ 2.0 × slower"},
		{"smaller", contestantOf("x", contest.Peer, 200, 210, 220), contest.Bytes, better, "▲ 21 × smaller"},
		{"larger", contestantOf("x", contest.Peer, 4, 5, 6), contest.Bytes, worse, "▼ 2.0 × larger"},
		{"overlapping", contestantOf("x", contest.Peer, 9, 12, 30), contest.Nanoseconds, even, "= even"},
		{"near", contestantOf("x", contest.Peer, 9.7), contest.Nanoseconds, even, "= even"},
		{"a floor", contestantOf("x", contest.Floor, 1), contest.Nanoseconds, unknown, ""},
		{"ours too", contestantOf("x", contest.Ours, 1), contest.Nanoseconds, unknown, ""},
		{"a count", contestantOf("x", contest.Peer, 1), contest.Count, unknown, ""},
		{"not measured", contestantOf("x", contest.Peer), contest.Nanoseconds, unknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := &measure.Discipline{Contestants: []measure.Contestant{ours, tc.other}}
			c := compare(d, contest.Metric{Key: "ns", Unit: tc.unit})
			require.Equal(t, "ours", c.reference.Name)
			require.Equal(t, tc.outcome, c.outcome(c.entries[1]))
			require.Equal(t, tc.verdict, c.verdict(c.entries[1]))
			require.Equal(t, unknown, c.outcome(c.entries[0]))
		})
	}
	alone := compare(&measure.Discipline{Contestants: []measure.Contestant{contestantOf("x", contest.Peer, 1)}}, contest.Time)
	require.Equal(t, unknown, alone.outcome(alone.entries[0]), "there is nothing to compare with")
}

func TestUnits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 ns", 0.6812: "0.681 ns", 2.896: "2.9 ns", 9.999: "10 ns", 128: "128 ns", 999.4: "999 ns", 999.6: "1 µs",
		1234: "1.23 µs", 560e6: "560 ms", 1.5e9: "1.5 s", 75e9: "75 s",
	} {
		require.Equal(t, want, duration(v))
	}
	for v, want := range map[float64]string{0: "0 B", 128.2: "128 B", 2761: "2.76 KB", 27.6e9: "27.6 GB", 1e6: "1 MB"} {
		require.Equal(t, want, size(v))
	}
	for v, want := range map[float64]string{0.304: "0.30", 0.99: "0.99", 0.996: "1.0", 1: "1.0", 2.14: "2.1", 9.94: "9.9", 9.96: "10", 1687: "1687"} {
		require.Equal(t, want, ratio(v))
	}
	require.Equal(t, "12 %", percent(0.123))
}

func TestScale(t *testing.T) {
	of := func(base float64, values ...float64) scale {
		c := chart{base: base, groups: []barGroup{{}}}
		for _, v := range values {
			c.groups[0].bars = append(c.groups[0].bars, bar{value: v})
		}
		return c.scale(100, 500)
	}
	linear := of(0, 5, 100)
	require.False(t, linear.log)
	require.Equal(t, 100, linear.at(0))
	require.Equal(t, 300, linear.at(50))
	require.Equal(t, 500, linear.at(100))
	require.Equal(t, []float64{0, 20, 40, 60, 80, 100}, linear.ticks())

	logarithmic := of(0, 4, 100)
	require.True(t, logarithmic.log, "25 times as much")
	require.Equal(t, 100, logarithmic.at(2))
	require.Equal(t, 500, logarithmic.at(100))
	require.Equal(t, []float64{2, 5, 10, 20, 50, 100}, logarithmic.ticks())
	require.Equal(t, []float64{1, 10, 100, 1000, 10000}, of(0, 1.3, 20000).ticks())

	around := of(1, 0.5, 20)
	require.True(t, around.log)
	require.Less(t, around.at(0.5), around.at(1))
	require.Less(t, around.at(1), around.at(20))

	require.Equal(t, 100, of(0).at(0), "nothing was measured")
	require.Equal(t, 100, of(0, 0, 0).at(0), "all took no time")
}

// A plot with the longest labels, the widest spreads and characters that must be escaped.
func TestPlot(t *testing.T) {
	long := strings.Repeat("a very long name ", 8)
	c := chart{
		title: "A & B <C>", axis: "time", format: duration,
		groups: []barGroup{
			{title: "Group", bars: []bar{
				{label: long, value: 1, low: 0.9, high: 4000, look: lookOurs},
				{label: "C & C++", value: 5000, low: 4000, high: 6000, look: lookC},
				{label: "nobody", instead: "skipped: the compiler is not there", look: lookRust},
			}},
			{title: "Another", bars: []bar{{label: "x", value: 50, look: lookFloor}}},
		},
	}
	var b bytes.Buffer
	c.write(&b)
	texts := checkPlot(t, b.Bytes())
	require.Contains(t, texts, "A & B <C>")
	require.Contains(t, texts, "time, logarithmic")
	require.Contains(t, texts, "skipped: the compiler is not there")
	require.NotContains(t, texts, long)
	require.NotContains(t, texts, lookRust.legend, "nothing has its colour")
	require.Contains(t, texts, lookFloor.legend)
	require.True(t, strings.HasSuffix(fit(long, 100), "…"))
	require.Equal(t, "short", fit("short", 100))
}

// checkPlot checks that an SVG is well-formed, that all texts are inside of it and that no two
// overlap. It returns the texts.
func checkPlot(t *testing.T, plot []byte) (texts []string) {
	t.Helper()
	type box struct {
		text        string
		left, right float64
		top, bottom float64
		anchor      string
	}
	var boxes []box
	var at *box
	width, height := 0., 0.
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		require.False(t, math.IsNaN(v))
		return v
	}
	for d := xml.NewDecoder(bytes.NewReader(plot)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		switch e := token.(type) {
		case xml.StartElement:
			attributes := map[string]string{}
			for _, a := range e.Attr {
				attributes[a.Name.Local] = a.Value
			}
			switch e.Name.Local {
			case "svg":
				width, height = number(attributes["width"]), number(attributes["height"])
			case "rect":
				x := number(attributes["x"])
				require.GreaterOrEqual(t, x, 0.)
				require.LessOrEqual(t, x+number(attributes["width"]), width)
			case "text":
				boxes = append(boxes, box{left: number(attributes["x"]), bottom: number(attributes["y"]), anchor: attributes["style"]})
				at = &boxes[len(boxes)-1]
			}
		case xml.CharData:
			if at != nil {
				at.text += string(e)
			}
		case xml.EndElement:
			at = nil
		}
	}
	for i := range boxes {
		b := &boxes[i]
		texts = append(texts, b.text)
		points := 13.
		for _, size := range []float64{11, 12, 16} {
			if strings.Contains(b.anchor, "font-size:"+strconv.Itoa(int(size))+"px") {
				points = size
			}
		}
		wide := float64(len([]rune(b.text))) * points * 0.48
		switch {
		case strings.Contains(b.anchor, "text-anchor:end"):
			b.left -= wide
		case strings.Contains(b.anchor, "text-anchor:middle"):
			b.left -= wide / 2
		}
		b.right, b.top = b.left+wide, b.bottom-points*0.7
		require.GreaterOrEqual(t, b.left, 0., b.text)
		require.LessOrEqual(t, b.right, width, b.text)
		require.LessOrEqual(t, b.bottom, height, b.text)
		for _, o := range boxes[:i] {
			apart := b.right <= o.left || o.right <= b.left || b.bottom <= o.top || o.bottom <= b.top
			require.True(t, apart, "%q is over %q", b.text, o.text)
		}
	}
	return texts
}
