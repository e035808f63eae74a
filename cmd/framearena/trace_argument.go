package main

import (
	"io"
	"os"

	"github.com/framearena/framearena/internal/testkit/replay"
	"github.com/spf13/cobra"
)

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
// is -.
func (a *traceArgument) read(c *streams, name string) (*replay.Recording, error) {
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
