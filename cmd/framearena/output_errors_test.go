//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// outputs are calls of every subcommand that print something and end soon.
var outputs = map[string][]string{
	"chain":      {"chain", "-n", "1"},
	"chain JSON": {"chain", "-n", "1", "-json"},
	"help":       {"help"},
	"help JSON":  {"help", "-json"},
	"-h":         {"-h"},
	"chain -h":   {"chain", "-h"},
	"chain -h J": {"chain", "-h", "-json"},
	"map":        {"map"},
	"map JSON":   {"map", "-json"},
	"version":    {"version"},
	"completion": {"completion", "bash"},
	"__complete": {"__complete", ""},
	"soak":       {"soak", "-round", "1", "-seed", "5"},
}

// TestFullDevice writes to a device that is full: each subcommand fails with status 1.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	for name, args := range outputs {
		var stderr bytes.Buffer
		status := run(t.Context(), args, nil, full, &stderr, chainContenders())
		require.Equal(t, exitFailure, status, "%s: %s", name, &stderr)
		require.Contains(t, stderr.String(), "no space left on device", name)
	}
	link := filepath.Join(t.TempDir(), "full.svg")
	require.NoError(t, os.Symlink("/dev/full", link))
	status, _, stderr := call(t, "map", "-o", link)
	require.Equal(t, exitFailure, status)
	require.Contains(t, stderr, "no space left on device")
}

// TestClosedPipe writes to a pipe whose reader has gone: each subcommand ends in silence with
// status 0, as if the reader had read everything.
func TestClosedPipe(t *testing.T) {
	for name, args := range outputs {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), commandVariable+"=1")
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = w, &stderr
		err = cmd.Run()
		require.NoError(t, w.Close())
		require.NoError(t, err, name)
		require.NotContains(t, stderr.String(), syscall.EPIPE.Error(), name)
	}
}
