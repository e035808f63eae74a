package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/framearena/framearena/internal/testkit/soak"
)

// Exit statuses.
const (
	exitSuccess     = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // the status that shells use for SIGINT
)

func main() {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(childMain(name, os.Args[1:], os.Stdout))
	}
	if soak.IsChild() {
		os.Exit(soak.Child())
	}
	if isVetTool(os.Args[1:]) {
		vetTool()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// Without this call a write to a closed pipe would end the process by a signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, chainContenders()))
}

// run runs the command and returns the exit status. It does not end the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, contenders []contender) int {
	out := &output{w: stdout}
	c := newStreams(stdin, out, stderr)
	c.ctx = ctx
	c.terminal = terminalWidth(stdout) > 0
	root := newRootCommand(c, contenders)
	root.SetArgs(doubleDashes(root, args))
	called, err := root.ExecuteContextC(ctx)
	c.progress.clear()
	switch lost := out.err(); {
	case lost == nil || errors.Is(err, errViolation):
	case errors.Is(lost, syscall.EPIPE): // the reader has what it wanted, as head has
		return exitSuccess
	case err == nil:
		err = lost
		c.began = true // an error of help is none of its arguments
	}
	status := exitStatus(err, c.began, ctx.Err() != nil)
	switch status {
	case exitSuccess:
	case exitInterrupted:
		fmt.Fprintln(stderr, "framearena: interrupted")
	case exitUsage:
		if unknown := (*unknownCommand)(nil); errors.As(err, &unknown) {
			fmt.Fprintf(stderr, "framearena: %v\n%s\n", err, unknown.hint)
			break
		}
		fmt.Fprintf(stderr, "framearena: %v\n\n%s", err, called.UsageString())
	default:
		fmt.Fprintf(stderr, "framearena: %v\n", err)
	}
	return status
}

// exitStatus returns the status for the error of a subcommand, or of the command line if no
// subcommand has begun. The status of a failed check is 1 even if the command was interrupted.
func exitStatus(err error, began, interrupted bool) int {
	switch {
	case err == nil:
		return exitSuccess
	case errors.Is(err, errViolation):
		return exitFailure
	case interrupted:
		return exitInterrupted
	case !began || errors.As(err, new(usageError)):
		return exitUsage
	default:
		return exitFailure
	}
}

// usageError is the error of a subcommand that has begun and then finds its flags or
// arguments wrong. Flags and arguments of the wrong form are errors before it begins.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }
