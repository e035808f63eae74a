package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/spf13/cobra"

	"github.com/framearena/framearena/internal/testkit/soak"
)

// linesEvery is how often a soak prints a line of progress if standard error is no terminal.
const linesEvery = 30 * time.Second

// errViolation is the error of a soak that has found a violation.
var errViolation = errors.New("a violation")

func newSoakCommand(c *streams) *cobra.Command {
	o := soak.Options{}
	command := &cobra.Command{
		Use:   "soak",
		Short: "Run everything that the library does, for long, and check it",
		Long: `Soak runs allocators, trees of tasks, tasks that wait for each other, a crowd
that is replaced all the time, and faults, at the same time and with everything
checked, in a process of its own. A round is decided by the seed and its number,
apart from what the scheduler decides. The first violation ends the soak, and
the command: its status is 1 then, and it prints the command that repeats the
round.

docs/internals/testing.md has more.`,
		Args: cobra.NoArgs,
	}
	flags := command.Flags()
	flags.DurationVarP(&o.Duration, "duration", "d", 10*time.Minute, "`time` after which no round begins")
	flags.Var(&wholeNumber{&o.Rounds, maxCount}, "rounds", "how many rounds there are at least; without --duration, exactly")
	flags.Uint64Var(&o.Seed, "seed", 0, "decides what rounds do (default a random one)")
	flags.Var(&wholeNumber{&o.Round, maxCount}, "round", "the only round: once or, with --duration, again and again (default all)")
	flags.DurationVar(&o.Stall, "stall", 2*time.Minute, "`time` without anything done that is a violation")
	command.RunE = func(cmd *cobra.Command, _ []string) error {
		if o.Duration <= 0 || o.Stall < time.Second {
			return usageError{errors.New("soak: --duration must be positive, and --stall a second or more")}
		}
		if !flags.Changed("seed") {
			o.Seed = rand.Uint64()
		}
		if (o.Round > 0 || o.Rounds > 0) && !flags.Changed("duration") {
			o.Duration = 0
		}
		o.Progress = c.soakProgress(o.Duration)
		sum, err := soak.Run(cmd.Context(), o)
		if err != nil {
			return err
		}
		lost := errors.Join(c.print(soakText(&sum)), c.encode(sum))
		for _, v := range sum.Violations {
			c.progress.clear()
			fmt.Fprint(c.stderr, v.Details)
			return fmt.Errorf("soak: %w in round %d: %s\nto reproduce: %s", errViolation, v.Round, v.What, v.Reproduce)
		}
		return errors.Join(lost, cmd.Context().Err())
	}
	return command
}

// soakProgress returns a function that shows the progress of a soak that lasts for d.
func (c *streams) soakProgress(d time.Duration) func(soak.Summary) {
	var told time.Time
	return func(sum soak.Summary) {
		if sum.Round == 0 || c.progress.width == 0 && time.Since(told) < linesEvery {
			return
		}
		told = time.Now()
		text := fmt.Sprintf("soak with seed %d: round %d, %s", sum.Seed, sum.Round, sum.Elapsed.Round(time.Second))
		if d > 0 {
			text += fmt.Sprintf(" of %s", d)
		}
		if sum.RSS.End > 0 {
			text += fmt.Sprintf(", %s of memory", humanBytes(float64(sum.RSS.End)))
		}
		c.progress.step(text)
	}
}

// soakText returns the report of a soak as text.
func soakText(sum *soak.Summary) string {
	t := table{{"load", "runs", "tasks", "operations"}}
	for _, l := range sum.Loads {
		t = append(t, []string{l.Name, grouped(int(l.Runs)), grouped(int(l.Tasks)), grouped(int(l.Operations))})
	}
	memory := "unknown"
	if sum.RSS.Max > 0 {
		memory = fmt.Sprintf("%s after warming up, %s at the end, %s at most",
			humanBytes(float64(sum.RSS.Start)), humanBytes(float64(sum.RSS.End)), humanBytes(float64(sum.RSS.Max)))
		if !sum.RSS.Judged {
			memory += "; too few rounds to say whether it grows"
		}
	}
	violations := "no violation"
	if len(sum.Violations) > 0 {
		violations = "a violation"
	}
	title := fmt.Sprintf("Soak with seed %d, %s build: %s in %s, %s",
		sum.Seed, sum.Build, counted(sum.Rounds, "round", "rounds"), sum.Elapsed.Round(time.Second), violations)
	return title + "\n\n" + t.text() + "\n" + wrapped("resident memory: "+memory, columns)
}
