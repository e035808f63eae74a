package measure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/native"
)

// childVariable is the variable in the environment of a child that has its order, as JSON. A
// child is a process that takes one sample.
const childVariable = "FRAMEARENA_BENCH_SAMPLE"

// order is what a child has to measure.
type order struct {
	Discipline, Contestant string
	Plan                   contest.Plan
}

// answer is what a child writes to its standard output.
type answer struct {
	Metrics contest.Metrics `json:"metrics,omitempty"`
	Missing string          `json:"missing,omitempty"`
	Failed  string          `json:"failed,omitempty"`
}

// Child takes a sample and returns true if this process is a child: main must return at once
// then. Otherwise it returns false.
func Child(disciplines []contest.Discipline, stdout io.Writer) (isChild bool) {
	text, isChild := os.LookupEnv(childVariable)
	if !isChild {
		return false
	}
	var a answer
	m, err := obey(disciplines, text)
	switch {
	case errors.Is(err, contest.ErrMissing):
		a.Missing = err.Error()
	case err != nil:
		a.Failed = err.Error()
	default:
		a.Metrics = m
	}
	json.NewEncoder(stdout).Encode(a) // the parent notices a failure
	return true
}

func obey(disciplines []contest.Discipline, text string) (contest.Metrics, error) {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, err
	}
	for _, d := range disciplines {
		for _, c := range d.Contestants {
			if d.ID == o.Discipline && c.Name == o.Contestant {
				return c.Sample(o.Plan)
			}
		}
	}
	return nil, fmt.Errorf("there is no contestant %q in discipline %q", o.Contestant, o.Discipline)
}

// sample takes a sample in a process of its own.
func sample(ctx context.Context, programs *native.Programs, d contest.Discipline, c contest.Contestant, plan contest.Plan) (contest.Metrics, error) {
	if c.Program != "" {
		return sampleProgram(ctx, programs, c, plan)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(order{d.ID, c.Name, plan})
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, firstLine(stderr.String()))
	}
	var a answer
	if err := json.Unmarshal(out, &a); err != nil {
		return nil, fmt.Errorf("its process wrote %q: %w", out, err)
	}
	switch {
	case a.Missing != "":
		return nil, missing(a.Missing)
	case a.Failed != "":
		return nil, errors.New(a.Failed)
	}
	return a.Metrics, nil
}

// exitMissing is the exit status of a program that cannot compete. It has written the reason
// to standard error.
const exitMissing = 3

func sampleProgram(ctx context.Context, programs *native.Programs, c contest.Contestant, plan contest.Plan) (contest.Metrics, error) {
	path, err := programs.Path(c.Program)
	if err != nil {
		return nil, err
	}
	milliseconds := fmt.Sprint(float64(plan.For) / float64(time.Millisecond))
	cmd := exec.CommandContext(ctx, path, c.Mode, milliseconds)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if cmd.ProcessState != nil && cmd.ProcessState.ExitCode() == exitMissing {
			return nil, contest.Missing("%s", firstLine(stderr.String()))
		}
		return nil, fmt.Errorf("%w: %s", err, firstLine(stderr.String()))
	}
	var m contest.Metrics
	if err := json.Unmarshal(out, &m); err != nil {
		return nil, fmt.Errorf("it wrote %q: %w", out, err)
	}
	return m, nil
}

// missing is the text of a child's error that wraps contest.ErrMissing, as this one does.
type missing string

func (m missing) Error() string { return string(m) }
func (m missing) Unwrap() error { return contest.ErrMissing }

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
