package waiting_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/workloads/waiting"
	"github.com/framearena/framearena/slab"
)

// Each form does what its title says in every build: all roots wait, and all end.
func TestAllWaitAndAllEnd(t *testing.T) {
	n := 1000
	if testing.Short() {
		n = 100
	}
	for _, form := range waiting.Forms {
		t.Run(form.Name, func(t *testing.T) {
			_, err := measure(form.Open(), n)
			require.NoError(t, err)
			_, err = measure(form.OpenOnPool(), n)
			require.NoError(t, err)
		})
	}
}

func TestForms(t *testing.T) {
	names := map[string]bool{}
	for _, form := range waiting.Forms {
		require.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, form.Name)
		require.False(t, names[form.Name], form.Name)
		names[form.Name] = true
		found, err := waiting.Find(form.Name)
		require.NoError(t, err)
		require.Same(t, form, found)
	}
	_, err := waiting.Find("thread")
	require.EqualError(t, err, `no form is named "thread"`)
}

// figures are what a form takes for n roots, in bytes and objects.
type figures struct {
	Waiting waiting.Memory // while all wait
	Left    waiting.Memory // after the release and a Trim
}

// measure measures n roots of a crowd, and checks that they end.
func measure(c *waiting.Crowd, n int) (m figures, err error) {
	defer func() { err = errors.Join(err, c.Close()) }()
	if err := c.Prepare(n); err != nil {
		return m, err
	}
	before := c.Memory()
	if err := c.Launch(n); err != nil {
		return m, err
	}
	m.Waiting = c.Memory().Sub(before)
	if err := c.Release(); err != nil {
		return m, err
	}
	c.Trim()
	m.Left = c.Memory().Sub(before)
	return m, nil
}

// A form that another has preceded in its process finds memory that can be used again. So each
// is measured in a process of its own: the test binary, with the name of the form in this
// variable.
const formVariable = "FRAMEARENA_TEST_FORM"

func TestMain(m *testing.M) {
	if name := os.Getenv(formVariable); name != "" {
		os.Exit(child(name))
	}
	os.Exit(m.Run())
}

// roots is how many roots a child has.
const roots = 50_000

// child is main in a child: it writes figures to standard output.
func child(name string) int {
	form, err := waiting.Find(name)
	if err == nil {
		var m figures
		if m, err = measure(form.Open(), roots); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(m)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// inChild measures a form in a child.
func inChild(t *testing.T, name string) (m figures) {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), formVariable+"="+name)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	require.NoError(t, json.Unmarshal(out, &m))
	return m
}

// bounds has a bound for each form with tasks, beside the goal: bytes per root, on the Go heap, on
// stacks and in live frames. The goals are of RSS, which is a little more. A bound is what was
// measured and a tenth. The figures of goroutines are Go's, and have no bounds.
//
// left is the bound for what is left of a root after the release and a Trim, on the Go heap. The
// goal is nothing.
var bounds = []struct {
	name    string
	goal    int     // 0: there is none
	total   float64 // bytes per root while all wait
	objects float64 // objects per root on the Go heap while all wait
	scanned float64 // bytes per root that a collection scans while all wait
	left    float64 // bytes per root on the Go heap after the release
}{
	{"nothing", 0, 3, 0.05, 3, 9},
	{"go", 128, 137, 0.05, 3, 19},
	{"on-error", 176, 137, 0.05, 3, 19},
	{"on-result", 176, 154, 0.07, 3, 19},
	{"context", 176, 137, 0.05, 3, 19},
	{"context-each", 352, 1122, 9.50, 860, 10},
	{"context-alone", 0, 103, 2.15, 103, 8},
	{"allocator", 176, 137, 0.05, 3, 19},
	{"root-frame-size", 176, 137, 0.05, 3, 19},
	{"counted", 176, 137, 0.05, 3, 19},
	{"options", 176, 233, 0.08, 4, 19},
	{"start", 208, 213, 1.10, 81, 10},
	{"start-context-each", 432, 1310, 10.57, 940, 8},
	{"held-16", 160, 166, 0.07, 33, 19},
	{"held-64", 208, 216, 0.07, 83, 19},
	{"event", 128, 137, 0.05, 3, 19},
	{"mutex", 128, 137, 0.05, 3, 19},
	{"chan", 144, 148, 0.05, 3, 30},
	{"semaphore", 144, 148, 0.05, 3, 30},
	{"sleep-16", 128, 137, 0.05, 3, 19},
	{"sleep-80", 192, 172, 0.05, 3, 19},
	{"handle", 144, 156, 0.07, 22, 19},
	{"waker", 144, 146, 0.06, 4, 11},
	{"select-two", 256, 403, 0.05, 3, 28},
	{"select-after", 256, 270, 0.05, 3, 28},
	{"after", 176, 138, 0.05, 3, 19},
	{"timeout", 208, 208, 0.08, 4, 20},
	{"shield", 208, 208, 0.08, 4, 19},
	{"blocking", 0, 3853, 11.62, 1335, 1023},
	{"await-on", 0, 552, 2.17, 288, 191},
	{"wait-context", 0, 835, 6.37, 472, 586},
	{"order", 0, 664, 3.24, 321, 322},
}

func TestBoundsOfEachForm(t *testing.T) {
	switch {
	case framecheck.Enabled:
		t.Skip("checked mode adds guards to frames")
	case race.Enabled:
		t.Skip("the race detector has sync.Pool drop objects")
	case slab.FromHeap:
		t.Skip("the slabs are on the Go heap, where they would count twice")
	case testing.Short():
		t.Skip("there is a process for each form")
	}
	measured := map[string]bool{}
	for _, bound := range bounds {
		measured[bound.name] = true
		t.Run(bound.name, func(t *testing.T) {
			m := inChild(t, bound.name)
			each := func(n int64) float64 { return float64(n) / roots }
			t.Logf("%-20s goal %4d: %7.1f bytes, %5.2f objects, %6.1f bytes scanned, %6.1f bytes left", bound.name, bound.goal,
				each(m.Waiting.Total()), each(m.Waiting.Objects), each(m.Waiting.Scanned), each(m.Left.Heap))
			require.LessOrEqual(t, each(m.Waiting.Total()), bound.total, "bytes: heap %.1f, stacks %.1f, frames %.1f",
				each(m.Waiting.Heap), each(m.Waiting.Stacks), each(m.Waiting.Frames))
			require.LessOrEqual(t, each(m.Waiting.Objects), bound.objects, "objects")
			require.LessOrEqual(t, each(m.Waiting.Scanned), bound.scanned, "bytes that a collection scans")
			require.LessOrEqual(t, each(m.Left.Heap), bound.left, "bytes that are left")
			require.LessOrEqual(t, m.Left.Frames, int64(0), "frames that are left")
			// Frames are in slabs of 2 MiB, those of each class in others.
			require.LessOrEqual(t, m.Waiting.Mapped, m.Waiting.Frames+m.Waiting.Frames/8+8<<20, "mapped")
		})
	}
	for _, form := range waiting.Forms {
		require.True(t, measured[form.Name] || form.Group == waiting.Goroutines, "%s has no bound", form.Name)
	}
}
