package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/framearena/framearena/internal/compile"
)

// genReport is the JSON document of framearena gen.
type genReport struct {
	Files       []genFile             `json:"files"`
	Diagnostics []compile.Diagnostic  `json:"diagnostics"`
	Frames      []compile.FrameReport `json:"frames"`
}

// genFile is a file that is written, or would be.
type genFile struct {
	File  string `json:"file"`
	State string `json:"state"` // current, written, removed, or, with -check, stale
}

// genFlags has the flags of framearena gen.
type genFlags struct {
	tags     string
	check    bool
	frames   bool
	absolute bool
}

func newGenCommand(c *streams) *cobra.Command {
	var flags genFlags
	command := &cobra.Command{
		Use:   "gen [PACKAGE...]",
		Short: "Compile task functions to frames",
		Long: `Gen compiles the task functions of packages: functions, methods and literals
whose first parameter is a *task.T. For session.go it writes session_task.go
beside it, with the compiled forms of session.go's functions; for
session_test.go it writes session_task_test.go. Commit these files, and run gen
again when the source has changed. Files that need no change are not touched.

Without the files the same program runs its task functions on goroutines. So it
does when it is built with the tag framearena_plain, which leaves them out.

With --check gen writes nothing: exit status 1 means that a file is not what gen
would write. What cannot be compiled is an error at its place in the source.`,
		RunE: func(cmd *cobra.Command, packages []string) error {
			if len(packages) == 0 {
				packages = []string{"."}
			}
			if i := slices.IndexFunc(packages, func(s string) bool { return strings.HasPrefix(s, "-") }); i >= 0 {
				return usageError{fmt.Errorf("%q is a flag, not a package: only packages may follow --", packages[i])}
			}
			return flags.run(cmd.Context(), c, packages)
		},
	}
	command.Flags().StringVar(&flags.tags, "tags", "", "build tags, separated by commas")
	command.Flags().BoolVarP(&flags.frames, "frames", "m", false, "print the frame of each function, and what it keeps where")
	command.Flags().BoolVar(&flags.absolute, "absolute", false, "name files by their whole paths, for a debugger; not to be committed")
	command.Flags().BoolVar(&flags.check, "check", false, "write nothing, and fail if a file is not current")
	return command
}

// run compiles the packages, and writes the files or checks them.
func (f *genFlags) run(ctx context.Context, c *streams, packages []string) error {
	result, err := compile.Run(compile.Config{Context: ctx, Patterns: packages, Tags: f.tags, AbsoluteLines: f.absolute})
	if err != nil {
		return fmt.Errorf("gen: %w", err)
	}
	report := genReport{Files: []genFile{}, Diagnostics: result.Diagnostics, Frames: result.Frames}
	here, _ := os.Getwd() // if it is not known, names of files stay absolute
	var text strings.Builder
	for i, d := range report.Diagnostics {
		report.Diagnostics[i].File = localName(d.File, here)
		fmt.Fprintln(&text, report.Diagnostics[i])
	}
	for i, r := range report.Frames {
		report.Frames[i].File = localName(r.File, here)
		if f.frames {
			text.WriteString(report.Frames[i].String())
		}
	}
	stale := 0
	if len(report.Diagnostics) == 0 {
		for _, o := range result.Outputs {
			file := genFile{localName(o.Name, here), "current"}
			switch {
			case o.IsCurrent():
			case f.check:
				file.State = "stale"
				stale++
				fmt.Fprintf(&text, "%s: not what gen would write\n", file.File)
			default:
				if err := o.Write(); err != nil {
					return fmt.Errorf("gen: %w", err)
				}
				file.State = "written"
				if o.Text == nil {
					file.State = "removed"
				}
			}
			report.Files = append(report.Files, file)
		}
	}
	if err := c.print(text.String()); err != nil {
		return err
	}
	if err := c.encode(report); err != nil {
		return err
	}
	switch n := len(report.Diagnostics); {
	case n == 1:
		return fmt.Errorf("gen: 1 place cannot be compiled")
	case n > 1:
		return fmt.Errorf("gen: %d places cannot be compiled", n)
	case stale == 1:
		return fmt.Errorf("gen: 1 file is not current: run framearena gen")
	case stale > 1:
		return fmt.Errorf("gen: %d files are not current: run framearena gen", stale)
	}
	return nil
}

// localName returns the name of a file as it is from the directory here, if it is in or below that.
func localName(file, here string) string {
	if name, err := filepath.Rel(here, file); here != "" && err == nil && filepath.IsLocal(name) {
		return name
	}
	return file
}
