package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/workloads/programs"
)

func TestProgramsJSON(t *testing.T) {
	status, stdout, stderr := call(t, "programs", "-part", "0.002", "-rounds", "2", "-json", "-cpu", "1")
	require.Equal(t, exitSuccess, status, stderr)
	var r programsReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, 1, r.Machine.GOMAXPROCS)
	require.Equal(t, 2, r.Rounds)
	require.Len(t, r.Rows, len(programs.Programs))
	for i, p := range programs.Programs {
		row := r.Rows[i]
		require.Equal(t, p.Name, row.Name)
		require.Equal(t, p.Title, row.Title)
		require.Equal(t, p.Size/500, row.Size)
		require.Equal(t, p.Goal, row.Goal)
		for _, form := range programs.Forms {
			figures := row.form(form)
			require.Equal(t, p.Lines[form], figures.Lines)
			require.NotEmpty(t, figures.MemorySource)
			require.Positive(t, figures.GCFullNs)
			require.Positive(t, figures.TimeNs)
		}
	}
}

func TestProgramsTable(t *testing.T) {
	r := programsReport{Rounds: 3, Rows: []programRow{
		{
			Title: "chat room, members", Size: 50_000,
			Tasks:      programFigures{70, 20e6, "VmRSS", 200_000, 1e9, 1.1e9},
			Plain:      programFigures{50, 21e6, "VmRSS", 210_000, 1.2e9, 1.3e9},
			Goroutines: programFigures{52, 150e6, "VmRSS", 120e6, 2e9, 3e9},
		},
		{
			Title: "orders", Size: 100_000,
			Tasks:      programFigures{90, 70e6, "VmRSS", 1.5e6, 1e9, 1.1e9},
			Plain:      programFigures{60, 60e6, "VmRSS", 1.4e6, 5e8, 6e8},
			Goroutines: programFigures{60, 490e6, "VmRSS", 300e6, 1e9, 2e9},
		},
	}}
	require.Equal(t, `
Five programs, with tasks by hand, in plain Go, and with goroutines: medians of
3 rounds; ratios are of goroutines to plain Go

  memory (from VmRSS)     size  by hand  plain Go  goroutines  ratio
  chat room, members    50,000  20.0 MB   21.0 MB      150 MB  7.14×
  orders               100,000  70.0 MB   60.0 MB      490 MB  8.17×

  lines of code       by hand  plain Go  goroutines  ratio
  chat room, members       70        50          52  1.04×
  orders                   90        60          60  1.00×

  time                by hand  plain Go  goroutines  ratio
  chat room, members   1.00 s    1.20 s      2.00 s  1.67×
  orders               1.00 s    500 ms      1.00 s  2.00×

  CPU time            by hand  plain Go  goroutines  ratio
  chat room, members   1.10 s    1.30 s      3.00 s  2.31×
  orders               1.10 s    600 ms      2.00 s  3.33×

  runtime.GC() meanwhile  by hand  plain Go  goroutines  ratio
  chat room, members       200 µs    210 µs      120 ms   571×
  orders                  1.50 ms   1.40 ms      300 ms   214×
`, r.text())
	for i := range r.Rows {
		for _, form := range programs.Forms {
			r.Rows[i].form(form).CPUNs = 0
		}
	}
	require.NotContains(t, r.text(), "CPU")
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
