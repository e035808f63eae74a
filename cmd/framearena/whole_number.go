package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

// These limits catch typing mistakes before they use up all memory.
const (
	maxCount = 1_000_000_000
	maxCPU   = 1024
)

// wholeNumber is the value of a flag: a number from 1 to most. n holds the default at first,
// which may be 0.
type wholeNumber struct {
	n    *int
	most int
}

// Set parses the value of the flag. Its error says which values are allowed.
func (v *wholeNumber) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > v.most {
		return fmt.Errorf("must be a whole number from 1 to %d", v.most)
	}
	*v.n = n
	return nil
}

func (v *wholeNumber) String() string { return strconv.Itoa(*v.n) }

func (v *wholeNumber) Type() string { return "int" }

// addCPUFlag adds the flag --cpu, which sets n to the GOMAXPROCS of the measurement. n stays
// 0 without the flag.
func addCPUFlag(command *cobra.Command, n *int) {
	command.Flags().Var(&wholeNumber{n, maxCPU}, "cpu", "run with this GOMAXPROCS (default unchanged)")
}
