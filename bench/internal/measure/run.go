// Package measure takes the samples, each in a process of its own. Each contestant has a turn
// in each round.
package measure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/machine"
	"github.com/framearena/framearena/bench/internal/native"
)

// sampleLimit is how long a sample may take. It is much longer than any sample should take.
const sampleLimit = 3 * time.Minute

// Options configure a run.
type Options struct {
	Command  string // the command that the page shows
	Quick    bool
	Rounds   int
	Each     time.Duration // how long a sample takes, if it repeats an operation
	Only     func(discipline contest.Discipline, contestant contest.Contestant) bool
	Programs *native.Programs
	Progress io.Writer

	// available replaces machine.Available in tests.
	available func() (uint64, bool)
}

// Run measures disciplines. The samples record which contestants were missing or failed; such
// contestants are no error.
func Run(ctx context.Context, disciplines []contest.Discipline, o Options) (*Samples, error) {
	if o.available == nil {
		o.available = machine.Available
	}
	s := &Samples{
		Format: format, Command: o.Command, Quick: o.Quick, Rounds: o.Rounds, Each: o.Each,
		Began: time.Now().UTC().Truncate(time.Second), Machine: machine.Describe(ctx, o.Programs),
	}
	chosen := choose(disciplines, o)
	for _, d := range chosen {
		s.Disciplines = append(s.Disciplines, started(d, o.Quick))
	}
	for round := range o.Rounds {
		for i, d := range chosen {
			if round >= o.rounds(d) {
				continue
			}
			into := &s.Disciplines[i]
			fmt.Fprintf(o.Progress, "round %d of %d: %s\n", round+1, o.Rounds, d.Title)
			// Each round begins with another contestant, so that none always follows the same
			// neighbour.
			for k := range d.Contestants {
				at := (k + round) % len(d.Contestants)
				if err := o.add(ctx, &into.Contestants[at], d, d.Contestants[at], into.Size); err != nil {
					return nil, err
				}
			}
		}
		s.Machine.AddLoad()
	}
	s.Ended = time.Now().UTC().Truncate(time.Second)
	return s, nil
}

// rounds returns how many samples are taken of each contestant of d.
func (o Options) rounds(d contest.Discipline) int {
	switch {
	case d.MaxRounds == 0:
		return o.Rounds
	case o.Quick:
		return 1
	default:
		return min(o.Rounds, d.MaxRounds)
	}
}

// choose returns the disciplines and contestants that are measured.
func choose(disciplines []contest.Discipline, o Options) (chosen []contest.Discipline) {
	for _, d := range disciplines {
		if o.Quick && d.NotQuick {
			continue
		}
		all := d.Contestants
		d.Contestants = nil
		for _, c := range all {
			if o.Only == nil || o.Only(d, c) {
				d.Contestants = append(d.Contestants, c)
			}
		}
		if len(d.Contestants) > 0 {
			chosen = append(chosen, d)
		}
	}
	return chosen
}

// started returns a discipline without samples.
func started(d contest.Discipline, quick bool) Discipline {
	into := Discipline{ID: d.ID, Group: d.Group, Title: d.Title, About: d.About, Size: d.Size, Metrics: d.Metrics}
	if quick {
		into.Size = d.QuickSize
	}
	for _, c := range d.Contestants {
		into.Contestants = append(into.Contestants, Contestant{Name: c.Name, Lang: c.Lang, Role: c.Role, Note: c.Note})
	}
	return into
}

// add adds a sample of c to into, unless c was skipped or has failed before.
func (o Options) add(ctx context.Context, into *Contestant, d contest.Discipline, c contest.Contestant, size int) error {
	if into.Skipped != "" || into.Failed != "" {
		return nil
	}
	if c.Needs != nil {
		needs := c.Needs(size)
		if available, ok := o.available(); ok && float64(needs) > 0.8*float64(available) {
			into.Skipped = fmt.Sprintf("it would need about %.0f GB of memory, of which %.0f GB are there",
				float64(needs)/1e9, float64(available)/1e9)
			fmt.Fprintf(o.Progress, "  skipped: %s: %s\n", c.Name, into.Skipped)
			return nil
		}
	}
	limited, cancel := context.WithTimeout(ctx, sampleLimit)
	defer cancel()
	m, err := sample(limited, o.Programs, d, c, contest.Plan{For: o.Each, Size: size})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		into.Failed = fmt.Sprintf("a sample took more than %v", sampleLimit)
		fmt.Fprintf(o.Progress, "  FAILED: %s: %s\n", c.Name, into.Failed)
	case errors.Is(err, contest.ErrMissing):
		into.Skipped = strings.TrimPrefix(err.Error(), contest.ErrMissing.Error()+": ")
		fmt.Fprintf(o.Progress, "  skipped: %s: %s\n", c.Name, into.Skipped)
	case err != nil:
		into.Failed = err.Error()
		fmt.Fprintf(o.Progress, "  FAILED: %s: %s\n", c.Name, into.Failed)
	default:
		into.Samples = append(into.Samples, m)
	}
	return nil
}
