package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAWrongSubcommandIsOneErrorAndOneHint(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"pool"}, "framearena: unknown command \"pool\" for \"framearena\"\n\"framearena help\" lists the commands.\n"},
		{[]string{""}, "framearena: unknown command \"\" for \"framearena\"\n\"framearena help\" lists the commands.\n"},
		{[]string{"chian"}, "framearena: unknown command \"chian\" for \"framearena\"\nDid you mean \"framearena chain\"?\n"},
		{[]string{"-n", "5", "and", "-json"}, "framearena: unknown command \"and\" for \"framearena\"\n\"framearena help\" lists the commands.\n"},
		{[]string{"help", "pool"}, "framearena: there is no command \"pool\"\n\"framearena help\" lists the commands.\n"},
		{[]string{"help", "reply"}, "framearena: there is no command \"reply\"\nDid you mean \"framearena replay\"?\n"},
		{[]string{"help", ""}, "framearena: there is no command \"\"\n\"framearena help\" lists the commands.\n"},
		{[]string{"help", "chain", "pool"}, "framearena: there is no command \"chain pool\"\n\"framearena help\" lists the commands.\n"},
	} {
		status, stdout, stderr := call(t, c.args...)
		require.Equal(t, exitUsage, status, "%q", c.args)
		require.Empty(t, stdout, "%q", c.args)
		require.Equal(t, c.says, stderr, "%q", c.args)
	}
}
