package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/testkit/tempmodule"
)

// freshModule is a module outside of the repository, as a reader of the documentation makes it.
type freshModule struct {
	t   *testing.T
	dir string
	env []string
}

// newFreshModule makes a module of the files, by path and text, with the command as a tool.
func newFreshModule(t *testing.T, files map[string]string) *freshModule {
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	m := &freshModule{t, t.TempDir(), append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GOPROXY=off")}
	require.NoError(t, tempmodule.Write(m.dir, "fresh", repository))
	for name, text := range files {
		m.write(name, text)
	}
	m.run("go", strings.Fields(getTool)[1:]...)
	return m
}

// The commands that the pages show.
const (
	getTool = "go get -tool github.com/framearena/framearena/cmd/framearena"
	gen     = "go tool framearena gen ./..."
)

func (m *freshModule) write(name, text string) {
	path := filepath.Join(m.dir, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(m.t, os.WriteFile(path, []byte(text), 0o644))
}

func (m *freshModule) run(name string, args ...string) string {
	m.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = m.dir
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	require.NoError(m.t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}

// runLine runs a command that a page shows.
func (m *freshModule) runLine(page, line string) string {
	m.t.Helper()
	require.Contains(m.t, page, line)
	return m.run(strings.Fields(line)[0], strings.Fields(line)[1:]...)
}

func textOf(t *testing.T, path string) string {
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// programsOf returns the complete programs of a page.
func programsOf(page string) (programs []string) {
	for _, block := range regexp.MustCompile("(?ms)^```go\n(package main\n.*?)^```$").FindAllStringSubmatch(page, -1) {
		programs = append(programs, block[1])
	}
	return programs
}

var fresh = flag.Bool("fresh", false, "do what README.md and docs/getting-started.md say, in a module outside of the repository")

// TestAFreshModule does what README.md and docs/getting-started.md say, with their programs, in a module
// outside of the repository: they run before and after the documented commands. The programs of
// docs/tasks.md, which run on goroutines in their packages, are compiled there and do the same.
func TestAFreshModule(t *testing.T) {
	if !*fresh {
		return // it builds everything anew, which takes minutes: a stage of .ci/run has the flag
	}
	readme, page := textOf(t, "../../README.md"), textOf(t, "../../docs/getting-started.md")
	first, programs := programsOf(readme), programsOf(page)
	require.Len(t, first, 1)
	require.Len(t, programs, 3)
	files := map[string]string{"readme/main.go": first[0], "main.go": programs[0], "many/main.go": programs[1], "shop/main.go": programs[2]}
	for _, pattern := range []string{"docs/example_greeting_test.go", "docs/example_many_test.go", "docs/*orders_test.go", "task/example_plain*_test.go", "task/example_squares_test.go"} {
		names, err := filepath.Glob(filepath.Join("../..", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			files[filepath.Join(filepath.Dir(pattern), filepath.Base(name))] = textOf(t, name)
		}
	}
	files["docs/main_test.go"] = "package docs_test\n" + noUncompiled
	files["task/main_test.go"] = "package task_test\n" + noUncompiled
	m := newFreshModule(t, files)

	goroutines := func() int {
		found := regexp.MustCompile(`^10000 tasks wait, and there are (\d+) goroutines\n$`).FindStringSubmatch(m.runLine(page, "go run ./many"))
		require.NotNil(t, found)
		n, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		return n
	}
	const hello = "hello 1\nhello 2\nhello 3\n3 <nil>\n"
	require.Equal(t, "385 <nil>\n", m.run("go", "run", "./readme"))
	require.Equal(t, hello, m.runLine(page, "go run ."))
	require.Greater(t, goroutines(), 10_000)

	for _, text := range []string{readme, page} {
		require.Contains(t, text, "    "+getTool+"\n    "+gen+"\n")
	}
	m.runLine(page, gen)
	for _, dir := range []string{"readme", ".", "many", "shop"} {
		require.FileExists(t, filepath.Join(m.dir, dir, "main_task.go"))
	}
	require.Equal(t, "385 <nil>\n", m.run("go", "run", "./readme"))
	require.Equal(t, hello, m.runLine(page, "go run ."))
	require.Less(t, goroutines(), 100)
	for line := range strings.Lines(m.run("go", "tool", "framearena", "gen", "-m", ".", "./many", "./shop")) {
		require.Contains(t, page, "\n    "+line)
	}
	m.runLine(page, "go tool framearena gen -check ./...")
	m.runLine(page, "go tool framearena vet ./...")
	m.run("go", "vet", "./...")
	m.run("go", "test", "./...")
}

// noUncompiled fails the tests of a package if they have run a function that is not compiled.
const noUncompiled = `
import (
	"fmt"
	"os"
	"testing"

	"github.com/framearena/framearena/task"
)

func TestMain(m *testing.M) {
	code := m.Run()
	for u := range task.UncompiledFunctions() {
		fmt.Println("not compiled:", u.Function)
		code = 1
	}
	os.Exit(code)
}
`
