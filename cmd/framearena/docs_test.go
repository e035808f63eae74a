package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/testkit/soak"
	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
)

var (
	page    = filepath.Join("..", "..", "docs", "command.md")
	picture = filepath.Join("..", "..", "docs", "arena-map.svg")

	update = flag.Bool("update", false, "write the usage of all subcommands, and the map, to docs")
)

// usageBlock matches a block of the page with the usage of a command, and the command.
var usageBlock = regexp.MustCompile("(?s)```text\nUsage:\n  (framearena(?: [a-z]+)?)[ \n].*?```\n")

// TestPageHasAllUsages compares the usages on the page with those that help prints. The
// command go test ./cmd/framearena -run Page -update writes them to the page.
func TestPageHasAllUsages(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	root := newRootCommand(newStreams(nil, nil, nil), nil)
	root.InitDefaultHelpCmd()
	usages := map[string]string{}
	for _, command := range append(root.Commands(), root) {
		command.InitDefaultHelpFlag()
		usages[command.CommandPath()] = "```text\n" + command.UsageString() + "```\n"
	}
	if *update {
		text = usageBlock.ReplaceAllFunc(text, func(block []byte) []byte {
			usage, ok := usages[string(usageBlock.FindSubmatch(block)[1])]
			if !ok {
				return block
			}
			return []byte(usage)
		})
		require.NoError(t, os.WriteFile(page, text, 0o666))
	}
	for name, usage := range usages {
		require.Contains(t, string(text), usage, "%s: run go test -run Page -update", name)
	}
}

// TestPageHasAllFields looks for the fields of each JSON document in the section about it.
func TestPageHasAllFields(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		title, rest, _ := strings.Cut(section, "\n")
		sections[title] = rest
	}
	for title, document := range map[string]any{
		"The tour":   report{},
		"Programs":   programsReport{},
		"Replay":     replayReport{},
		"Map":        mapReport{},
		"Soak":       soak.Summary{},
		"Version":    version{},
		"Completion": completion{},
		"Help":       help{},
		"Vet":        vetReport{},
		"Gen":        genReport{},
	} {
		for _, field := range fieldsOf(reflect.TypeOf(document)) {
			if title != "The tour" && reflect.TypeFor[machine]() == field.of {
				continue // the section about the tour has them
			}
			require.Contains(t, sections[title], "`"+field.name+"`", title)
		}
	}
}

// jsonField is a field of a JSON document.
type jsonField struct {
	name string
	of   reflect.Type
}

func fieldsOf(t reflect.Type) (fields []jsonField) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields = append(fields, jsonField{name, t})
			fields = append(fields, fieldsOf(f.Type)...)
		}
	}
	return fields
}

// TestPageHasTheMap compares the picture in docs, and the page's line about it, with a new
// picture of the demonstration.
func TestPageHasTheMap(t *testing.T) {
	if framecheck.Enabled || slab.FromHeap || runtime.GOOS != "linux" || strconv.IntSize < 64 || os.Getpagesize() != 4096 {
		// Checked mode adds guards to frames. On other systems the order of slabs differs,
		// and so do the pieces in which memory is given back.
		return
	}
	file := filepath.Join(t.TempDir(), "arena.svg")
	_, stdout, stderr := call(t, "map", "-o", file)
	require.Empty(t, stderr)
	drawn, err := os.ReadFile(file)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(picture, drawn, 0o666))
	}
	shown, err := os.ReadFile(picture)
	require.NoError(t, err)
	require.True(t, bytes.Equal(drawn, shown), "run go test -run Page -update")

	text, err := os.ReadFile(page)
	require.NoError(t, err)
	require.Contains(t, string(text), fmt.Sprintf("    $ framearena map -o arena.svg\n    arena.svg%s", strings.TrimPrefix(stdout, file)))
}
