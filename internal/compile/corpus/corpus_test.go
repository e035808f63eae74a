package corpus

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/token"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/internal/testkit/tempmodule"
)

var (
	from    = flag.String("from", "go,compiler,interp,yaegi,libraries", "the corpora to take programs from")
	every   = flag.Uint("every", 400, "run one program of so many")
	rest    = flag.Uint("rest", 0, "with -every, which of them: those whose number leaves this rest")
	only    = flag.String("only", "", "run the programs whose names match this regular expression, whatever -every is")
	keep    = flag.String("keep", "", "put what is made of the programs into this directory, and leave it there")
	reports = flag.String("report", "", "write what was run, and what was left out and why, to this file, as JSON")
)

const perBatch = 40

// TestPrograms runs programs of others as tasks.
func TestPrograms(t *testing.T) {
	if testing.Short() {
		return // it builds many programs
	}
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	programs, notes, err := Find(t.Context(), repository, strings.Split(*from, ","))
	require.NoError(t, err)
	for _, note := range notes {
		t.Log(note)
	}
	wanted, err := regexp.Compile(*only)
	require.NoError(t, err)
	programs = slices.DeleteFunc(programs, func(p *Program) bool {
		h := fnv.New32a()
		h.Write([]byte(p.Name))
		return *only != "" && !wanted.MatchString(p.Name) || *only == "" && h.Sum32()%uint32(*every) != uint32(*rest)
	})
	fset := token.NewFileSet()
	paths := map[string]bool{}
	for _, p := range programs {
		if p.Left != "" {
			continue
		}
		p.Left = differ[p.Name]
		files, err := p.parse(fset)
		if err != nil {
			p.Left = "does not parse: " + err.Error()
			continue
		}
		p.exclude(files)
		if p.Left == "" {
			for _, path := range imports(files) {
				paths[path] = true
			}
		}
	}
	require.NoError(t, giveImportConfig(t.Context(), t.TempDir(), programs))
	i, err := newImporter(t.Context(), repository, fset, paths)
	require.NoError(t, err)
	for round, rest := 0, programs; len(rest) > 0; round++ {
		var ready []*Program
		for _, p := range rest {
			if p.prepare(fset, i); p.Left == "" {
				ready = append(ready, p)
			}
		}
		var batches [][]*Program
		together := slices.Clone(ready)
		for _, p := range ready {
			if p.alone {
				batches = append(batches, []*Program{p})
			}
		}
		together = slices.DeleteFunc(together, func(p *Program) bool { return p.alone })
		batches = slices.AppendSeq(batches, slices.Chunk(together, perBatch))
		for n, some := range batches {
			checkBatch(t, fmt.Sprintf("%d-%d", round, n), repository, some)
		}
		rest = slices.DeleteFunc(ready, func(p *Program) bool { return !p.tryOtherwise() })
	}
	report(t, programs)
}

func checkBatch(t *testing.T, name, repository string, programs []*Program) {
	dir := filepath.Join(cmp.Or(*keep, t.TempDir()), name)
	if *keep == "" {
		defer os.RemoveAll(dir)
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, tempmodule.Write(dir, module, repository))
	b := &batch{dir, programs}
	binary, err := b.build(t.Context())
	require.NoError(t, err)
	var running errgroup.Group
	running.SetLimit(runtime.GOMAXPROCS(0))
	found := make([]*disagreement, len(programs))
	for n, p := range programs {
		if p.runs() {
			running.Go(func() (err error) {
				found[n], err = compare(t.Context(), binary, p)
				return err
			})
		}
	}
	require.NoError(t, running.Wait())
	for n, p := range programs {
		if p.failure != nil {
			t.Errorf("%s: %v; rewritten:\n%s", p.Name, p.failure, p.text())
		}
		if d := found[n]; d != nil {
			t.Errorf("%s, %s: on a goroutine:\n%s(status %d), as a task:\n%s(status %d); rewritten:\n%s",
				p.Name, d.plan, cut(d.want.Output), d.want.Status, cut(d.got.Output), d.got.Status, p.text())
		}
	}
}

func cut(s string) string {
	const most = 2000
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// report says how many programs were run, and why others were not.
func report(t *testing.T, programs []*Program) {
	for _, s := range sources {
		ran, all := 0, 0
		var sum Counts
		left := map[string][]string{}
		for _, p := range programs {
			if !strings.HasPrefix(p.Name, s.name+"/") {
				continue
			}
			all++
			if p.Left != "" {
				left[p.Left] = append(left[p.Left], p.Name)
				continue
			}
			ran++
			sum.Functions += p.Counts.Functions
			sum.Plain += p.Counts.Plain
			sum.Yields += p.Counts.Yields
			sum.Operands += p.Counts.Operands
		}
		if all == 0 {
			continue
		}
		t.Logf("%s: %d of %d programs run as tasks, with %d task functions, %d others, %d statements that yield, %d operands", s.name, ran, all, sum.Functions, sum.Plain, sum.Yields, sum.Operands)
		for _, why := range slices.Sorted(maps.Keys(left)) {
			t.Logf("left out, since each %s: %s", why, strings.Join(left[why], ", "))
		}
	}
	calls := 0
	for _, p := range programs {
		if len(p.refused) > 0 {
			t.Logf("%s, functions that the compiler refuses: %s", p.Name, strings.Join(slices.Sorted(maps.Keys(p.refused)), ", "))
		}
		if len(p.Without) > 0 {
			t.Logf("%s, tests that are not called: %s", p.Name, strings.Join(p.Without, ", "))
		}
		if p.Calls {
			calls++
		}
	}
	t.Logf("%d programs call methods that are not compiled, since only generic functions make the instances that they are of", calls)
	for _, p := range programs {
		if p.failed.Status != 0 || p.failed.Output != "" {
			t.Logf("%s, on a goroutine: %s(status %d)", p.Name, cut(p.failed.Output), p.failed.Status)
		}
	}
	if *reports != "" {
		type entry struct {
			Name, Left string
			Counts     Counts
		}
		entries := make([]entry, len(programs))
		for n, p := range programs {
			entries[n] = entry{p.Name, p.Left, p.Counts}
		}
		text, err := json.MarshalIndent(entries, "", "\t")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(*reports, text, 0o644))
	}
}
