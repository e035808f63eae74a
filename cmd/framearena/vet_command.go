package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/framearena/framearena/internal/analysis/steps"
	"github.com/framearena/framearena/internal/analysis/tasks"
)

// isVetTool reports whether the arguments are those of the protocol between go vet and its
// tool: what the tool is, which flags it has, and the description of one package.
func isVetTool(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	for _, arg := range args[:len(args)-1] {
		if !strings.HasPrefix(arg, "-") {
			return false
		}
	}
	return last == "-flags" || last == "-V=full" || filepath.Base(last) == "vet.cfg"
}

// vetTool analyzes one package for go vet. It ends the process.
func vetTool() { unitchecker.Main(analyzers()...) }

// analyzers returns the checks of framearena vet.
func analyzers() []*analysis.Analyzer { return append(tasks.Analyzers(), steps.Analyzers()...) }

// vetReport is the JSON document of framearena vet.
type vetReport struct {
	Findings []finding `json:"findings"`
}

// finding is a mistake in a task function or a step function.
type finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Check   string `json:"check"`
	Message string `json:"message"`
}

// vetFlags has the flags of framearena vet.
type vetFlags struct {
	tags      string
	fix, diff bool
}

func newVetCommand(c *streams) *cobra.Command {
	var flags vetFlags
	command := &cobra.Command{
		Use:   "vet [PACKAGE...]",
		Short: "Find mistakes in task functions and step functions",
		Long:  vetText(),
		RunE: func(cmd *cobra.Command, packages []string) error {
			if len(packages) == 0 {
				packages = []string{"."}
			}
			if i := slices.IndexFunc(packages, func(s string) bool { return strings.HasPrefix(s, "-") }); i >= 0 {
				return usageError{fmt.Errorf("%q is a flag, not a package: only packages may follow --", packages[i])}
			}
			if flags.fix || flags.diff {
				if c.json {
					return usageError{errors.New("--json reports findings; --fix and --diff report none: give one of them")}
				}
				return flags.repair(cmd.Context(), c, packages)
			}
			return flags.report(cmd.Context(), c, packages)
		},
	}
	command.Flags().StringVar(&flags.tags, "tags", "", "build tags, separated by commas")
	command.Flags().BoolVar(&flags.fix, "fix", false, "correct what has one obvious correction, and print nothing")
	command.Flags().BoolVar(&flags.diff, "diff", false, "print what --fix would change")
	return command
}

// vetText returns what help says about framearena vet.
func vetText() string {
	var b strings.Builder
	b.WriteString(`Vet finds mistakes in task functions, and in steps that are written by hand, that compile
and go wrong when they run:

`)
	for _, a := range analyzers() {
		about, _, _ := strings.Cut(a.Doc, "\n")
		fmt.Fprintf(&b, "  %-14s %s\n", a.Name, about)
	}
	b.WriteString(`
It analyzes the packages, with their tests, by go vet. A line that is wrong on
purpose has the comment //framearena:ignore, with the reason behind it, on it or
before it. Exit status 1 means that there are findings.

The command is a tool for go vet as well. With the flags of go vet, single checks
can be selected or left out:

  go vet -vettool=$(which framearena) -taskblocks ./...
  go vet -vettool=$(which framearena) -stepresume=false ./...`)
	return b.String()
}

// goVet returns the command go vet with this program as its tool.
func (f *vetFlags) goVet(ctx context.Context, c *streams, packages []string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("vet: %w", err)
	}
	args = append([]string{"vet", "-vettool=" + self}, args...)
	if f.tags != "" {
		args = append(args, "-tags="+f.tags)
	}
	args = append(append(args, "--"), packages...)
	vet := exec.CommandContext(ctx, "go", args...)
	vet.Cancel = func() error { return vet.Process.Signal(os.Interrupt) }
	vet.WaitDelay = 5 * time.Second
	vet.Stderr = c.stderr
	return vet, nil
}

// repair corrects the packages, or prints how.
func (f *vetFlags) repair(ctx context.Context, c *streams, packages []string) error {
	args := []string{"-fix"}
	if f.diff {
		args = append(args, "-diff")
	}
	vet, err := f.goVet(ctx, c, packages, args...)
	if err != nil {
		return err
	}
	vet.Stdout = c.stdout
	err = vet.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); failed && f.diff {
		return errors.New("vet: there is something to correct, or a package does not compile")
	}
	return vetError(err)
}

// report prints the findings in the packages.
func (f *vetFlags) report(ctx context.Context, c *streams, packages []string) error {
	vet, err := f.goVet(ctx, c, packages, "-json")
	if err != nil {
		return err
	}
	var out bytes.Buffer
	vet.Stdout = &out
	if err := vet.Run(); err != nil {
		return vetError(err)
	}
	findings, err := findingsOf(&out)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&text, "%s:%d:%d: %s (%s)\n", f.File, f.Line, f.Column, f.Message, f.Check)
	}
	if err := c.print(text.String()); err != nil {
		return err
	}
	if err := c.encode(vetReport{findings}); err != nil {
		return err
	}
	switch len(findings) {
	case 0:
		return nil
	case 1:
		return errors.New("vet: 1 finding")
	default:
		return fmt.Errorf("vet: %d findings", len(findings))
	}
}

// vetError returns the error of framearena vet for that of go vet, which has printed why it
// failed.
func vetError(err error) error {
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("vet: there is no go command in PATH")
	}
	if err != nil {
		return fmt.Errorf("vet: go vet failed: %w", err)
	}
	return nil
}

// findingsOf returns the findings that go vet -json has printed, in the order of their places.
// It prints an object for each package: the names of analyzers, and what each of them reports.
func findingsOf(out io.Reader) ([]finding, error) {
	text, err := io.ReadAll(out)
	if err != nil {
		return nil, fmt.Errorf("vet: %w", err)
	}
	var documents bytes.Buffer
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("# ")) { // the name of a package
			documents.Write(line)
		}
	}
	findings := []finding{}
	here, _ := os.Getwd() // if it is not known, names of files stay absolute
	for d := json.NewDecoder(&documents); ; {
		var document map[string]map[string]json.RawMessage
		if err := d.Decode(&document); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("vet: what go vet printed is not understood: %w", err)
		}
		for name, checks := range document {
			for check, found := range checks {
				var diagnostics []struct{ Posn, Message string }
				if err := json.Unmarshal(found, &diagnostics); err != nil {
					return nil, fmt.Errorf("vet: %s failed in %s: %s", check, name, found)
				}
				for _, d := range diagnostics {
					f := finding{Check: check, Message: d.Message}
					f.File, f.Line, f.Column = place(d.Posn, here)
					findings = append(findings, f)
				}
			}
		}
	}
	slices.SortFunc(findings, func(a, b finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column,
			cmp.Compare(a.Check, b.Check), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(findings), nil
}

// place takes file:line:column apart. A file in or below the directory here is named from
// there.
func place(posn, here string) (file string, line, column int) {
	rest, c := cutNumber(posn)
	file, l := cutNumber(rest)
	if name, err := filepath.Rel(here, file); here != "" && err == nil && filepath.IsLocal(name) {
		file = name
	}
	return file, l, c
}

func cutNumber(s string) (string, int) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, 0
	}
	n, err := strconv.Atoi(s[i+1:])
	if err != nil {
		return s, 0
	}
	return s[:i], n
}
