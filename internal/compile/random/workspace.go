package random

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/internal/compile"
	"github.com/framearena/framearena/internal/testkit/tempmodule"
)

//go:embed testdata/steps.go
var steps string

// Workspace is a module in a directory, with one package, in which programs are tested.
type Workspace struct {
	dir string
	env []string
}

// NewWorkspace makes a module in an empty directory. Its path lies in that of the repository's module, so it may
// import internal packages.
func NewWorkspace(dir, repository string) (*Workspace, error) {
	w := &Workspace{dir: dir, env: append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")}
	return w, tempmodule.Write(dir, "github.com/framearena/framearena/internal/compile/random/programs", repository)
}

func (w *Workspace) write(name, text string) error {
	return os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o644)
}

// Failure is what went wrong with a program.
type Failure struct {
	Program Program
	Stage   Stage
	Output  string

	edits []edit // that have led to the program, when it is reduced
}

// Stage is where a program fails.
type Stage int

const (
	Building Stage = iota // it cannot be compiled, or what the compiler makes of it cannot be built
	Running               // it does not do what it does on a goroutine
)

// Test compiles, builds and runs the programs. It returns those that fail.
func (w *Workspace) Test(programs []Program) (failures []Failure, err error) {
	programs = slices.Clone(programs)
	for len(programs) > 0 {
		output, blamed, err := w.build(programs)
		if err != nil {
			return failures, err
		}
		if len(blamed) == 0 && output == "" {
			break
		}
		if len(blamed) == 0 {
			return failures, fmt.Errorf("random: the programs cannot be built: %s", output)
		}
		for _, p := range blamed {
			failures = append(failures, Failure{Program: p, Stage: Building, Output: output})
			programs = slices.DeleteFunc(programs, func(q Program) bool { return q.Name() == p.Name() })
		}
	}
	for len(programs) > 0 {
		failed, rest, err := w.run(programs)
		failures = append(failures, failed...)
		if err != nil {
			return failures, err
		}
		programs = rest
	}
	return failures, nil
}

// build writes the programs, compiles them and builds their test. If that is not possible, it returns why, and
// the programs with errors.
func (w *Workspace) build(programs []Program) (output string, blamed []Program, err error) {
	old, err := filepath.Glob(filepath.Join(w.dir, "*.go"))
	if err != nil {
		return "", nil, err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return "", nil, err
		}
	}
	all := []error{w.write("steps.go", steps), w.write("programs_test.go", tests(programs))}
	for _, p := range programs {
		all = append(all, w.write(p.Name()+".go", header+p.Source))
	}
	if err := errors.Join(all...); err != nil {
		return "", nil, err
	}
	r, err := compile.Run(compile.Config{Dir: w.dir, Env: w.env, Patterns: []string{"."}})
	if err != nil {
		return err.Error(), mentioned(programs, err.Error()), nil
	}
	if len(r.Diagnostics) > 0 {
		output := fmt.Sprint(r.Diagnostics)
		return output, mentioned(programs, output), nil
	}
	for _, o := range r.Outputs {
		if err := o.Write(); err != nil {
			return "", nil, err
		}
	}
	out, err := w.command("go", "test", "-c", "-vet=off", "-gcflags=-e", "-o", "programs.test", ".")
	if err != nil {
		return out, mentioned(programs, out), nil
	}
	return "", nil, nil
}

// mentioned returns the programs whose files are named in the output.
func mentioned(programs []Program, output string) (found []Program) {
	for _, p := range programs {
		if regexp.MustCompile(`\b` + p.Name() + `(_task)?\.go:`).MatchString(output) {
			found = append(found, p)
		}
	}
	return found
}

// nextTest is what the test of another program prints first.
var nextTest = regexp.MustCompile(`(?m)^=== RUN   Test_s\d+$`)

// run runs the test. If that ends early, rest are the programs that were not reached.
func (w *Workspace) run(programs []Program) (failures []Failure, rest []Program, err error) {
	var pattern []string
	for _, p := range programs {
		pattern = append(pattern, "Test_"+p.Name())
	}
	out, err := w.command("./programs.test", "-test.v", "-test.run", "^("+strings.Join(pattern, "|")+")$")
	if err == nil {
		return nil, nil, nil
	}
	for i, p := range programs {
		_, part, began := strings.Cut(out, "=== RUN   Test_"+p.Name()+"\n")
		if !began {
			return failures, programs[i:], nil
		}
		if !strings.Contains(out, "--- PASS: Test_"+p.Name()+" ") {
			if next := nextTest.FindStringIndex(part); next != nil {
				part = part[:next[0]]
			}
			failures = append(failures, Failure{Program: p, Stage: Running, Output: part})
		}
	}
	if len(failures) == 0 {
		return nil, nil, fmt.Errorf("random: the test fails, but no program: %w\n%s", err, out)
	}
	return failures, nil, nil
}

// command runs a command in the workspace, and returns what it prints.
func (w *Workspace) command(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = w.dir, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// tests returns the test file, which has a test for each program.
func tests(programs []Program) string {
	var b strings.Builder
	b.WriteString("package programs\n\nimport (\n\t\"testing\"\n\n\t\"github.com/framearena/framearena/internal/compile/cases\"\n)\n")
	for _, p := range programs {
		fmt.Fprintf(&b, "\nfunc Test_%s(t *testing.T) {\n\tcases.Check(t, []cases.Program{{Name: %q, Run: %s, Beside: %v, Spread: true}})\n}\n", p.Name(), p.Name(), p.Name(), p.Beside)
	}
	return b.String()
}
