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
	"github.com/framearena/framearena/internal/printable"
	"github.com/framearena/framearena/internal/slabmap"
	"github.com/framearena/framearena/internal/testkit/replay"
	"github.com/spf13/cobra"
)

// mapReport has the figures of a map. It is the JSON document of framearena map.
type mapReport struct {
	Source       string     `json:"source"`     // the trace's file, or empty
	Operation    int        `json:"operation"`  // after which the arena was drawn; 0 without a trace
	Operations   int        `json:"operations"` // of the trace
	Seed         int        `json:"seed"`       // of the demonstration; 0 with a trace
	File         string     `json:"file"`       // the picture's file, or empty
	LiveFrames   uint64     `json:"live_frames"`
	LargeFrames  int        `json:"large_frames"` // live frames over 64 KiB
	LargeBytes   uintptr    `json:"large_bytes"`
	CarvedFrames uint64     `json:"carved_frames"`
	MappedBytes  uintptr    `json:"mapped_bytes"`
	Slabs        []slabInfo `json:"slabs"` // sorted by frame size, then by address
}

// slabInfo has the figures of one slab.
type slabInfo struct {
	FrameBytes     uintptr `json:"frame_bytes"`
	CapacityFrames int     `json:"capacity_frames"`
	CarvedFrames   int     `json:"carved_frames"`
	LiveFrames     int     `json:"live_frames"`
	ColdFrames     int     `json:"cold_frames"`
}

// mapping is one call of framearena map.
type mapping struct {
	streams *streams
	trace   traceArgument
	at      int // draw after this operation; 0: after the one with the most live bytes
	seed    int
	output  string
	isDark  bool
}

func newMapCommand(c *streams) *cobra.Command {
	m := &mapping{streams: c, seed: 1}
	command := &cobra.Command{
		Use:   "map [FILE]",
		Short: "Draw an arena's slabs: of a recorded trace, or a demonstration",
		Long: `Map draws the slabs of an arena, sorted by the size of their frames, and shows
how much of each is live. It plays the trace in FILE, or on standard input if
FILE is -, on a new arena with a cache for each thread of the trace. It stops
where the most bytes are live, or after as many operations as --at says, and
draws the arena. Without FILE it plays a small demonstration instead.

On a terminal the picture is text, with block characters. Elsewhere it goes to
standard output as SVG. With -o it goes to a file, as SVG or PNG, by the file's
name. With --json the command prints the figures of the
picture, and draws only with -o. An SVG is light or dark, as its viewer prefers.`,
		Args: atMostOneArgument(traceFileArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.output == "" && cmd.Flags().Changed("output") {
				return usageError{errors.New(`--output "": the name is empty`)}
			}
			return m.run(cmd.Context(), args)
		},
	}
	m.trace.addFlags(command)
	command.Flags().Var(&wholeNumber{&m.at, maxCount}, "at", "draw the arena after so many `operations` (default where the most bytes are live)")
	command.Flags().Var(&wholeNumber{&m.seed, maxCount}, "seed", "seed of the demonstration's random sizes")
	command.Flags().StringVarP(&m.output, "output", "o", "", "write the picture to a `file`, whose name ends in .svg or .png")
	command.Flags().BoolVar(&m.isDark, "dark", false, "draw the PNG with dark colours")
	must(command.MarkFlagFilename("output", "svg", "png"))
	return command
}

// run checks the flags, draws an arena, and writes the result.
func (m *mapping) run(ctx context.Context, args []string) error {
	isPNG := strings.EqualFold(filepath.Ext(m.output), ".png")
	if m.output != "" && !isPNG && !strings.EqualFold(filepath.Ext(m.output), ".svg") {
		return usageError{fmt.Errorf("--output %q: the name must end in .svg or .png", m.output)}
	}
	if base := filepath.Base(m.output); m.output != "" && base == filepath.Ext(base) {
		return usageError{fmt.Errorf("--output %q: the name has nothing before %s", m.output, base)}
	}
	if m.isDark && !isPNG {
		return usageError{errors.New("--dark is for PNG only: an SVG has light and dark colours")}
	}
	if m.at > 0 && len(args) == 0 {
		return usageError{errors.New("--at needs a trace: name its file")}
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
	return m.write(ctx, picture, &report, isPNG)
}

// play plays the trace on a, draws a, and then frees all frames. It returns the picture.
func (m *mapping) play(ctx context.Context, a *arena.Arena, report *mapReport) (*slabmap.Picture, error) {
	r, err := m.trace.read(ctx, m.streams, report.Source)
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
	m.streams.progress.step("map: playing the trace")

	caches := overCaches(a, min(r.Threads, maxReplayCaches))
	player := replay.NewPlayer(r, false, caches.allocators...)
	err = player.Play(ctx, at)
	name := filepath.Base(report.Source)
	if report.Source == "-" {
		name = "standard input"
	}
	picture := newPicture(a, fmt.Sprintf("%s, after %s of %s operations", shortened(printable.Text(name), 60), grouped(at), grouped(r.Operations())))
	if n := player.Refusals(); n > 0 {
		err = errors.Join(err, fmt.Errorf("the arena refused %s", counted(n, "frame", "frames")))
	}
	return picture, errors.Join(err, player.Rewind(), caches.close())
}

// newPicture returns a picture of the present state of a. of is its subtitle.
func newPicture(a *arena.Arena, of string) *slabmap.Picture {
	p := &slabmap.Picture{Title: "Map of an arena", Subtitle: of, Stats: a.Stats()}
	for s := range a.Slabs() {
		p.Slabs = append(p.Slabs, s)
	}
	return p
}

// write writes the picture, and its figures if that is asked for.
func (m *mapping) write(ctx context.Context, p *slabmap.Picture, report *mapReport, isPNG bool) error {
	report.fill(p)
	draw := p.WriteSVG
	switch {
	case m.output == "" && m.streams.terminal:
		draw = p.WriteBlocks
	case isPNG:
		draw = func(w io.Writer) error { return p.WritePNG(w, m.isDark) }
	}
	var drawn bytes.Buffer
	if m.output != "" || !m.streams.json {
		if err := draw(&drawn); err != nil {
			return err
		}
	}
	if m.output == "" {
		if err := m.streams.print(drawn.String()); err != nil {
			return err
		}
		return m.streams.encode(report)
	}
	err := interruptible(ctx, outputGrace, func() error { return os.WriteFile(m.output, drawn.Bytes(), 0o666) })
	if err != nil {
		return err
	}
	report.File = m.output
	if err := m.streams.print(report.text()); err != nil {
		return err
	}
	return m.streams.encode(report)
}

// fill copies the figures of a picture.
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

// text returns one line about the file that was written.
func (r *mapReport) text() string {
	return fmt.Sprintf("%s: %s with %s\n", printable.Text(r.File),
		counted(len(r.Slabs), "slab", "slabs"), counted(int(r.LiveFrames), "live frame", "live frames"))
}

// shortened returns text, cut to at most most characters. A cut text ends in an ellipsis.
func shortened(text string, most int) string {
	letters := []rune(text)
	if len(letters) <= most {
		return text
	}
	return string(letters[:most-1]) + "…"
}
