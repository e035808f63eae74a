package main

import (
	"context"
	"runtime"
)

// tour is one run of the command, for the whole tour or a part of it.
type tour struct {
	streams    *streams
	contenders []contender

	// Set by flags.
	iterations int
	tasks      int
	roots      int    // 0: a tenth of tasks
	only       string // onlyChain or onlyTasks; empty for both
	cpu        int    // 0: unchanged
}

const (
	onlyChain = "chain"
	onlyTasks = "tasks"
)

func newTour(c *streams, contenders []contender) *tour {
	return &tour{streams: c, contenders: contenders, iterations: 30_000, tasks: 1_000_000}
}

// report is all that a tour found out: the document that --json prints. A part
// that was not asked for is missing.
type report struct {
	Machine machine        `json:"machine"`
	Chain   *chainReport   `json:"chain,omitempty"`
	Tasks   *crowdReport   `json:"tasks,omitempty"`
	Waiting *waitingReport `json:"waiting,omitempty"`
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

// run makes the tour. It prints each table as soon as it is complete.
func (t *tour) run(ctx context.Context) error {
	if t.cpu > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(t.cpu))
	}
	r := report{Machine: thisMachine()}
	if err := t.streams.print(r.Machine.text()); err != nil {
		return err
	}
	var err error
	if t.only != onlyTasks {
		if r.Chain, err = measureChain(ctx, t.contenders, t.iterations, t.streams.progress); err != nil {
			return err
		}
		if err := t.streams.print(r.Chain.text()); err != nil {
			return err
		}
	}
	if t.only != onlyChain {
		if r.Tasks, err = measureCrowds(ctx, t.tasks, t.streams.stderr, t.streams.progress); err != nil {
			return err
		}
		if err := t.streams.print(r.Tasks.text()); err != nil {
			return err
		}
		if r.Waiting, err = measureWaiting(ctx, t.waitingRoots(), t.streams.stderr, t.streams.progress); err != nil {
			return err
		}
		if err := t.streams.print(r.Waiting.text()); err != nil {
			return err
		}
	}
	return t.streams.encode(r)
}

// waitingRoots returns how many roots of each form the tour has wait.
func (t *tour) waitingRoots() int {
	if t.roots > 0 {
		return t.roots
	}
	return max(1, t.tasks/10)
}
