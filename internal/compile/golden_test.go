package compile

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the golden files should be")

// TestGolden shows what the output looks like, one construct a file, so that a change of it is seen in
// review.
func TestGolden(t *testing.T) {
	r, err := Run(Config{Patterns: []string{"./testdata/golden/..."}, NoLines: true})
	require.NoError(t, err)
	require.Empty(t, r.Diagnostics)
	sources, err := filepath.Glob("testdata/golden/constructs/*.go")
	require.NoError(t, err)
	require.Len(t, r.Outputs, len(sources)+1) // session.go, which has several
	for _, o := range r.Outputs {
		golden := o.Name + ".golden"
		if *update {
			require.NoError(t, os.WriteFile(golden, o.Text, 0o644))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err)
		require.Equal(t, string(want), string(o.Text), golden)
	}
}

// TestRefused checks that what cannot be compiled is refused at its line, and nothing else is.
func TestRefused(t *testing.T) {
	for _, name := range []string{"refused/refused.go", "frame_limits/frames.go", "predeclared/predeclared.go", "oldversion/oldversion.go"} {
		t.Run(name, func(t *testing.T) { checkRefused(t, "./testdata/"+name) })
	}
}

func checkRefused(t *testing.T, file string) {
	r, err := Run(Config{Patterns: []string{"./" + filepath.Dir(file)}})
	require.NoError(t, err)
	require.Empty(t, r.Outputs)
	src, err := os.ReadFile(file)
	require.NoError(t, err)
	got := map[int]string{}
	for _, d := range r.Diagnostics {
		got[d.Line] += d.Message
	}
	want := regexp.MustCompile(`// want "(.*)"`)
	for i, line := range strings.Split(string(src), "\n") {
		if m := want.FindStringSubmatch(line); m != nil {
			require.Regexp(t, m[1], got[i+1], "line %d", i+1)
		} else {
			require.Empty(t, got[i+1], "line %d", i+1)
		}
	}
}
