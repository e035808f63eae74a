package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/replay"
	"github.com/framearena/framearena/internal/slabmap"
	"github.com/spf13/cobra"
)

// mapReport is what a map shows: the document that map --json prints.
type mapReport struct {
	Source       string     `json:"source"`     // the trace's file, or empty
	Operation    int        `json:"operation"`  // after which the arena was drawn; 0 without a trace
	Operations   int        `json:"operations"` // of the trace
	Seed         int        `json:"seed"`       // of the demonstration; 0 with a trace
	File         string     `json:"file"`       // that was written, or empty
	LiveFrames   uint64     `json:"live_frames"`
	LargeFrames  int        `json:"large_frames"` // of these, over 64 KiB
	LargeBytes   uintptr    `json:"large_bytes"`
	CarvedFrames uint64     `json:"carved_frames"`
	MappedBytes  uintptr    `json:"mapped_bytes"`
	Slabs        []slabInfo `json:"slabs"` // by frame size, and then by address
}

type slabInfo struct {
	FrameBytes     uintptr `json:"frame_bytes"`
	CapacityFrames int     `json:"capacity_frames"`
	CarvedFrames   int     `json:"carved_frames"`
	LiveFrames     int     `json:"live_frames"`
	ColdFrames     int     `json:"cold_frames"`
}

// mapping is one call of map.
type mapping struct {
	console *console
	trace   traceArgument
	at      int // 0: at the peak
	seed    int
	output  string
	isDark  bool
}

func newMapCommand(c *console) *cobra.Command {
	m := &mapping{console: c, seed: 1}
	command := &cobra.Command{
		Use:   "map [FILE]",
		Short: "Draw an arena's slabs as SVG or PNG: of a recorded trace, or a demonstration",
		Long: `Map draws the slabs of an arena, by the size of their frames, and what is live in
each. The arena is one that has played a trace, from a file or, if that is -,
standard input, with a cache for each thread: up to the moment when the most
bytes were live, or up to the operation that --at names. Without a trace it is
that of a small demonstration.

The picture goes to standard output as SVG, or to a file, as SVG or PNG by its
name. With --json what the picture shows is printed, and without -o nothing is
drawn. An SVG is light or dark as its reader has it.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return m.run(cmd.Context(), args) },
	}
	m.trace.addFlags(command)
	command.Flags().Var(&wholeNumber{&m.at, maxCount}, "at", "draw what is after so many `operations` (default where most bytes are live)")
	command.Flags().Var(&wholeNumber{&m.seed, maxCount}, "seed", "of the demonstration's random sizes")
	command.Flags().StringVarP(&m.output, "output", "o", "", "write the picture to a `file`, whose name ends in .svg or .png")
	command.Flags().BoolVar(&m.isDark, "dark", false, "draw the PNG with dark colours")
	must(command.MarkFlagFilename("output", "svg", "png"))
	return command
}

func (m *mapping) run(ctx context.Context, args []string) error {
	isPNG := strings.EqualFold(filepath.Ext(m.output), ".png")
	if m.output != "" && !isPNG && !strings.EqualFold(filepath.Ext(m.output), ".svg") {
		return usageError{fmt.Errorf("--output %q: its name must end in .svg or .png", m.output)}
	}
	if m.isDark && !isPNG {
		return usageError{errors.New("--dark is for PNG: an SVG has both")}
	}
	if m.at > 0 && len(args) == 0 {
		return usageError{errors.New("--at needs a trace")}
	}
	a, err := arena.New()
	if err != nil {
		return err
	}
	var report mapReport
	var picture *slabmap.Picture
	if len(args) == 0 {
		report.Seed = m.seed
		picture, err = demonstrate(a, m.seed)
	} else {
		report.Source = args[0]
		picture, err = m.play(ctx, a, &report)
	}
	if err := errors.Join(err, a.Close()); err != nil {
		return err
	}
	return m.deliver(picture, &report, isPNG)
}

// play plays the trace and returns the picture of a.
func (m *mapping) play(ctx context.Context, a *arena.Arena, report *mapReport) (*slabmap.Picture, error) {
	r, err := m.trace.read(m.console, report.Source)
	if err != nil {
		return nil, err
	}
	at := r.Peak.Operation
	if m.at > 0 {
		at = m.at
	}
	if at > r.Operations() {
		return nil, usageError{fmt.Errorf("--at %d: the trace has %s", at, counted(r.Operations(), "operation", "operations"))}
	}
	report.Operation, report.Operations = at, r.Operations()
	m.console.progress.step("map: playing the trace")

	caches := overCaches(a, min(r.Threads, maxReplayCaches))
	player := replay.NewPlayer(r, false, caches.allocators...)
	err = player.Play(ctx, at)
	name := filepath.Base(report.Source)
	if report.Source == "-" {
		name = "standard input"
	}
	picture := newPicture(a, fmt.Sprintf("%s, after %s of %s operations", shortened(name, 60), grouped(at), grouped(r.Operations())))
	if n := player.Refusals(); n > 0 {
		err = errors.Join(err, fmt.Errorf("the arena refused %s", counted(n, "frame", "frames")))
	}
	return picture, errors.Join(err, player.Rewind(), caches.close())
}

// newPicture returns a picture of what a is now.
func newPicture(a *arena.Arena, of string) *slabmap.Picture {
	p := &slabmap.Picture{Title: "Map of an arena", Subtitle: of, Stats: a.Stats()}
	for s := range a.Slabs() {
		p.Slabs = append(p.Slabs, s)
	}
	return p
}

// deliver writes the picture, and says what it shows.
func (m *mapping) deliver(p *slabmap.Picture, report *mapReport, isPNG bool) error {
	report.fill(p)
	draw := p.WriteSVG
	if isPNG {
		draw = func(w io.Writer) error { return p.WritePNG(w, m.isDark) }
	}
	var drawn bytes.Buffer
	if m.output != "" || !m.console.json {
		if err := draw(&drawn); err != nil {
			return err
		}
	}
	if m.output == "" {
		if err := m.console.print(drawn.String()); err != nil {
			return err
		}
		return m.console.encode(report)
	}
	if err := os.WriteFile(m.output, drawn.Bytes(), 0o666); err != nil {
		return err
	}
	report.File = m.output
	if err := m.console.print(report.text()); err != nil {
		return err
	}
	return m.console.encode(report)
}

func (r *mapReport) fill(p *slabmap.Picture) {
	s := p.Stats
	r.LiveFrames = s.Total.Live + uint64(s.Large)
	r.LargeFrames, r.LargeBytes = s.Large, s.LargeBytes
	r.CarvedFrames, r.MappedBytes = s.Total.Carved, s.MappedBytes
	r.Slabs = []slabInfo{}
	for _, s := range p.Slabs {
		r.Slabs = append(r.Slabs, slabInfo{s.FrameSize, s.Capacity, s.Carved, s.Live, s.Cold})
	}
}

func (r *mapReport) text() string {
	return fmt.Sprintf("%s: %s with %s\n", r.File,
		counted(len(r.Slabs), "slab", "slabs"), counted(int(r.LiveFrames), "live frame", "live frames"))
}

// shortened returns text, cut to so many characters if it has more.
func shortened(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}
