package main

import (
	"os"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

func TestErrorsOfValuesSayWhatIsAllowed(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"soak", "--seed", "-1"}, `invalid argument "-1" for "--seed" flag: must be a whole number from 0 to 18446744073709551615`},
		{[]string{"soak", "--seed", ""}, `"" for "--seed" flag: must be a whole number`},
		{[]string{"soak", "-d", "long"}, `"long" for "-d, --duration" flag: must be a time, such as 90s`},
		{[]string{"soak", "--stall", "3"}, `"3" for "--stall" flag: must be a time`},
		{[]string{"chain", "--json=perhaps"}, `"perhaps" for "--json" flag: must be true or false`},
		{[]string{"map", "--dark=2"}, `"2" for "--dark" flag: must be true or false`},
		{[]string{"map", "-o", ""}, `--output "": the name is empty`},
		{[]string{"map", "-o", ".svg"}, `--output ".svg": the name has nothing before .svg`},
		{[]string{"map", ""}, "the argument is empty: name a trace's file"},
		{[]string{"map", "a", "b"}, "one argument is expected, a trace's file, or - for standard input: 2 were given"},
		{[]string{"replay"}, "name a trace's file, or - for standard input"},
		{[]string{"replay", ""}, "the argument is empty"},
		{[]string{"replay", "a", "b"}, "2 were given"},
		{[]string{"completion"}, "name a shell: bash, fish, powershell or zsh"},
		{[]string{"completion", "bash", "zsh"}, "2 were given"},
		{[]string{"completion", ""}, "the argument is empty"},
		{[]string{"help", ""}, `there is no command ""`},
		{[]string{"chain", ""}, `unknown command "" for "framearena chain"`},
		{[]string{""}, `unknown command "" for "framearena"`},
	} {
		status, stdout, stderr := call(t, c.args...)
		require.Equal(t, exitUsage, status, "%q", c.args)
		require.Empty(t, stdout, "%q", c.args)
		require.Contains(t, stderr, c.says, "%q", c.args)
		require.NotContains(t, stderr, "strconv", "%q", c.args)
		require.NotContains(t, stderr, "arg(s)", "%q", c.args)
	}
	files, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestErrorsOfLimitsNameTheFlag(t *testing.T) {
	many := traceFile(t, recordMix(t, 100, 1))
	large := traceFile(t, record(t, func(trace *arena.Trace) { trace.Allocate(2 << 20) }))
	for _, command := range []string{"replay", "map"} {
		_, _, stderr := call(t, command, many, "--max-operations", "50")
		require.Contains(t, stderr, "has more than 50 operations: --max-operations sets the limit\n")
		_, _, stderr = call(t, command, large, "--max-mib", "1")
		require.Contains(t, stderr, "more than 1048576 bytes are live: --max-mib sets the limit\n")
	}
}
