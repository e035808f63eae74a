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
	require.Equal(t, "\rtasks"+strings.Repeat(" ", 15), b.String(), "the rest of the old line is blanked")

	b.Reset()
	p.clear()
	require.Equal(t, "\r     \r", b.String(), "the cursor is at the start of an empty line")

	b.Reset()
	p.clear()
	require.Empty(t, b.String())
}

func TestProgressBar(t *testing.T) {
	var b bytes.Buffer
	p := &progress{w: &b, width: 80}
	for _, c := range []struct {
		done, total int
		want        string
	}{
		{0, 0, "\rchain"},
		{0, 3, "\r[--------------------] chain"},
		{1, 3, "\r[######--------------] chain"},
		{3, 3, "\r[####################] chain"},
		{4, 3, "\r[####################] chain"},
		{-1, 3, "\r[--------------------] chain"},
	} {
		b.Reset()
		p.part(c.done, c.total)
		p.step("chain")
		require.Equal(t, c.want, b.String())
	}
	b.Reset()
	p.part(1, 2)
	p.detail("heap")
	require.Equal(t, "\r[##########----------] chain: heap", b.String())

	b.Reset()
	narrow := &progress{w: &b, width: barWidth - 1}
	narrow.part(1, 2)
	narrow.step("chain")
	require.Equal(t, "\rchain", b.String(), "a narrow terminal shows the text without a bar")
}

func TestProgressElsewhereIsPlainLines(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	require.NoError(t, err)
	defer f.Close()
	p := newProgress(f)
	p.part(1, 2)
	p.step("chain: round 1")
	p.detail("owner's cache")
	p.step("tasks")
	p.clear()
	text, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	require.Equal(t, "chain: round 1\ntasks\n", string(text))
}
