package main

import (
	"bytes"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// completion is the JSON document of framearena completion.
type completion struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}

// completionScripts has a function for each shell that writes its completion script.
var completionScripts = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) },
	"fish":       func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
	"zsh":        (*cobra.Command).GenZshCompletion,
}

// newCompletionCommand returns a replacement for cobra's completion command, which has no
// JSON.
func newCompletionCommand(c *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a script that makes a shell complete arguments",
		Long: `Completion prints a script that makes a shell complete the subcommands and flags
of framearena. The shell is bash, fish, powershell or zsh. For the current
session:

  source <(framearena completion bash)
  source <(framearena completion zsh)
  framearena completion fish | source
  framearena completion powershell | Out-String | Invoke-Expression

For every session, put that line into the shell's start-up file. Bash needs the
package bash-completion; zsh needs "autoload -U compinit; compinit" before the
line.`,
		Args:      cobra.MatchAll(oneArgument("a shell: bash, fish, powershell or zsh"), cobra.OnlyValidArgs),
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
