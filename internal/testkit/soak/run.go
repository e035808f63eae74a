package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Run soaks in a child process. The child is this program again: its main function must call
// [Child] if [IsChild]. Run returns when the time is over, at the first violation, which is in
// the summary, or when ctx ends, which is no error and leaves the current round incomplete. An
// error means that there was no soak. If this process dies, the child stops soon afterwards.
func Run(ctx context.Context, o Options) (Summary, error) {
	if o.Stall <= 0 {
		o.Stall = defaultStall
	}
	p, err := startChild(o)
	if err != nil {
		return Summary{}, fmt.Errorf("soak: %w", err)
	}
	last, silent := p.listen(ctx, o)
	ended := p.cmd.Wait()
	sum := last.Summary
	sum.Interrupted = ctx.Err() != nil
	printed := p.printed.String()
	switch {
	case last.Final && ended == nil:
		return sum, nil
	case sum.Interrupted && p.cmd.ProcessState.ExitCode() == childGaveUp:
		return sum, nil
	case sum.Round == 0:
		if ended == nil {
			ended = errors.New("it said nothing")
		}
		return sum, fmt.Errorf("soak: the child process ended early: %w\n%s", ended, printed)
	}
	what := fmt.Sprintf("the process has died: %v", p.cmd.ProcessState)
	if silent {
		what = fmt.Sprintf("the process said nothing any more, for %s", silenceOf(o))
	}
	sum.Violations = append(sum.Violations, Violation{Round: sum.Round, What: what, Details: printed, Reproduce: sum.reproduceRound()})
	return sum, nil
}

// child is a child process, seen from its parent.
type child struct {
	cmd      *exec.Cmd
	stdin    io.Closer
	messages chan message // closed when there are no more
	printed  beginning    // what the child writes to standard error; complete when it has ended
}

func startChild(o Options) (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(program), messages: make(chan message)}
	c.cmd.Env = append(append(os.Environ(), childVariable+"="+string(encoded)), o.env...)
	if os.Getenv("GORACE") == "" {
		c.cmd.Env = append(c.cmd.Env, "GORACE=halt_on_error=1") // a reported race ends the child
	}
	c.cmd.Stderr = &c.printed
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.messages)
		defer stdout.Close() // ends a child that still writes
		for d := json.NewDecoder(stdout); ; {
			var m message
			if d.Decode(&m) != nil { // the end of the output, or half a message of a child that died
				return
			}
			c.messages <- m
		}
	}()
	return c, nil
}

// silenceOf returns how long a child may write nothing. It is longer than what the child's own
// watchdog allows.
func silenceOf(o Options) time.Duration { return 2 * o.Stall }

// listen passes the child's messages on until the child has ended, and returns the last one. A
// child that writes nothing for too long gets a signal that makes it print its stacks and end.
func (c *child) listen(ctx context.Context, o Options) (last message, silent bool) {
	const ticks = 8
	ticker := time.NewTicker(silenceOf(o) / ticks) // counts ticks, as the watchdog does
	defer ticker.Stop()
	stop, quiet := ctx.Done(), 0
	for {
		select {
		case m, ok := <-c.messages:
			if !ok {
				return last, silent
			}
			last, quiet = m, 0
			if o.Progress != nil {
				o.Progress(m.Summary)
			}
		case <-stop:
			stop = nil
			_ = c.stdin.Close() // an error only says that the child has ended
		case <-ticker.C:
			switch quiet++; quiet {
			case ticks:
				silent = true
				_ = c.cmd.Process.Signal(syscall.SIGQUIT) // not on every system
			case ticks + 2:
				_ = c.cmd.Process.Kill()
			}
		}
	}
}

// beginning is a Writer that keeps the beginning of what is written. A program that crashes
// prints the reason first.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxStacks-len(b.kept))]...)
	return len(p), nil
}

func (b *beginning) String() string { return string(b.kept) }
