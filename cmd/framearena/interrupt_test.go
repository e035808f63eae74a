//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is the command in a process of its own.
type process struct {
	cmd    *exec.Cmd
	stderr *bufio.Reader
}

// start starts the command. If the command starts a child, the child hangs.
func start(t *testing.T, args ...string) *process {
	p := prepare(t, args...)
	require.NoError(t, p.cmd.Start())
	return p
}

// prepare returns the process of a command that is not started yet.
func prepare(t *testing.T, args ...string) *process {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandVariable+"=1", childModeVariable+"="+childHangs)
	stderr, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, stderr.(*os.File).SetReadDeadline(time.Now().Add(15*time.Second)))
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	return &process{cmd: cmd, stderr: bufio.NewReader(stderr)}
}

// waitFor reads standard error up to a line that contains text.
func (p *process) waitFor(t *testing.T, text string) {
	for {
		line, err := p.stderr.ReadString('\n')
		require.NoError(t, err)
		if strings.Contains(line, text) {
			return
		}
	}
}

// end returns the rest of standard error and the exit status. A child has the same standard
// error, so end returns only when the child has ended too.
func (p *process) end(t *testing.T) (rest string, status int) {
	var b strings.Builder
	_, err := p.stderr.WriteTo(&b)
	require.NoError(t, err, "a process is still running")
	_ = p.cmd.Wait()
	return b.String(), p.cmd.ProcessState.ExitCode()
}

func TestInterruptionEndsTheChild(t *testing.T) {
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		p := start(t, "-only", "tasks")
		p.waitFor(t, childIsUp)
		require.NoError(t, p.cmd.Process.Signal(s))
		rest, status := p.end(t)
		require.Equal(t, exitInterrupted, status)
		require.Equal(t, "framearena: interrupted\n", rest)
	}
}

func TestInterruptionEndsTheChain(t *testing.T) {
	p := start(t, "-only", "chain", "-n", "1000000000")
	p.waitFor(t, "chain: round 1")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	rest, status := p.end(t)
	require.Equal(t, exitInterrupted, status)
	require.Equal(t, "framearena: interrupted\n", rest)
}

func TestChildDoesNotOutliveAKilledParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("this system does not kill the child; see dieWithParent")
	}
	p := start(t, "-only", "tasks")
	p.waitFor(t, childIsUp)
	require.NoError(t, p.cmd.Process.Kill())
	p.end(t)
}

func TestInterruptionEndsAReplay(t *testing.T) {
	p := start(t, "replay", "-rounds", "1000", traceFile(t, recordMix(t, 3000, 1)))
	p.waitFor(t, "replay: round 1 of")
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	rest, status := p.end(t)
	require.Equal(t, exitInterrupted, status)
	require.NotContains(t, rest, "panic")
	require.True(t, strings.HasSuffix(rest, "framearena: interrupted\n"), rest)
}
