package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/framearena/framearena/internal/testkit/replay"
	"github.com/spf13/cobra"
)

// traceFileArgument is the noun for error texts.
const traceFileArgument = "a trace's file, or - for standard input"

// traceArgument has the flags that limit the size of a trace, for subcommands that take one.
type traceArgument struct {
	operations int
	mebibytes  int
}

// addFlags adds the flags to a command, and sets their defaults.
func (a *traceArgument) addFlags(command *cobra.Command) {
	a.operations, a.mebibytes = 20_000_000, 1024
	command.Flags().Var(&wholeNumber{&a.operations, maxCount}, "max-operations", "most operations that a trace may have")
	command.Flags().Var(&wholeNumber{&a.mebibytes, 1 << 20}, "max-mib", "most MiB of frames that may be live at once")
}

func (a *traceArgument) limits() replay.Limits {
	return replay.Limits{Operations: a.operations, Bytes: uint64(a.mebibytes) << 20}
}

// read reads the trace in the file with the given name, or on standard input if the name
// is -. It returns the context's error when ctx ends, also while it waits for input.
func (a *traceArgument) read(ctx context.Context, c *streams, name string) (r *replay.Recording, err error) {
	var read *replay.Recording // not r: the function may still run when this method returns
	err = interruptible(ctx, 0, func() (err error) {
		read, err = a.readAll(c.stdin, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return read, nil
}

// readAll is read, without a context.
func (a *traceArgument) readAll(input io.Reader, name string) (*replay.Recording, error) {
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	r, err := replay.Read(input, a.limits())
	switch {
	case errors.Is(err, replay.ErrOperations):
		err = fmt.Errorf("%w: --max-operations sets the limit", err)
	case errors.Is(err, replay.ErrBytes):
		err = fmt.Errorf("%w: --max-mib sets the limit", err)
	}
	return r, err
}
