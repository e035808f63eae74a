package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/race"
)

// wrongSteps is a package with mistakes, which patterns such as ./... leave out.
//
// The tests that run go vet have it load this test binary for every package, the standard
// library's too. With the race detector that takes minutes, and each process has one goroutine:
// they end at once there.
const wrongSteps = "../../internal/analysis/steps/testdata/dropped"

func TestVetPrintsFindings(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	status, stdout, stderr := call(t, "vet", wrongSteps)
	require.Equal(t, exitFailure, status, stderr)
	require.Contains(t, stdout, filepath.Join("testdata", "dropped", "dropped.go")+":25:3: the Step of coro.Sleep is not returned")
	require.Contains(t, stdout, "write return coro.Sleep(…) (stepdropped)\n")
	require.Regexp(t, `^framearena: vet: \d+ findings\n$`, stderr)

	status, stdout, _ = call(t, "vet", "-json", wrongSteps)
	require.Equal(t, exitFailure, status)
	var document vetReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &document))
	require.NotEmpty(t, document.Findings)
	require.Equal(t, "stepdropped", document.Findings[0].Check)
	require.Equal(t, 25, document.Findings[0].Line)
}

// TestVetFindsMistakesInTasks has vet look at task functions, and at generated code.
func TestVetFindsMistakesInTasks(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	const wrong = "../../internal/analysis/tasks/testdata/"
	status, stdout, stderr := call(t, "vet", wrong+"group", wrong+"stale")
	require.Equal(t, exitFailure, status, stderr)
	require.Contains(t, stdout, filepath.Join("testdata", "group", "group.go")+":12:3: g.Go begins a child, and nothing waits for it")
	require.Contains(t, stdout, filepath.Join("testdata", "stale", "changed.go")+":1:9: changed_task.go was generated from another changed.go")
	require.Contains(t, stdout, "(taskgroup)\n")
	require.Contains(t, stdout, "(taskstale)\n")
}

func TestVetIsSilentOnCorrectPackages(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	status, stdout, stderr := call(t, "vet", "../../internal/workloads")
	require.Equal(t, exitSuccess, status, stdout+stderr)
	require.Empty(t, stdout+stderr)

	_, stdout, _ = call(t, "vet", "-json", "../../internal/workloads")
	require.JSONEq(t, `{"findings": []}`, stdout)
}

func TestVetPrintsCorrections(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	status, stdout, stderr := call(t, "vet", "-diff", wrongSteps)
	require.Equal(t, exitFailure, status, stderr)
	require.Contains(t, stdout, "+\t\treturn coro.Sleep(f, 1, time.Second)")
}

func TestVetCorrects(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	require.NoError(t, err)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	t.Chdir(t.TempDir())
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOPROXY", "off")
	module := "module fixed\n\ngo 1.26\n\nrequire github.com/framearena/framearena v0.0.0\n\n" +
		"replace github.com/framearena/framearena => " + strconv.Quote(root) + "\n"
	require.NoError(t, os.WriteFile("go.mod", []byte(module), 0o666))
	require.NoError(t, os.WriteFile("go.sum", sums, 0o666))
	const wrong = `package fixed

import "github.com/framearena/framearena/coro"

func step(f *coro.Frame[int, int]) coro.Step {
	if f.At() == 0 {
		coro.Yield(f, 1)
	}
	return f.Return(1)
}
`
	require.NoError(t, os.WriteFile("fixed.go", []byte(wrong), 0o666))
	status, stdout, stderr := call(t, "vet", "-fix")
	require.Equal(t, exitSuccess, status, stdout+stderr)
	right, err := os.ReadFile("fixed.go")
	require.NoError(t, err)
	require.Contains(t, string(right), "\t\treturn coro.Yield(f, 1)\n")
}

func TestVetIsATool(t *testing.T) {
	if race.Enabled {
		return // see wrongSteps
	}
	self, err := os.Executable()
	require.NoError(t, err)
	out, err := exec.Command("go", "vet", "-vettool="+self, wrongSteps).CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "the Step of coro.Sleep is not returned")

	out, err = exec.Command("go", "vet", "-vettool="+self, "-stepdropped=false", wrongSteps).CombinedOutput()
	require.NotContains(t, string(out), "coro.Sleep is not returned", err)
}

// TestPageHasAllChecks looks for each check on the page and in the help.
func TestPageHasAllChecks(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	_, help, _ := call(t, "help", "vet")
	for _, a := range analyzers() {
		require.Contains(t, string(text), "| `"+a.Name+"` | ")
		require.Contains(t, help, "  "+a.Name)
	}
}

func TestVetRefuses(t *testing.T) {
	status, _, stderr := call(t, "vet", "-json", "-fix", ".")
	require.Equal(t, exitUsage, status)
	require.Contains(t, stderr, "give one of them")

	status, _, stderr = call(t, "vet", "--", "-x")
	require.Equal(t, exitUsage, status)
	require.Contains(t, stderr, `"-x" is a flag, not a package`)

	status, stdout, stderr := call(t, "vet", "./no-such-package")
	require.Equal(t, exitFailure, status)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "no-such-package")

	if runtime.GOOS != "windows" {
		t.Setenv("PATH", "")
		_, _, stderr = call(t, "vet")
		require.Contains(t, stderr, "there is no go command in PATH")
	}
}
