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

// Run soaks in a child process: this program again, whose main function must call [Child] if
// [IsChild]. It returns when the time is over, at the first violation, which is in the
// summary, or when ctx ends, which is no error: then the round that runs is not completed.
// The error says that there was no soak. The child does not outlive this process by more
// than what it takes to stop.
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
	printed  beginning    // on standard error; complete when the child has ended
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
		c.cmd.Env = append(c.cmd.Env, "GORACE=halt_on_error=1") // a race that is reported is a violation
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
		defer stdout.Close() // whoever goes on writing is ended by that
		for d := json.NewDecoder(stdout); ; {
			var m message
			if d.Decode(&m) != nil { // the end, or that of a child that dies
				return
			}
			c.messages <- m
		}
	}()
	return c, nil
}

// silenceOf returns how long a child may say nothing: its own watchdog comes first.
func silenceOf(o Options) time.Duration { return 2 * o.Stall }

// listen passes on what the child says until it has ended, and returns the last of it. A child
// that says nothing for too long is made to print its stacks and to end.
func (c *child) listen(ctx context.Context, o Options) (last message, silent bool) {
	const ticks = 8
	ticker := time.NewTicker(silenceOf(o) / ticks) // as that of the watchdog
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
			_ = c.stdin.Close() // it may have ended
		case <-ticker.C:
			switch quiet++; quiet {
			case ticks:
				silent = true
				_ = c.cmd.Process.Signal(syscall.SIGQUIT) // not everywhere
			case ticks + 2:
				_ = c.cmd.Process.Kill()
			}
		}
	}
}

// beginning is a Writer that keeps the beginning of what is written: where a program that
// crashes says why.
type beginning struct{ kept []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(len(p), maxStacks-len(b.kept))]...)
	return len(p), nil
}

func (b *beginning) String() string { return string(b.kept) }
