package corpus

import (
	"cmp"
	"context"
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
)

// module is the path of the module that programs are in. Its packages may import the internal ones of
// framearena.
const module = "github.com/framearena/framearena/corpusmodule"

// driver is the program that runs the programs of a batch.
const driver = `package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/forcing"
	"github.com/framearena/framearena/task"
%s)

%svar programs__ = map[string]func(*task.T) (int, error){
%s}

// How often programs are suspended at each operation; from then on at one of 1,024, so that those with
// long loops come to an end.
const most__ = 4000

func main() {
	program, plan := os.Getenv("CORPUS_PROGRAM"), os.Getenv("CORPUS_PLAN") // so that a program may start itself
	var reached atomic.Uint64
	suspends := map[string]func(k uint64) bool{
		"goroutine": func(uint64) bool { return false },
		"never":     func(uint64) bool { return false },
		"always":    func(k uint64) bool { return k <= most__ || k%%1024 == 0 },
		"random":    func(k uint64) bool { return rand.New(rand.NewPCG(uint64(len(program)), k)).IntN(3) == 0 && (k <= most__ || k%%1024 == 0) },
	}[strings.TrimSuffix(plan, ", moved")]
	forcing.Moves = strings.HasSuffix(plan, ", moved")
	forcing.Reached = func() forcing.Choice {
		if suspends(reached.Add(1)) {
			return forcing.Suspend
		}
		return forcing.Complete
	}
	var options []task.Option
	if plan == "goroutine" {
		options = append(options, task.OnGoroutine())
	}
	ex := executor.NewPool(executor.WithWorkers(1))
	_, err := task.Run(context.Background(), ex, task.Call0(programs__[program]), options...)
	if file := os.Getenv("CORPUS_UNCOMPILED"); file != "" {
		for f := range task.UncompiledFunctions() {
			if f.Started > 0 {
				os.WriteFile(file, []byte(f.Function.Name), 0o644)
			}
		}
	}
	var p *coro.PanicError
	switch {
	case errors.As(err, &p):
		fmt.Println("panic:", p.Value)
		os.Exit(2)
	case err != nil:
		fmt.Println("error:", err)
		os.Exit(3)
	}
}
`

// batch is programs that are built as one: one that is alone, or several that are not.
type batch struct {
	dir      string // of the module
	programs []*Program
}

// build compiles the programs. It takes those out that the compiler refuses, and returns an error if what it has
// written does not build.
func (b *batch) build(ctx context.Context) (binary string, err error) {
	for _, p := range b.programs {
		if !p.runs() {
			continue
		}
		dir := filepath.Join(b.dir, nameOf(p.number))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		for _, f := range p.texts {
			if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
				return "", err
			}
		}
	}
	var r *compile.Result
	for {
		if err := b.writeDriver(); err != nil {
			return "", err
		}
		var err error
		r, err = compile.Run(compile.Config{Context: ctx, Dir: b.dir, Patterns: []string{"./..."}})
		if err == nil {
			break
		}
		if !b.takeOut(err) {
			return "", fmt.Errorf("corpus: the compiler: %w", err)
		}
	}
	for _, d := range r.Diagnostics {
		for _, p := range b.programs {
			if (p.alone || filepath.Base(filepath.Dir(d.File)) == nameOf(p.number)) && p.Left == "" {
				p.Left = "is refused by the compiler: " + d.Message
				p.refuse(d)
			}
		}
	}
	for _, o := range r.Outputs {
		if err := o.Write(); err != nil {
			return "", err
		}
	}
	return b.link(ctx)
}

// driver returns the directory of the main package.
func (b *batch) driver() string {
	if b.programs[0].alone {
		return nameOf(b.programs[0].number)
	}
	return "driver"
}

// writeDriver writes the file with the main function.
func (b *batch) writeDriver() error {
	var imports, launchers, entries strings.Builder
	for _, p := range b.programs {
		if p.runs() {
			name := nameOf(p.number)
			call := nameRun
			if !p.alone {
				fmt.Fprintf(&imports, "\t%q\n", module+"/"+name)
				call = name + "." + nameRun
			}
			fmt.Fprintf(&launchers, "func run_%s(t *task.T) (int, error) {\n\t%s(t)\n\treturn 0, nil\n}\n\n", name, call)
			fmt.Fprintf(&entries, "\t%q: run_%s,\n", name, name)
		}
	}
	if err := os.MkdirAll(filepath.Join(b.dir, b.driver()), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, b.driver(), "driver__.go"), fmt.Appendf(nil, driver, &imports, &launchers, &entries), 0o644)
}

