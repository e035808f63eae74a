package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// rootText is what help says about the command as a whole.
const rootText = `Framearena measures what tasks on recycled arena frames cost, and compares them
with the alternatives: a chain of tasks with frames from several allocators, and
many suspended tasks with as many parked goroutines. It takes about a
minute. Its subcommands run one part of that tour, or do something else.

With --json a command prints one JSON document, and nothing else, on standard
output. Flags of more than one letter may be written with one dash.

Exit status: 0 if all went well, 1 if a check or anything else failed, 2 for a
wrong flag, argument or value, 130 if interrupted.`

// newRootCommand returns the command with its subcommands.
func newRootCommand(c *streams, contenders []contender) *cobra.Command {
	root := newTourCommand(c, contenders)
	root.Long = rootText
	root.SilenceErrors, root.SilenceUsage = true, true // run prints them
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.Args = subcommandOnly
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", fmt.Sprintf("Flags.FlagUsagesWrapped %d ", columns)))
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().BoolVar(&c.json, "json", false, "print everything as one JSON document")
	root.PersistentPreRun = func(*cobra.Command, []string) { c.began = true }
	root.AddCommand(
		newChainCommand(c, contenders),
		newTasksCommand(c),
		newProgramsCommand(c),
		newReplayCommand(c),
		newMapCommand(c),
		newSoakCommand(c),
		newVetCommand(c),
		newGenCommand(c),
		newVersionCommand(c),
		newCompletionCommand(c),
	)
	root.SetHelpCommand(newHelpCommand())
	encodeHelp(c, root)
	return root
}
