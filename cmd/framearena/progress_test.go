package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressOnATerminalIsOneLine(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, width: 21}
	p.step("chain: round 1")
	require.Equal(t, "\rchain: round 1", b.String())

	b.Reset()
	p.detail("owner's cache")
	require.Equal(t, "\rchain: round 1: owne", b.String(), "cut before the last column")

	b.Reset()
	p.step("tasks")
	require.Equal(t, "\rtasks"+strings.Repeat(" ", 15), b.String(), "what was there is blanked")

	b.Reset()
	p.clear()
	require.Equal(t, "\r     \r", b.String(), "the cursor is at the start of an empty line")

	b.Reset()
	p.clear()
	require.Empty(t, b.String())
}

func TestProgressElsewhereIsPlainLines(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer f.Close()
	p := newProgress(f)
	p.step("chain: round 1")
	p.detail("owner's cache")
	p.step("tasks")
	p.clear()
	text, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.Equal(t, "chain: round 1\ntasks\n", string(text))
}