// link builds the programs and the driver. If some do not build, it begins again without them.
func (b *batch) link(ctx context.Context) (binary string, err error) {
	if !slices.ContainsFunc(b.programs, (*Program).runs) {
		return "", nil
	}
	binary = filepath.Join(b.dir, "binary")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./"+b.driver())
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return binary, nil
	case b.takeOut(errors.New(string(out))):
		return b.build(ctx)
	}
	return "", fmt.Errorf("corpus: go build: %w: %s", err, out)
}

// takeOut takes the programs out that the error of a compilation is about. It reports whether there are
// any.
func (b *batch) takeOut(err error) (found bool) {
	for _, p := range b.programs {
		name := nameOf(p.number)
		if p.failure != nil {
			continue
		}
		of := about(name, err.Error())
		if p.alone {
			of = err.Error()
		}
		if of != "" {
			p.failure = errors.New(of)
			found = true
			os.Rename(filepath.Join(b.dir, name), filepath.Join(b.dir, "_"+name)) // no package, for the go command
		}
	}
	return found
}

// about returns the lines of a message that are about the package with the given name.
func about(name, message string) string {
	var lines strings.Builder
	named, within := regexp.MustCompile(`/`+name+`\b|^`+name+`/`), false
	for line := range strings.Lines(message) {
		if strings.HasPrefix(line, "# ") {
			within = named.MatchString(line)
		}
		if within || named.MatchString(line) {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

// plans are how the programs run as tasks.
var plans = []string{"never", "always", "random", "always, moved", "random, moved"}

// Programs that need more processor time on a goroutine are left out. Tasks have more, and all have much longer,
// since the machine may have other work.
const (
	timeLimit = 20 * time.Second
	waitLimit = time.Minute
)

// outcome is what a run has printed, and its exit status.
type outcome struct {
	Output string
	Status int
}

// errSlow is that a run takes too long.
var errSlow = errors.New("takes too long")

// run runs a program, and returns the processor time as well.
func run(ctx context.Context, binary string, p *Program, plan string, limit time.Duration) (outcome, time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Dir = cmp.Or(p.dir, filepath.Dir(binary))
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none", "CORPUS_PROGRAM="+nameOf(p.number), "CORPUS_PLAN="+plan)
	cmd.Env = append(cmd.Env, p.env...)
	if plan != "goroutine" {
		cmd.Env = append(cmd.Env, "CORPUS_UNCOMPILED="+uncompiledFile(binary, p))
	}
	cmd.WaitDelay = 10 * time.Second // what it has started may live on
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return outcome{}, 0, errSlow
	case err == nil, errors.As(err, &exit):
		return outcome{string(out), cmd.ProcessState.ExitCode()}, cmd.ProcessState.UserTime(), nil
	}
	return outcome{}, 0, err
}

// uncompiledFile is where a run says that it calls functions that are not compiled.
func uncompiledFile(binary string, p *Program) string {
	return filepath.Join(filepath.Dir(binary), nameOf(p.number)+".uncompiled")
}

// disagreement is a program that does something else as a task.
type disagreement struct {
	program   *Program
	plan      string
	want, got outcome
}

// errRewriting is that a program does not do what it should, on a goroutine.
var errRewriting = errors.New("rewritten, it no longer does on a goroutine what it should")

// compare runs a program in all ways. It leaves it out if it is not the same twice on a goroutine.
func compare(ctx context.Context, binary string, p *Program) (*disagreement, error) {
	begin := time.Now()
	want, spent, err := run(ctx, binary, p, "goroutine", waitLimit)
	taskLimit := waitLimit + 20*time.Since(begin)
	switch {
	case errors.Is(err, errSlow), spent > timeLimit:
		p.Left = "takes more than " + timeLimit.String()
		return nil, nil
	case err != nil:
		return nil, err
	case p.mustPass && want.Status != 0, p.want != "" && strings.TrimSpace(p.want) != strings.TrimSpace(want.Output):
		p.Left = errRewriting.Error()
		p.failed = want
		return nil, nil
	}
	for _, plan := range plans {
		got, _, err := run(ctx, binary, p, plan, taskLimit)
		if errors.Is(err, errSlow) {
			got = outcome{Output: "no end"}
		} else if err != nil {
			return nil, err
		}
		if got == want {
			if _, err := os.Stat(uncompiledFile(binary, p)); err == nil {
				p.Calls = true
			}
			continue
		}
		for range 3 {
			again, _, err := run(ctx, binary, p, "goroutine", taskLimit)
			if err != nil && !errors.Is(err, errSlow) {
				return nil, err
			}
			if again != want {
				p.Left = "is not the same twice"
				return nil, nil
			}
		}
		return &disagreement{p, plan, want, got}, nil
	}
	return nil, nil
}
