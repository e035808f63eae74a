package main

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
)

// Limits catch slips of the finger before they take all memory.
const (
	maxCount = 1_000_000_000
	maxCPU   = 1024
)

// wholeNumber is the value of a flag: a number from 1 to most, or the default.
type wholeNumber struct {
	n    *int
	most int
}

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

// addCPUFlag adds the flag for the GOMAXPROCS to measure with; 0 leaves it alone.
func addCPUFlag(command *cobra.Command, n *int) {
	command.Flags().Var(&wholeNumber{n, maxCPU}, "cpu", "run with this GOMAXPROCS (default unchanged)")
}
