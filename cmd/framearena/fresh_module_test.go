package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAFreshModule does what README says: its program, in a module of its own, runs before and after
// the documented commands, and the generated code is up to date.
func TestAFreshModule(t *testing.T) {
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	_, program, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found)
	program, _, _ = strings.Cut(program, "```")
	require.Contains(t, string(readme), "    go get -tool github.com/framearena/framearena/cmd/framearena\n    go tool framearena gen ./...\n")

	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	require.NoError(t, err)
	write("go.mod", "module fresh\n\ngo 1.26.0\n")
	write("go.sum", string(sums))
	write("main.go", program)
	env := append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
		return string(out)
	}
	run("go", "mod", "edit", "-require=github.com/framearena/framearena@v0.0.0", "-replace=github.com/framearena/framearena="+repository)
	env = append(env, "GOPROXY=off") // the module is this directory, not a version that is published
	run("go", "get", "-tool", "github.com/framearena/framearena/cmd/framearena")
	require.Equal(t, "385 <nil>\n", run("go", "run", "."))

	run("go", "tool", "framearena", "gen", "./...")
	require.FileExists(t, filepath.Join(dir, "main_task.go"))
	require.Equal(t, "385 <nil>\n", run("go", "run", "."))
	run("go", "vet", "./...")
}
