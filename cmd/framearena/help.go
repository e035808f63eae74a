package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help is the JSON document that describes a command.
type help struct {
	Command     string        `json:"command"`
	About       string        `json:"about"`
	Usage       string        `json:"usage"`
	Flags       []helpFlag    `json:"flags"`
	Subcommands []helpCommand `json:"subcommands"`
}

// helpFlag describes a flag.
type helpFlag struct {
	Name      string `json:"name"`
	Shorthand string `json:"shorthand"`
	Type      string `json:"type"`
	Default   string `json:"default"`
	About     string `json:"about"`
}

// helpCommand describes a subcommand in one line.
type helpCommand struct {
	Name  string `json:"name"`
	About string `json:"about"`
}

// helpOf returns the description of a command.
func helpOf(command *cobra.Command) help {
	h := help{
		Command:     command.CommandPath(),
		About:       command.Short,
		Usage:       command.UseLine(),
		Flags:       []helpFlag{},
		Subcommands: []helpCommand{},
	}
	visit := func(f *pflag.Flag) {
		h.Flags = append(h.Flags, helpFlag{f.Name, f.Shorthand, f.Value.Type(), f.DefValue, f.Usage})
	}
	command.LocalFlags().VisitAll(visit)
	command.InheritedFlags().VisitAll(visit)
	for _, sub := range command.Commands() {
		if sub.IsAvailableCommand() {
			h.Subcommands = append(h.Subcommands, helpCommand{sub.Name(), sub.Short})
		}
	}
	return h
}

// encodeHelp makes every command print its help as JSON if --json is given.
func encodeHelp(c *streams, root *cobra.Command) {
	text := root.HelpFunc()
	root.SetHelpFunc(func(command *cobra.Command, args []string) {
		if c.json {
			_ = c.encode(helpOf(command)) // a help function of cobra returns no error
			return
		}
		text(command, args)
	})
}

// newHelpCommand returns a replacement for cobra's help command, which accepts names that
// are no commands.
func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Describe a command",
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
			if len(args) == 0 {
				for _, sub := range cmd.Root().Commands() {
					names = append(names, cobra.CompletionWithDesc(sub.Name(), sub.Short))
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			about, left, err := cmd.Root().Find(args)
			if err != nil || len(left) > 0 {
				name := strings.Join(args, " ")
				return usageError{noSuchCommand(cmd.Root(), name, fmt.Sprintf("there is no command %q", name))}
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}
