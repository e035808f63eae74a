package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError returns the error of parsing the flags of a command. An error of package strconv or
// time about a value becomes a sentence that says which values the flag takes.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	var takes string
	switch f := invalid.GetFlag(); f.Value.Type() {
	case "bool":
		takes = "true or false"
	case "duration":
		takes = "a time, such as 90s, 10m or 1h30m"
	case "uint64":
		takes = "a whole number from 0 to " + strconv.FormatUint(1<<64-1, 10)
	default:
		return err // the error of a Value of this package
	}
	f := invalid.GetFlag()
	name := "--" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", " + name
	}
	return fmt.Errorf("invalid argument %q for %q flag: must be %s", invalid.GetValue(), name, takes)
}

// oneArgument accepts one argument. what is a noun with its article that says what it is.
func oneArgument(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("name %s", what)
		}
		return atMostOneArgument(what)(nil, args)
	}
}

// atMostOneArgument accepts one argument or none. An empty argument is none that names anything.
func atMostOneArgument(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > 1:
			return fmt.Errorf("one argument is expected, %s: %d were given", what, len(args))
		case len(args) == 1 && args[0] == "":
			return fmt.Errorf("the argument is empty: name %s, or leave it out where that is allowed", what)
		}
		return nil
	}
}
