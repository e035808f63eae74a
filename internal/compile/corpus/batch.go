package corpus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

var programs = map[string]func(*task.T) (int, error){
%s}

// How often programs are suspended at each operation; from then on at one of 1,024, so that those with
// long loops come to an end.
const most = 4000

func main() {
	program, plan := os.Args[1], os.Args[2]
	var reached atomic.Uint64
	suspends := map[string]func(k uint64) bool{
		"goroutine": func(uint64) bool { return false },
		"never":     func(uint64) bool { return false },
		"always":    func(k uint64) bool { return k <= most || k%%1024 == 0 },
		"random":    func(k uint64) bool { return rand.New(rand.NewPCG(uint64(len(program)), k)).IntN(3) == 0 && (k <= most || k%%1024 == 0) },
	}[strings.TrimSuffix(plan, ", moved")]
	forcing.Moves = strings.HasSuffix(plan, ", moved")
	forcing.Reached = func() forcing.Choice {
		if suspends(reached.Add(1)) {
			return forcing.Suspend
		}
		return forcing.Complete
	}
	os.Args = os.Args[:1]
	option := task.RequireCompiled()
	if plan == "goroutine" {
		option = task.OnGoroutine()
	}
	ex := executor.NewPool(executor.WithWorkers(1))
	_, err := task.Run(context.Background(), ex, task.Call0(programs[program]), option)
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

// batch is programs that are built as one.
type batch struct {
	dir      string // of the module
	programs []*Program
}

// build compiles the programs. It takes those out that the compiler refuses, and returns an error if what it has
// written does not build.
func (b *batch) build(ctx context.Context) (binary string, err error) {
	for _, p := range b.programs {
		dir := filepath.Join(b.dir, nameOf(p.number))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, "program.go"), p.text, 0o644); err != nil {
			return "", err
		}
	}
	var r *compile.Result
	for {
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
			if filepath.Base(filepath.Dir(d.File)) == nameOf(p.number) && p.Left == "" {
				p.Left = "is refused by the compiler: " + d.Message
			}
		}
	}
	for _, o := range r.Outputs {
		if err := o.Write(); err != nil {
			return "", err
		}
	}
	return b.link(ctx, true)
}

// link builds the programs and the driver. If some do not build and again is set, it leaves them out.
func (b *batch) link(ctx context.Context, again bool) (binary string, err error) {
	var imports, entries strings.Builder
	for _, p := range b.programs {
		if p.runs() {
			name := nameOf(p.number)
			fmt.Fprintf(&imports, "\t%q\n", module+"/"+name)
			fmt.Fprintf(&entries, "\t%q: %s.%s,\n", name, name, nameRun)
		}
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "driver"), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(b.dir, "driver", "main.go"), fmt.Appendf(nil, driver, &imports, &entries), 0o644); err != nil {
		return "", err
	}
	binary = filepath.Join(b.dir, "driver", "driver")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", binary, "./driver")
	cmd.Dir = b.dir
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return binary, nil
	case again && b.takeOut(errors.New(string(out))):
		return b.link(ctx, false)
	}
	return "", fmt.Errorf("corpus: go build: %w: %s", err, out)
}

// takeOut takes the programs out that the error of a compilation is about. It reports whether there are
// any.
func (b *batch) takeOut(err error) (found bool) {
	for _, p := range b.programs {
		name := nameOf(p.number)
		if p.failure == nil && regexp.MustCompile(`/`+name+`\b`).MatchString(err.Error()) {
			p.failure = err
			found = true
			os.RemoveAll(filepath.Join(b.dir, name))
		}
	}
	return found
}

// plans are how the programs run as tasks.
var plans = []string{"never", "always", "random", "always, moved", "random, moved"}

// timeLimit is the longest time of a run on a goroutine. Tasks have much longer, since the machine may have
// other work.
const timeLimit = 10 * time.Second

// outcome is what a run has printed, and its exit status.
type outcome struct {
	Output string
	Status int
}

// errSlow is that a run takes too long.
var errSlow = errors.New("takes too long")

func run(ctx context.Context, binary string, p *Program, plan string, limit time.Duration) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, nameOf(p.number), plan)
	cmd.Dir = filepath.Dir(binary)
	cmd.Env = append(os.Environ(), "GOTRACEBACK=none")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return outcome{}, errSlow
	case errors.As(err, &exit):
		return outcome{string(out), exit.ExitCode()}, nil
	case err != nil:
		return outcome{}, err
	}
	return outcome{string(out), 0}, nil
}

// disagreement is a program that does something else as a task.
type disagreement struct {
	program   *Program
	plan      string
	want, got outcome
}

// compare runs a program in all ways. It leaves it out if it is not the same twice on a goroutine.
func compare(ctx context.Context, binary string, p *Program) (*disagreement, error) {
	want, err := run(ctx, binary, p, "goroutine", timeLimit)
	if err == nil {
		var again outcome
		again, err = run(ctx, binary, p, "goroutine", timeLimit)
		if err == nil && again != want {
			p.Left = "is not the same twice"
			return nil, nil
		}
	}
	switch {
	case errors.Is(err, errSlow):
		p.Left = "takes more than " + timeLimit.String()
		return nil, nil
	case err != nil:
		return nil, err
	}
	for _, plan := range plans {
		got, err := run(ctx, binary, p, plan, 6*timeLimit)
		if errors.Is(err, errSlow) {
			got = outcome{Output: "no end"}
		} else if err != nil {
			return nil, err
		}
		if got != want {
			return &disagreement{p, plan, want, got}, nil
		}
	}
	return nil, nil
}
