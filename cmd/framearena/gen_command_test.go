package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const compileTestdata = "../../internal/compile/testdata"

func TestGenChecks(t *testing.T) {
	status, stdout, stderr := call(t, "gen", "-check", compileTestdata+"/golden")
	require.Equal(t, exitFailure, status, stdout+stderr)
	require.Contains(t, stdout, "session_task.go: not what gen would write\n")
	require.Equal(t, "framearena: gen: 1 file is not current: run framearena gen\n", stderr)

	status, stdout, stderr = call(t, "gen", "-check", "../../internal/compile/forms/other")
	require.Equal(t, exitSuccess, status, stdout+stderr)
	require.Empty(t, stdout+stderr)
}

func TestGenReportsFrames(t *testing.T) {
	_, stdout, _ := call(t, "gen", "-m", "-check", compileTestdata+"/golden")
	require.Contains(t, stdout, "session.go:14: session has frames of 128 bytes\n")
	require.Contains(t, stdout, "keeps in the frame: c, id, n, attempt; in the held part: nothing\n")
}

func TestGenRefuses(t *testing.T) {
	status, stdout, stderr := call(t, "gen", compileTestdata+"/refused")
	require.Equal(t, exitFailure, status, stdout+stderr)
	require.Contains(t, stdout, filepath.Join("refused", "refused.go")+":10:10: t can only be passed on")
	require.Regexp(t, `^framearena: gen: \d+ places cannot be compiled\n$`, stderr)

	_, stdout, _ = call(t, "gen", "-json", compileTestdata+"/refused")
	var document genReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &document))
	require.NotEmpty(t, document.Diagnostics)
	require.Equal(t, 10, document.Diagnostics[0].Line)
	require.Empty(t, document.Files)
}

// shownFrames finds what a page shows of gen -m: the package, and some of the lines.
var shownFrames = regexp.MustCompile(`(?m)^    \$ framearena gen -m (\./\S+)\n((?:    .*\n)+)`)

// Pages that show what gen -m prints show what it prints now.
func TestPagesShowFrames(t *testing.T) {
	t.Chdir("../..")
	pages, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	shown := map[string][]string{} // lines, by package
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, block := range shownFrames.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(block[2]) {
				shown[block[1]] = append(shown[block[1]], strings.TrimPrefix(line, "    "))
			}
		}
	}
	require.GreaterOrEqual(t, len(shown), 2, "the pages show nothing")
	status, stdout, stderr := call(t, append([]string{"gen", "-m", "-check"}, slices.Sorted(maps.Keys(shown))...)...)
	require.Equal(t, exitSuccess, status, stdout+stderr)
	printed := slices.Collect(strings.Lines(stdout))
	for pkg, lines := range shown {
		for _, line := range lines {
			require.Contains(t, printed, line, pkg)
		}
	}
}
