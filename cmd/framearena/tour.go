package main

import (
	"context"
	"encoding/json"
	"io"
	"runtime"
)

// tour is one call of the command.
type tour struct {
	options    options
	contenders []contender
	stdout     io.Writer
	stderr     io.Writer
	progress   *progress
}

// report is all that a tour found out: the document that -json prints. A part
// that was not asked for is missing.
type report struct {
	Machine machine      `json:"machine"`
	Chain   *chainReport `json:"chain,omitempty"`
	Tasks   *crowdReport `json:"tasks,omitempty"`
}

// machine is what the figures hold for.
type machine struct {
	OS         string `json:"os"`
	Arch       string `json:"arch"`
	CPUs       int    `json:"cpus"`
	GOMAXPROCS int    `json:"gomaxprocs"`
	Go         string `json:"go"`
}

func thisMachine() machine {
	return machine{
		OS:         runtime.GOOS,
		Arch:       runtime.GOARCH,
		CPUs:       runtime.NumCPU(),
		GOMAXPROCS: runtime.GOMAXPROCS(0),
		Go:         runtime.Version(),
	}
}

// run makes the tour. Tables are printed as soon as they are complete.
func (t *tour) run(ctx context.Context) error {
	if t.options.cpu > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(t.options.cpu))
	}
	r := report{Machine: thisMachine()}
	if err := t.print(r.Machine.text()); err != nil {
		return err
	}
	var err error
	if t.options.only != onlyTasks {
		if r.Chain, err = measureChain(ctx, t.contenders, t.options.iterations, t.progress); err != nil {
			return err
		}
		if err := t.print(r.Chain.text()); err != nil {
			return err
		}
	}
	if t.options.only != onlyChain {
		if r.Tasks, err = measureCrowds(ctx, t.options.tasks, t.stderr, t.progress); err != nil {
			return err
		}
		if err := t.print(r.Tasks.text()); err != nil {
			return err
		}
	}
	if t.options.json {
		return t.encode(r)
	}
	return nil
}

// print prints text, unless the output is to be JSON.
func (t *tour) print(text string) error {
	if t.options.json {
		return nil
	}
	t.progress.clear()
	_, err := io.WriteString(t.stdout, text)
	return err
}

func (t *tour) encode(r report) error {
	t.progress.clear()
	e := json.NewEncoder(t.stdout)
	e.SetIndent("", "  ")
	return e.Encode(r)
}
