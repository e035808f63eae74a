package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/testkit/soak"
	"github.com/framearena/framearena/internal/workloads/waiting"
)

// commandVariable makes the test binary run as the command.
const commandVariable = "FRAMEARENA_TEST_COMMAND"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childModeVariable); mode != "" && os.Getenv(childVariable) != "" {
		os.Exit(strangeChild(mode))
	}
	if soak.IsChild() {
		soak.Shrink()
		soak.Plant(soak.Fault(os.Getenv(plantVariable)))
	}
	if soak.IsChild() || os.Getenv(childVariable) != "" || os.Getenv(commandVariable) != "" || isVetTool(os.Args[1:]) {
		main()
	}
	// Without this a child of a build with -race sleeps for a second before it exits, and there are
	// many of them.
	os.Setenv("GORACE", os.Getenv("GORACE")+" atexit_sleep_ms=0")
	os.Exit(m.Run())
}

// call runs the command in this process.
func call(t *testing.T, args ...string) (status int, stdout, stderr string) {
	return callWith(t, chainContenders(), args...)
}

func callWith(t *testing.T, contenders []contender, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &out, &err, contenders)
	return status, out.String(), err.String()
}

func TestWrongCallsSayWhatAndHow(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"-n", "0"}, `"0" for "-n, --iterations" flag: must be a whole number from 1 to 1000000000`},
		{[]string{"-n", "-3"}, `"-3" for "-n, --iterations" flag`},
		{[]string{"--n", "many"}, `"many" for "-n, --iterations" flag`},
		{[]string{"-n", "99999999999999999999"}, `for "-n, --iterations" flag`},
		{[]string{"-n"}, "flag needs an argument: 'n' in -n"},
		{[]string{"-tasks"}, "flag needs an argument: --tasks"},
		{[]string{"-tasks", "0"}, `"0" for "--tasks" flag`},
		{[]string{"-tasks", "-1"}, `"-1" for "--tasks" flag`},
		{[]string{"-tasks=1e6"}, `"1e6" for "--tasks" flag`},
		{[]string{"-cpu", "0"}, `"0" for "--cpu" flag`},
		{[]string{"-cpu", "1000000"}, `"1000000" for "--cpu" flag: must be a whole number from 1 to 1024`},
		{[]string{"-only", "pool"}, `"pool" for "--only" flag: must be chain or tasks`},
		{[]string{"-only", ""}, `"" for "--only" flag`},
		{[]string{"-json=perhaps"}, `"perhaps" for "--json" flag`},
		{[]string{"--fast"}, "unknown flag: --fast"},
		{[]string{"-fast"}, "unknown shorthand flag: 'f' in -fast"},
		{[]string{"chain", "fast"}, `unknown command "fast" for "framearena chain"`},
		{[]string{"chain", "-tasks", "5"}, "unknown flag: --tasks"},
		{[]string{"tasks", "-n", "0"}, `"0" for "-n, --roots" flag: must be a whole number from 1 to 1000000000`},
		{[]string{"tasks", "--n=many"}, `"many" for "-n, --roots" flag`},
		{[]string{"version", "2"}, `unknown command "2" for "framearena version"`},
		{[]string{"completion"}, "name a shell: bash, fish, powershell or zsh"},
		{[]string{"completion", "csh"}, `invalid argument "csh" for "framearena completion"`},
	} {
		status, stdout, stderr := call(t, c.args...)
		require.Equal(t, exitUsage, status, "%q", c.args)
		require.Empty(t, stdout, "%q", c.args)
		require.Contains(t, stderr, c.says, "%q", c.args)
		require.Contains(t, stderr, "\nUsage:\n  framearena", "%q", c.args)
	}
}

func TestUsageIsThatOfTheSubcommand(t *testing.T) {
	_, _, stderr := call(t, "chain", "--fast")
	require.Contains(t, stderr, "Usage:\n  framearena chain [flags]\n")
}

func TestFlagsHaveTheDefaultsThatHelpNames(t *testing.T) {
	_, stdout, _ := call(t, "-h")
	tour := newTour(nil, nil)
	require.Regexp(t, `-n, --iterations int .*\(default 30000\)`, stdout)
	require.Equal(t, 30_000, tour.iterations)
	require.Regexp(t, `--tasks int .*\(default 1000000\)`, stdout)
	require.Equal(t, 1_000_000, tour.tasks)
}

