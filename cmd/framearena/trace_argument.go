package main

import (
	"io"
	"os"

	"github.com/framearena/framearena/internal/replay"
	"github.com/spf13/cobra"
)

// traceArgument is a trace that a subcommand is given, and how large it may be.
type traceArgument struct {
	operations int
	mebibytes  int
}

func (a *traceArgument) addFlags(command *cobra.Command) {
	a.operations, a.mebibytes = 20_000_000, 1024
	command.Flags().Var(&wholeNumber{&a.operations, maxCount}, "max-operations", "how many operations a trace may have")
	command.Flags().Var(&wholeNumber{&a.mebibytes, 1 << 20}, "max-mib", "how many MiB of frames may be live at once")
}

func (a *traceArgument) limits() replay.Limits {
	return replay.Limits{Operations: a.operations, Bytes: uint64(a.mebibytes) << 20}
}

// read reads the trace that a file holds, or standard input if its name is -.
func (a *traceArgument) read(c *console, name string) (*replay.Recording, error) {
	var input io.Reader = c.stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	return replay.Read(input, a.limits())
}
