package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses.
const (
	exitSuccess     = 0
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as shells have it for SIGINT
)

func main() {
	if name := os.Getenv(childVariable); name != "" {
		os.Exit(childMain(name, os.Args[1:], os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr, chainContenders()))
}

// run is the command without its process: it returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, contenders []contender) int {
	options, err := parseOptions(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, usage)
		return exitSuccess
	}
	if err != nil {
		fmt.Fprintf(stderr, "framearena: %v\n\n%s", err, usage)
		return exitUsage
	}
	t := tour{options: options, contenders: contenders, stdout: stdout, stderr: stderr, progress: newProgress(stderr)}
	err = t.run(ctx)
	t.progress.clear()
	switch {
	case err == nil:
		return exitSuccess
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "framearena: interrupted")
		return exitInterrupted
	default:
		fmt.Fprintf(stderr, "framearena: %v\n", err)
		return exitFailure
	}
}
