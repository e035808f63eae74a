package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// newTourCommand returns the command for the whole tour, which runs when no subcommand
// is named.
func newTourCommand(c *streams, contenders []contender) *cobra.Command {
	t := newTour(c, contenders)
	command := &cobra.Command{
		Use:   "framearena",
		Short: "What tasks on recycled arena frames cost",
		RunE:  func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context()) },
	}
	t.addChainFlags(command)
	t.addTasksFlags(command)
	addCPUFlag(command, &t.cpu)
	command.Flags().Func("only", "make one `part` of the tour: chain or tasks", func(s string) error {
		if s != onlyChain && s != onlyTasks {
			return errors.New("must be chain or tasks")
		}
		t.only = s
		return nil
	})
	must(command.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{onlyChain, onlyTasks}, cobra.ShellCompDirectiveNoFileComp)))
	return command
}

func newChainCommand(c *streams, contenders []contender) *cobra.Command {
	t := newTour(c, contenders)
	t.only = onlyChain
	command := &cobra.Command{
		Use:   "chain",
		Short: "The tour's first part: a chain of tasks, by source of frames",
		Long: `Chain runs tasks that await each other, 4 deep, with frames from several
allocators, and once more with a goroutine and a channel in place of each frame.
It prints the time and the heap allocations of a frame: medians of rounds that
take turns.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context()) },
	}
	t.addChainFlags(command)
	addCPUFlag(command, &t.cpu)
	return command
}

func newTasksCommand(c *streams) *cobra.Command {
	t := newTour(c, nil)
	t.only = onlyTasks
	command := &cobra.Command{
		Use:   "tasks",
		Short: "The tour's second part: suspended tasks beside parked goroutines",
		Long: `Tasks suspends many tasks, and parks as many goroutines, each sort in a process
of its own. It prints what one takes of time and memory, and how long a garbage
collection lasts while all are suspended.

Then it does the same for each form of launch and of wait: it prints the
resident memory and the Go heap that a waiting root takes, its objects on the Go
heap, and how long a garbage collection lasts while all roots wait.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.run(cmd.Context()) },
	}
	t.addTasksFlags(command)
	command.Flags().VarP(&wholeNumber{&t.roots, maxCount}, "roots", "n", "how many waiting roots of each form (default a tenth of --tasks)")
	addCPUFlag(command, &t.cpu)
	return command
}

func (t *tour) addChainFlags(command *cobra.Command) {
	command.Flags().VarP(&wholeNumber{&t.iterations, maxCount}, "iterations", "n", "iterations of the chain per round")
}

func (t *tour) addTasksFlags(command *cobra.Command) {
	command.Flags().Var(&wholeNumber{&t.tasks, maxCount}, "tasks", "how many tasks, and goroutines")
}

// must is for calls that fail only if this program contradicts itself.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
