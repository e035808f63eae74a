package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// unknownCommand is the error of a command line that names no command. The command prints it with
// one hint, and without the usage, which would hide it.
type unknownCommand struct{ text, hint string }

func (e *unknownCommand) Error() string { return e.text }

// noSuchCommand returns the error for a name that is no subcommand of root.
func noSuchCommand(root *cobra.Command, name, text string) error {
	e := &unknownCommand{text, fmt.Sprintf("%q lists the commands.", root.Name()+" help")}
	root.SuggestionsMinimumDistance = 2
	if name != "" {
		if similar := root.SuggestionsFor(name); len(similar) > 0 {
			e.hint = fmt.Sprintf("Did you mean %q?", root.Name()+" "+similar[0])
		}
	}
	return e
}

// subcommandOnly accepts no arguments: an argument of root is meant as the name of a subcommand.
func subcommandOnly(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return noSuchCommand(root, args[0], fmt.Sprintf("unknown command %q for %q", args[0], root.Name()))
}
