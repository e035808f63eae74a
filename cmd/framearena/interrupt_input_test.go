//go:build unix

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The first signal ends a command that waits for input or output which does not come.
func TestFirstSignalEndsACommandThatIsBlocked(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo.svg")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	for name, args := range map[string][]string{
		"replay, standard input": {"replay", "-"},
		"map, standard input":    {"map", "-"},
		"replay, FIFO":           {"replay", fifo},
		"map, to a FIFO":         {"map", "-o", fifo},
	} {
		for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(name+", "+s.String(), func(t *testing.T) {
				const killed = -1 // by a signal that came before the command had begun
				rest, status := "", killed
				for wait := 500 * time.Millisecond; status == killed && wait < time.Minute; wait *= 2 {
					p := prepare(t, args...)
					in, err := p.cmd.StdinPipe()
					require.NoError(t, err)
					defer in.Close()
					require.NoError(t, p.cmd.Start())
					time.Sleep(wait)
					require.NoError(t, p.cmd.Process.Signal(s))
					rest, status = p.end(t)
				}
				require.Equal(t, exitInterrupted, status)
				require.Equal(t, "framearena: interrupted\n", rest)
			})
		}
	}
}

// blockedWriter is a pipe that nobody reads.
type blockedWriter struct{ begun func() }

func (w blockedWriter) Write([]byte) (int, error) {
	w.begun()
	select {}
}

func TestFirstSignalEndsACommandWhoseOutputIsBlocked(t *testing.T) {
	for _, args := range [][]string{{"map"}, {"map", "-json"}, {"version"}} {
		ctx, interrupt := context.WithCancel(t.Context())
		var stderr bytes.Buffer
		status := run(ctx, args, nil, blockedWriter{interrupt}, &stderr, nil)
		require.Equal(t, exitInterrupted, status)
		require.Equal(t, "framearena: interrupted\n", stderr.String())
	}
}
