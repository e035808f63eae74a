package corpus

import (
	"flag"
	"go/token"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/internal/testkit/tempmodule"
)

var (
	every = flag.Uint("every", 80, "run one program of so many")
	only  = flag.String("only", "", "run the programs whose names contain this, whatever -every is")
	keep  = flag.String("keep", "", "put what is made of the programs into this directory, and leave it there")
)

const perBatch = 60

// TestGoTests runs Go's own tests as tasks.
func TestGoTests(t *testing.T) {
	if testing.Short() {
		return // it builds many programs
	}
	repository, err := filepath.Abs("../../..")
	require.NoError(t, err)
	fset := token.NewFileSet()
	programs, err := Find(t.Context(), fset)
	require.NoError(t, err)
	if len(programs) == 0 {
		t.Log("this Go installation has come without its tests")
		return
	}
	programs = slices.DeleteFunc(programs, func(p *Program) bool {
		h := fnv.New32a()
		h.Write([]byte(p.Name))
		return *only != "" && !strings.Contains(p.Name, *only) || *only == "" && h.Sum32()%uint32(*every) != 0
	})
	i, err := newImporter(t.Context(), repository, fset, programs)
	require.NoError(t, err)
	var ready []*Program
	for _, p := range programs {
		if p.prepare(fset, i); p.Left == "" {
			ready = append(ready, p)
		}
	}
	for some := range slices.Chunk(ready, perBatch) {
		checkBatch(t, repository, some)
	}
	report(t, programs)
}

func checkBatch(t *testing.T, repository string, programs []*Program) {
	dir := t.TempDir()
	if *keep != "" {
		dir = *keep
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
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
			t.Errorf("%s: %v; rewritten:\n%s", p.Name, p.failure, p.text)
		}
		if d := found[n]; d != nil {
			t.Errorf("%s, %s: on a goroutine:\n%s(status %d), as a task:\n%s(status %d); rewritten:\n%s",
				p.Name, d.plan, cut(d.want.Output), d.want.Status, cut(d.got.Output), d.got.Status, p.text)
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
	ran := 0
	var sum Counts
	left := map[string][]string{}
	for _, p := range programs {
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
	t.Logf("%d of %d programs run as tasks, with %d task functions, %d others, %d statements that yield, %d operands", ran, len(programs), sum.Functions, sum.Plain, sum.Yields, sum.Operands)
	for _, why := range slices.Sorted(maps.Keys(left)) {
		t.Logf("%s: %s", why, strings.Join(left[why], ", "))
	}
}
