package cases

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task/generated"
)

var all = flag.Bool("all", false, "try many more plans: at each operation, with more seeds")

// How much is tried: seeds of random plans, and operations at which something happens.
func effort() (seeds, mostSteps int) {
	switch {
	case *all:
		return 6, 24
	case testing.Short():
		return 1, 4
	}
	return 2, 8
}

// Check runs each program in all ways, and compares them with the program on a goroutine.
func Check(t *testing.T, programs []Program) {
	for _, p := range programs {
		t.Run(p.Name, func(t *testing.T) {
			require.NotNil(t, generated.StartOf(p.Run), "not compiled")
			sizes := p.Sizes
			if sizes == nil {
				sizes = []int{3}
			}
			for _, n := range sizes {
				p.check(t, n)
			}
		})
	}
}

func (p Program) check(t *testing.T, n int) {
	seeds, mostSteps := effort()
	want, reached := p.run(n, false, plan{name: "on a goroutine", suspends: never}, event{})
	plans := []plan{
		{name: "never suspended", suspends: never},
		{name: "never suspended, asked to give way", suspends: never, givesWay: true},
		{name: "suspended at each operation", suspends: always},
		{name: "suspended at each operation, moved", suspends: always, moves: true},
		{name: "suspended at each operation, moved, with collections", suspends: always, moves: true, collects: true},
	}
	if *all {
		plans = append(plans, plan{name: "suspended at each operation, with collections", suspends: always, collects: true})
	}
	for seed := range uint64(seeds) {
		plans = append(plans, plan{name: "suspended at random", suspends: random(seed)})
		plans = append(plans, plan{name: "suspended at random, moved", suspends: random(seed), moves: true})
		plans = append(plans, plan{name: "suspended at random, asked to give way", suspends: random(seed), givesWay: true})
		if p.Beside {
			plans = append(plans, plan{name: "suspended at random, on two workers", suspends: random(seed), workers: 2})
			plans = append(plans, plan{name: "suspended at random, on two workers, moved", suspends: random(seed), moves: true, workers: 2})
		}
	}
	steps := p.steps(reached, mostSteps)
	for _, k := range steps {
		plans = append(plans, plan{name: "suspended once", suspends: only(k)})
		plans = append(plans, plan{name: "suspended once, moved", suspends: only(k), moves: true})
	}
	for i, pl := range plans {
		got, _ := p.run(n, true, pl, event{})
		require.Equal(t, want, got, "n = %d; %s (plan %d)", n, pl.name, i)
	}
	for _, k := range steps {
		for _, kind := range []eventKind{cancelled, panics, ends} {
			p.checkEvent(t, n, event{kind, k})
		}
	}
}

// steps returns the operations at which something happens, at most so many.
func (p Program) steps(reached, most int) (steps []int) {
	count := min(reached, most)
	for i := range count {
		if p.Spread {
			i = i * reached / count
		}
		steps = append(steps, i+1)
	}
	return steps
}

// checkEvent runs the program with something that happens at one operation.
func (p Program) checkEvent(t *testing.T, n int, e event) {
	var want Outcome
	if !p.Beside {
		want, _ = p.run(n, false, plan{suspends: never}, e)
	}
	for _, pl := range []plan{
		{name: "never suspended", suspends: never},
		{name: "suspended at each operation", suspends: always},
		{name: "suspended at each operation, moved", suspends: always, moves: true},
		{name: "suspended at random", suspends: random(uint64(e.at))},
		{name: "suspended at random, moved", suspends: random(uint64(e.at) + 100), moves: true},
	} {
		got, _ := p.run(n, true, pl, e)
		if p.Beside {
			got = Outcome{Open: got.Open, Leak: got.Leak}
		}
		require.Equal(t, want, got, "n = %d; %v; %s", n, e, pl.name)
	}
}
