package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

const maxRounds = 1000

func newReplayCommand(c *streams) *cobra.Command {
	var trace traceArgument
	rounds, cpu := 7, 0
	command := &cobra.Command{
		Use:   "replay FILE",
		Short: "Play a recorded trace against every allocator, and recommend one",
		Long: `Replay plays a trace that arena.Trace recorded, from a file or, if that is -,
standard input, against every allocator: one operation after the other, without
the pauses of the record and on one goroutine, so it shows what allocating
costs, and not what waiting for others does. Times include the loop that plays,
the same for all, which makes ratios milder than they are.

Each frame is stamped, and the stamp looked for when the frame is freed.
An allocator is recommended if it is as fast as the fastest, within a tenth,
holds no more than twice the memory of the leanest and asks the least of its
user.`,
		Args: oneArgument(traceFileArgument),
		RunE: func(cmd *cobra.Command, args []string) error {
			recording, err := trace.read(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			if cpu > 0 {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cpu))
			}
			report, err := replayAll(cmd.Context(), recording, replayContenders(), trace.limits(), rounds, c.progress)
			if err != nil {
				return err
			}
			if err := c.print(report.text()); err != nil {
				return err
			}
			return c.encode(report)
		},
	}
	trace.addFlags(command)
	command.Flags().Var(&wholeNumber{&rounds, maxRounds}, "rounds", "rounds of which the median is taken")
	addCPUFlag(command, &cpu)
	return command
}
