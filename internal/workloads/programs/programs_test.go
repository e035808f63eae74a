package programs_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/workloads/programs"
	"github.com/framearena/framearena/slab"
	"github.com/framearena/framearena/task"
)

func TestPrograms(t *testing.T) {
	for _, p := range programs.Programs {
		for _, form := range programs.Forms {
			t.Run(p.Name+"/"+string(form), func(t *testing.T) {
				found, err := programs.Find(p.Name)
				require.NoError(t, err)
				require.Same(t, p, found)
				var calls []string
				note := func(name string) func(arena.Stats) { return func(arena.Stats) { calls = append(calls, name) } }
				require.NoError(t, p.Run(100, form, note("ready"), note("full")))
				require.Equal(t, []string{"ready", "full"}, calls)
			})
		}
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	_, err := programs.Find("web server")
	require.EqualError(t, err, `no program is named "web server"`)
}

// Each program is measured in a process of its own, since it leaves memory behind that the next one
// would use again: the test binary, with a name in this variable. It is "tasks chat".
const programVariable = "FRAMEARENA_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if order := os.Getenv(programVariable); order != "" {
		os.Exit(child(order))
	}
	os.Exit(m.Run())
}

// part is the part of its size with which a program is measured.
const part = 5

// child is main in a child: it writes the bytes of one activity to standard output.
func child(order string) int {
	as, name, _ := strings.Cut(order, " ")
	p, err := programs.Find(name)
	if err == nil {
		n := p.Size / part
		var before, after int64
		err = p.Run(n, programs.Form(as), func(s arena.Stats) { before = kept(s) }, func(s arena.Stats) { after = kept(s) })
		fmt.Println((after - before) / int64(n))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// kept returns the memory of the process in bytes after a collection: what is live on the Go heap,
// stacks, and live frames.
func kept(frames arena.Stats) (bytes int64) {
	runtime.GC()
	runtime.GC() // what sync.Pools have survives one collection
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	bytes = int64(s.HeapAlloc) + int64(s.StackInuse)
	for _, class := range frames.Classes {
		bytes += int64(class.Live) * int64(class.Size)
	}
	return bytes
}

// bounds has for each program how many times more memory it keeps with goroutines, at least. It is
// what was measured, less a tenth. The goals are with the programs.
var bounds = map[string]float64{"health": 2.2, "chat": 2.5, "orders": 1.2, "pipeline": 1.6, "crawler": 7.8}

func TestGoroutinesKeepMoreMemory(t *testing.T) {
	switch {
	case framecheck.Enabled:
		t.Skip("checked mode adds guards to frames")
	case race.Enabled:
		t.Skip("the race detector makes goroutines larger")
	case slab.FromHeap:
		t.Skip("the slabs are on the Go heap, where they would count twice")
	case testing.Short():
		t.Skip("each program runs three times, in a process of its own")
	}
	program, err := os.Executable()
	require.NoError(t, err)
	for _, p := range programs.Programs {
		t.Run(p.Name, func(t *testing.T) {
			bytes := func(as string) float64 {
				cmd := exec.CommandContext(t.Context(), program)
				cmd.Env = append(os.Environ(), programVariable+"="+as+" "+p.Name)
				cmd.Stderr = os.Stderr
				out, err := cmd.Output()
				require.NoError(t, err)
				n, err := strconv.Atoi(strings.TrimSpace(string(out)))
				require.NoError(t, err)
				return float64(n)
			}
			tasks, goroutines := bytes("tasks"), bytes("goroutines")
			t.Logf("%s: %.0f bytes with tasks, %.0f with goroutines: %.2f times, goal %d", p.Name, tasks, goroutines, goroutines/tasks, p.Goal)
			require.Contains(t, bounds, p.Name)
			require.GreaterOrEqual(t, goroutines/tasks, bounds[p.Name])
		})
	}
}
