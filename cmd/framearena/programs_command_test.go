package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/workloads/programs"
)

func TestProgramsJSON(t *testing.T) {
	status, stdout, stderr := call(t, "programs", "-part", "0.002", "-json", "-cpu", "1")
	require.Equal(t, exitSuccess, status, stderr)
	var r programsReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, 1, r.Machine.GOMAXPROCS)
	require.Len(t, r.Rows, len(programs.Programs))
	for i, p := range programs.Programs {
		row := r.Rows[i]
		require.Equal(t, p.Name, row.Name)
		require.Equal(t, p.Title, row.Title)
		require.Equal(t, p.Size/500, row.Size)
		require.Equal(t, p.Goal, row.Goal)
		for _, memory := range []programMemory{row.Tasks, row.Plain, row.Goroutines} {
			require.NotEmpty(t, memory.MemorySource)
			require.Positive(t, memory.GCFullNs)
		}
	}
}

func TestProgramsTable(t *testing.T) {
	memory := func(bytes, ns float64) programMemory { return programMemory{bytes, "VmRSS", ns} }
	r := programsReport{Rows: []programRow{
		{Title: "chat room, members", Size: 50_000, Tasks: memory(20e6, 200_000), Plain: memory(21e6, 210_000), Goroutines: memory(150e6, 120e6)},
		{Title: "orders", Size: 100_000, Tasks: memory(70e6, 1_500_000), Plain: memory(60e6, 1_400_000), Goroutines: memory(490e6, 300e6)},
	}}
	require.Equal(t, `
Five programs, with tasks by hand, in plain Go, and with goroutines: memory
while everything waits (from VmRSS)

                         size    tasks  plain Go  goroutines  ratio
  chat room, members   50,000  20.0 MB   21.0 MB      150 MB  7.50×
  orders              100,000  70.0 MB   60.0 MB      490 MB  7.00×

  runtime.GC() meanwhile    tasks  plain Go  goroutines  ratio
  chat room, members       200 µs    210 µs      120 ms   600×
  orders                  1.50 ms   1.40 ms      300 ms   200×
`, r.text())
}

func TestWrongPrograms(t *testing.T) {
	for _, part := range []string{"0", "-1", "11", "half", "NaN"} {
		status, _, stderr := call(t, "programs", "-part", part)
		require.Equal(t, exitUsage, status)
		require.Contains(t, stderr, `for "--part" flag: must be a number above 0, up to 10`)
	}
	for order, says := range map[string]string{
		"program/web server/tasks": `no program is named "web server"`,
		"program/chat/threads":     "a program is measured with tasks, in plain Go or with goroutines",
		"program/chat":             "a program is measured with tasks, in plain Go or with goroutines",
		"waiting/thread":           `no form is named "thread"`,
	} {
		_, err := measureHere(order, []string{"5"}, func(string) {})
		require.EqualError(t, err, says)
	}
}
