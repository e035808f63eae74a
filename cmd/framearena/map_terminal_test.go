//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// onTerminal returns what the command writes to a terminal.
func onTerminal(t *testing.T, args ...string) string {
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this system has no pseudo terminals: ", err)
	}
	defer control.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(control.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(control.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	terminal, err := os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	written := make(chan string)
	go func() {
		text, _ := io.ReadAll(control) // the error says that the terminal is closed
		written <- string(text)
	}()
	var stderr bytes.Buffer
	status := run(t.Context(), args, nil, terminal, &stderr, nil)
	require.NoError(t, terminal.Close())
	text := <-written
	require.Equal(t, exitSuccess, status, &stderr)
	return text
}

func TestMapOnATerminalIsText(t *testing.T) {
	text := onTerminal(t, "map")
	require.NotContains(t, text, "<svg")
	require.NotContains(t, text, "\x1b")
	require.Contains(t, text, "a demonstration, with seed 1")
	require.Contains(t, text, "█")
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, len([]rune(strings.TrimRight(line, "\r\n"))), 80)
	}
	require.True(t, strings.HasPrefix(onTerminal(t, "map", "-json"), "{"))

	file := t.TempDir() + "/a.svg"
	require.NotContains(t, onTerminal(t, "map", "-o", file), "█")
	drawn, err := os.ReadFile(file)
	require.NoError(t, err)
	require.True(t, bytes.HasPrefix(drawn, []byte("<svg ")))
}
