package arena_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the race detector says of frames, in programs of their own that are built
// with it, however this test was built.
func TestRaceDetectorSeesFrames(t *testing.T) {
	program := buildWithRaceDetector(t, "./testdata/race")
	for _, s := range []struct {
		name     string
		reported bool
	}{
		{"small frame", true},
		{"middle frame", true},
		{"large frame", true},
		{"late write", true},
		{"channel", false},
		{"caches", false},
		{"arena", false},
		{"crowd", false},
	} {
		t.Run(s.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, s.name)
			// The detector may miss two accesses that happen in the same instant, which
			// does not happen on one P.
			procs := "GOMAXPROCS=4"
			if s.reported {
				procs = "GOMAXPROCS=1"
			}
			cmd.Env = append(os.Environ(), "GORACE=exitcode=66 atexit_sleep_ms=0", procs)
			output, err := cmd.CombinedOutput()
			if s.reported {
				require.Contains(t, string(output), "WARNING: DATA RACE")
				require.ErrorContains(t, err, "exit status 66")
				return
			}
			require.NoError(t, err, "%s", output)
			require.Equal(t, "done\n", string(output))
		})
	}
}

// buildWithRaceDetector builds the command in the folder for the machine at hand
// and returns the program's path. The test is skipped where there is no race
// detector.
func buildWithRaceDetector(t *testing.T, folder string) string {
	t.Helper()
	goos, goarch := goEnv(t, "GOHOSTOS"), goEnv(t, "GOHOSTARCH")
	program := filepath.Join(t.TempDir(), "program.exe")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-race", "-o", program, folder)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch, "CGO_ENABLED=1")
	output, err := cmd.CombinedOutput()
	for _, lacking := range []string{"C compiler", "-race requires cgo", "-race is not supported"} {
		if err != nil && strings.Contains(string(output), lacking) {
			t.Skipf("no race detector here: %s", output)
		}
	}
	require.NoError(t, err, "%s", output)
	return program
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(output))
}