func TestTables(t *testing.T) {
	status, stdout, stderr := call(t, "-n", "20", "-tasks", "200")
	require.Equal(t, exitSuccess, status, stderr)
	for _, c := range chainContenders() {
		require.Contains(t, stdout, c.title)
	}
	for _, s := range crowdSorts {
		require.Contains(t, stdout, s.title)
	}
	for _, form := range waiting.Forms {
		require.Contains(t, stdout, form.Title)
	}
	require.NotContains(t, stdout+stderr, "\r", "only a terminal gets redrawn lines")
	require.Contains(t, stderr, "chain: round 1 of 7\n")
	require.Contains(t, stderr, "200 suspended tasks\n")
}

func TestJSON(t *testing.T) {
	status, stdout, stderr := call(t, "-json", "-n", "100", "-tasks", "3000", "-cpu", "1")
	require.Equal(t, exitSuccess, status, stderr)
	var r report
	d := json.NewDecoder(bytes.NewBufferString(stdout))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&r), stdout)
	require.False(t, d.More(), "one document")

	require.Equal(t, 1, r.Machine.GOMAXPROCS)
	require.NotEmpty(t, r.Machine.Go)
	require.Equal(t, 100, r.Chain.Iterations)
	require.Equal(t, 66, r.Chain.FramesPerIteration)
	require.Len(t, r.Chain.Rows, len(chainContenders()))
	rows := make(map[string]chainRow)
	for i, c := range chainContenders() {
		row := r.Chain.Rows[i]
		require.Equal(t, c.name, row.Name)
		require.Equal(t, c.title, row.Title)
		require.Len(t, row.Rounds, chainRounds)
		rows[c.name] = row
	}
	require.Less(t, rows["cache"].AllocsPerFrame, 0.1)
	require.GreaterOrEqual(t, rows["heap"].AllocsPerFrame, 1.0)
	require.GreaterOrEqual(t, rows["goroutine"].AllocsPerFrame, 1.0)

	require.Equal(t, 3000, r.Tasks.Activities)
	require.Len(t, r.Tasks.Rows, len(crowdSorts))
	for i, s := range crowdSorts {
		require.Equal(t, s.name, r.Tasks.Rows[i].Name)
		require.Equal(t, s.title, r.Tasks.Rows[i].Title)
		require.NotEmpty(t, r.Tasks.Rows[i].MemorySource)
	}

	require.Equal(t, 300, r.Waiting.Roots)
	require.Len(t, r.Waiting.Rows, len(waiting.Forms))
	for i, form := range waiting.Forms {
		row := r.Waiting.Rows[i]
		require.Equal(t, form.Name, row.Name)
		require.Equal(t, form.Group, row.Group)
		require.Equal(t, form.Title, row.Title)
		require.NotEmpty(t, row.MemorySource)
		require.Positive(t, row.GCWaitingNs)
	}
}

func TestOneTourPart(t *testing.T) {
	for _, c := range []struct {
		args         []string
		chain, tasks bool
	}{
		{[]string{"-json", "-n", "10", "-tasks", "100", "-only", "chain"}, true, false},
		{[]string{"-json", "-n", "10", "-tasks", "100", "-only=tasks"}, false, true},
		{[]string{"chain", "-n", "10", "-json"}, true, false},
		{[]string{"-json", "tasks", "-tasks", "100", "-n", "5", "-cpu", "1"}, false, true},
	} {
		status, stdout, stderr := call(t, c.args...)
		require.Equal(t, exitSuccess, status, stderr)
		var r report
		require.NoError(t, json.Unmarshal([]byte(stdout), &r))
		require.Equal(t, c.chain, r.Chain != nil)
		require.Equal(t, c.tasks, r.Tasks != nil)
		require.Equal(t, c.tasks, r.Waiting != nil)
	}
}

func TestInterruptedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, only := range []string{onlyChain, onlyTasks} {
		var stdout, stderr bytes.Buffer
		status := run(ctx, []string{"-only", only, "-json"}, strings.NewReader(""), &stdout, &stderr, chainContenders())
		require.Equal(t, exitInterrupted, status)
		require.Empty(t, stdout.String())
		require.Contains(t, stderr.String(), "framearena: interrupted\n")
	}
}

// fullDisk is a writer that always fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestLostOutputIsAFailure(t *testing.T) {
	for _, args := range [][]string{{"-only", "chain", "-n", "1"}, {"-only", "chain", "-n", "1", "-json"}} {
		var stderr bytes.Buffer
		status := run(t.Context(), args, strings.NewReader(""), fullDisk{}, &stderr, chainContenders())
		require.Equal(t, exitFailure, status)
		require.Contains(t, stderr.String(), "no space left")
	}
}
