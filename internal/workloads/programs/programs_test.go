package programs_test

import (
	"fmt"
	"go/format"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
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
		var result string // of the form before
		for _, form := range programs.Forms {
			t.Run(p.Name+"/"+string(form), func(t *testing.T) {
				found, err := programs.Find(p.Name)
				require.NoError(t, err)
				require.Same(t, p, found)
				var calls []string
				note := func(name string) func(arena.Stats) { return func(arena.Stats) { calls = append(calls, name) } }
				o, err := p.Run(100, form, note("ready"), note("full"))
				require.NoError(t, err)
				require.Equal(t, []string{"ready", "full"}, calls)
				require.Positive(t, o.Time)
				require.NotEmpty(t, o.Result)
				if result != "" {
					require.Equal(t, result, o.Result)
				}
				result = o.Result
			})
		}
	}
	require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	_, err := programs.Find("web server")
	require.EqualError(t, err, `no program is named "web server"`)
}

// root is the directory of the module.
const root = "../../.."

// most is how many times more lines of code one form may have than another one.
const most = 1.1

// Plain Go is not longer than goroutines: neither the file of a form by more than the bound, nor the
// program, with the files that all forms share, in either direction. Lines are counted as gofmt breaks
// them, and are not wider than the rest of the repository.
func TestLines(t *testing.T) {
	const widest = 125
	for _, p := range programs.Programs {
		t.Run(p.Name, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join(root, p.Package, "*.go"))
			require.NoError(t, err)
			forms, shared := map[programs.Form]int{}, 0
			for _, file := range files {
				name, _ := strings.CutSuffix(filepath.Base(file), ".go")
				if strings.HasSuffix(name, "_test") || strings.HasSuffix(name, "_task") {
					continue
				}
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				formatted, err := format.Source(text)
				require.NoError(t, err)
				require.Equal(t, string(formatted), string(text), "%s is not formatted", file)
				if form := programs.Form(name); slices.Contains(programs.Forms, form) {
					forms[form] = codeLines(text)
					for line := range strings.Lines(string(text)) {
						require.LessOrEqual(t, len(strings.TrimSpace(line)), widest, "%s: %s", file, line)
					}
				} else {
					shared += codeLines(text)
				}
			}
			require.Equal(t, p.Lines, forms, "update them in programs.go")
			require.Positive(t, shared)
			plain, goroutines := float64(forms[programs.Plain]), float64(forms[programs.Goroutines])
			require.LessOrEqual(t, plain, most*goroutines)
			require.LessOrEqual(t, goroutines+float64(shared), most*(plain+float64(shared)))
		})
	}
}

// codeLines returns how many lines of a Go file have more than comments.
func codeLines(text []byte) int {
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	lines := map[int]bool{}
	for {
		pos, tok, literal := s.Scan()
		if tok == token.EOF {
			return len(lines)
		}
		if tok == token.SEMICOLON && literal == "\n" {
			continue // the scanner has added it
		}
		first := file.Line(pos)
		for line := range strings.Count(literal, "\n") + 1 { // a raw string has several
			lines[first+line] = true
		}
	}
}

func TestCodeLines(t *testing.T) {
	for text, want := range map[string]int{
		"":                           0,
		"package p\n\n// x\n":        1,
		"package p // x\n/* a\nb */": 1,
		"package p\n\nvar x = `a\n\nb` // x\n\nfunc f() {\n\n\treturn\n}\n": 7,
	} {
		require.Equal(t, want, codeLines([]byte(text)), "%q", text)
	}
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
		_, err = p.Run(n, programs.Form(as), func(s arena.Stats) { before = kept(s) }, func(s arena.Stats) { after = kept(s) })
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
var bounds = map[string]struct{ tasks, plain float64 }{
	"health": {6.1, 6.1}, "chat": {5.4, 5.3}, "orders": {6.8, 6.8}, "pipeline": {8.5, 9}, "crawler": {8, 6.9},
}

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
			tasks, plain, goroutines := bytes("tasks"), bytes("plain"), bytes("goroutines")
			t.Logf("%s: %.0f bytes with tasks, %.0f in plain Go, %.0f with goroutines: %.2f and %.2f times, goal %d",
				p.Name, tasks, plain, goroutines, goroutines/tasks, goroutines/plain, p.Goal)
			require.Contains(t, bounds, p.Name)
			require.GreaterOrEqual(t, goroutines/tasks, bounds[p.Name].tasks)
			require.GreaterOrEqual(t, goroutines/plain, bounds[p.Name].plain)
		})
	}
}
