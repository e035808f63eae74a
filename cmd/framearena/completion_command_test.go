package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompletionScripts(t *testing.T) {
	for shell := range completionScripts {
		status, script, stderr := call(t, "completion", shell)
		require.Equal(t, exitSuccess, status, stderr)
		require.Contains(t, script, "framearena")

		_, stdout, _ := call(t, "completion", shell, "-json")
		var document completion
		require.NoError(t, json.Unmarshal([]byte(stdout), &document))
		require.Equal(t, completion{Shell: shell, Script: script}, document)
	}
}

func TestBashTakesItsScript(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	_, script, _ := call(t, "completion", "bash")
	check := exec.Command(bash, "-n")
	check.Stdin = strings.NewReader(script)
	out, err := check.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// TestCompletions makes the requests that the scripts make.
func TestCompletions(t *testing.T) {
	for _, c := range []struct {
		args []string
		has  []string
	}{
		{[]string{"ch"}, []string{"chain\t"}},
		{[]string{"--on"}, []string{"--only\t"}},
		{[]string{"--only", ""}, []string{"chain\n", "tasks\n"}},
		{[]string{"completion", ""}, []string{"bash\n", "fish\n", "powershell\n", "zsh\n"}},
		{[]string{"help", ""}, []string{"chain\t", "tasks\t"}},
	} {
		status, stdout, stderr := call(t, append([]string{"__complete"}, c.args...)...)
		require.Equal(t, exitSuccess, status, stderr)
		for _, has := range c.has {
			require.Contains(t, stdout, has, "%q", c.args)
		}
	}
}
