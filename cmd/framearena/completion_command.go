package main

import (
	"bytes"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// completion is the document that completion --json prints.
type completion struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

// completionScripts write what makes a shell complete the command's arguments.
var completionScripts = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	"zsh":        (*cobra.Command).GenZshCompletion,
}

// newCompletionCommand stands in for cobra's own, which has no JSON.
func newCompletionCommand(c *console) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "A script that makes bash, fish, powershell or zsh complete arguments",
		Long: `Completion prints a script that makes a shell complete the subcommands and flags
of framearena. The shell is bash, fish, powershell or zsh. For the session:

  source <(framearena completion bash)
  source <(framearena completion zsh)
  framearena completion fish | source
  framearena completion powershell | Out-String | Invoke-Expression

For every session, put that line into the shell's start-up file. In bash it needs
the package bash-completion, in zsh "autoload -U compinit; compinit" before it.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: slices.Sorted(maps.Keys(completionScripts)),
		RunE: func(cmd *cobra.Command, args []string) error {
			var script bytes.Buffer
			if err := completionScripts[args[0]](cmd.Root(), &script); err != nil {
				return err
			}
			if err := c.print(script.String()); err != nil {
				return err
			}
			return c.encode(completion{Shell: args[0], Script: script.String()})
		},
	}
}
