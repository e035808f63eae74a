package pprofile

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProfileIsReadByPprof(t *testing.T) {
	p := New(time.Unix(1_700_000_000, 5), ValueType{"frames", "count"}, ValueType{"space", "bytes"})
	main := Frame{"main", "/src/main.go", 7}
	p.Add([]Frame{{"leaf", "/src/leaf.go", 300}, main}, []Label{{"kind", "leaf"}, {"root", "main"}}, 3, 1<<40)
	p.Add([]Frame{main}, nil, 1, 0)
	p.Add([]Frame{{"main", "/src/main.go", 9}, main}, nil, 0, 5)
	p.Add([]Frame{{"ünïcode \"quoted\"", "", 0}}, []Label{{"kind", ""}}, -4, 4)
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	file := filepath.Join(t.TempDir(), "profile.pb.gz")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	raw, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-raw", file).Output()
	require.NoError(t, err)
	var lines []string
	for l := range strings.Lines(string(raw)) {
		if l = strings.Join(strings.Fields(l), " "); !strings.HasPrefix(l, "Time:") {
			lines = append(lines, l)
		}
	}
	require.Equal(t, []string{
		"PeriodType:",
		"Period: 0",
		"Samples:",
		"frames/count[dflt] space/bytes",
		"3 1099511627776: 1 2",
		"kind:[leaf] root:[main]",
		"1 0: 2",
		"0 5: 3 2",
		"-4 4: 4",
		"Locations",
		"1: 0x0 M=1 leaf /src/leaf.go:300:0 s=0",
		"2: 0x0 M=1 main /src/main.go:7:0 s=0",
		"3: 0x0 M=1 main /src/main.go:9:0 s=0",
		"4: 0x0 M=1 ünïcode \"quoted\" :0:0 s=0",
		"Mappings",
		"1: 0x0/0x0/0x0",
	}, lines)
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestWriteTellsErrors(t *testing.T) {
	p := New(time.Now(), ValueType{"frames", "count"})
	require.ErrorIs(t, p.Write(full{}), errFull)
}
