package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/workloads/programs"
	"github.com/framearena/framearena/internal/workloads/waiting"
)

var (
	memoryPage = filepath.Join("..", "..", "docs", "memory.md")

	measure = flag.Bool("measure", false, "measure what docs/memory.md has, and write its tables")
)

// memoryTable matches a table of the page: the comment with its name, and the table.
var memoryTable = regexp.MustCompile("(?s)(<!-- (waiting|programs): [^\n]*-->\n\n```text\n)(.*?)```\n")

// TestMemoryPage looks for each row in the tables of docs/memory.md, and for the lines of each program. On a quiet machine, the command
//
//	go test ./cmd/framearena -run MemoryPage -measure
//
// writes the tables with new figures. It takes some minutes. Those in README.md are a selection by hand.
func TestMemoryPage(t *testing.T) {
	text, err := os.ReadFile(memoryPage)
	require.NoError(t, err)
	if *measure {
		text = memoryTable.ReplaceAllFunc(text, func(block []byte) []byte {
			found := memoryTable.FindSubmatch(block)
			args := map[string][]string{"waiting": {"tasks"}, "programs": {"programs", "-rounds", "7"}}[string(found[2])]
			status, stdout, stderr := call(t, args...)
			require.Equal(t, exitSuccess, status, stderr)
			_, stdout, _ = strings.Cut(stdout, "\n\n") // the machine
			if _, after, ok := strings.Cut(stdout, "\n\n100,000 waiting roots"); ok {
				stdout = "100,000 waiting roots" + after
			}
			return []byte(string(found[1]) + stdout + "```\n")
		})
		require.NoError(t, os.WriteFile(memoryPage, text, 0o666))
	}
	tables := map[string]string{}
	for _, found := range memoryTable.FindAllSubmatch(text, -1) {
		tables[string(found[2])] = string(found[3])
	}
	for _, form := range waiting.Forms {
		require.Contains(t, tables["waiting"], "    "+form.Title+" ")
	}
	for _, p := range programs.Programs {
		lines := fmt.Sprintf(`(?m)^  %s +%d +%d +%d +`, regexp.QuoteMeta(p.Title), p.Lines[programs.Tasks], p.Lines[programs.Plain], p.Lines[programs.Goroutines])
		require.Regexp(t, lines, tables["programs"])
	}
}
