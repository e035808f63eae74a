package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/testkit/tempmodule"
)

var tools = flag.Bool("tools", false, "try builds for other systems, the race detector, delve and gopls on a module with generated code")

// The versions of the tools that the tests try. They are downloaded.
const (
	delve = "github.com/go-delve/delve/cmd/dlv@v1.27.2"
	gopls = "golang.org/x/tools/gopls@v0.23.0"
)

// toolModule is a module with README's program, outside of the repository.
type toolModule struct {
	*testing.T
	dir string
}

const toolModuleTest = `package main

import (
	"testing"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

func TestSumOfSquares(t *testing.T) {
	pool := executor.NewPool()
	defer pool.Close()
	sum, err := task.Run(t.Context(), pool, task.Call1(sumOfSquares, 10), task.RequireCompiled())
	if sum != 385 || err != nil {
		t.Fatal(sum, err)
	}
}
`

// newToolModule makes the module, with generated code or, as it is before gen has run, without.
func newToolModule(t *testing.T, generated bool) *toolModule {
	repository, err := filepath.Abs("../..")
	require.NoError(t, err)
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	require.NoError(t, err)
	_, program, found := strings.Cut(string(readme), "```go\n")
	require.True(t, found)
	program, _, _ = strings.Cut(program, "```")

	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	m := &toolModule{t, dir}
	require.NoError(t, tempmodule.Write(dir, "example.com/squares", repository))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main_test.go"), []byte(toolModuleTest), 0o644))
	for name, value := range map[string]string{"GOFLAGS": "-mod=mod", "GOWORK": "off"} {
		t.Setenv(name, value)
	}
	t.Chdir(dir)
	if generated {
		m.gen()
	}
	return m
}

// gen runs framearena gen in the module.
func (m *toolModule) gen(flags ...string) {
	m.Helper()
	status, stdout, stderr := call(m.T, append([]string{"gen"}, flags...)...)
	require.Equal(m, exitSuccess, status, stdout+stderr)
	require.FileExists(m, filepath.Join(m.dir, "main_task.go"))
}

// line returns the number of the line of main.go that has the text.
func (m *toolModule) line(text string) int {
	m.Helper()
	source, err := os.ReadFile(filepath.Join(m.dir, "main.go"))
	require.NoError(m, err)
	before, _, found := strings.Cut(string(source), text)
	require.True(m, found, text)
	return 1 + strings.Count(before, "\n")
}

// run runs a command in the module, and returns what it prints.
func (m *toolModule) run(env []string, name string, args ...string) string {
	m.Helper()
	cmd := exec.CommandContext(m.Context(), name, args...)
	cmd.Dir, cmd.Env = m.dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	require.NoError(m, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}

// installed installs a tool, and returns its path. The test is skipped if that is not possible.
func (m *toolModule) installed(path string) string {
	m.Helper()
	bin := m.TempDir()
	cmd := exec.CommandContext(m.Context(), "go", "install", path)
	cmd.Dir, cmd.Env = bin, append(os.Environ(), "GOBIN="+bin, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		m.Skipf("%s cannot be installed here: %v: %s", path, err, out)
	}
	name, _, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], "@")
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(bin, name)
}

// A module with generated code is built as any other.
func TestToolsBuild(t *testing.T) {
	for _, b := range []struct {
		name  string
		args  []string
		heavy bool // compiles the standard library anew
	}{
		{"without optimization", []string{"-gcflags=-N -l"}, false},
		{"without generated code", []string{"-tags", "framearena_plain"}, false},
		{"without paths", []string{"-trimpath"}, true},
		{"race detector", []string{"-race"}, true},
	} {
		t.Run(b.name, func(t *testing.T) {
			if b.heavy && !*tools {
				t.Skip("only with -tools: the standard library is compiled for it")
			}
			m := newToolModule(t, true)
			out := m.run(nil, "go", append(append([]string{"run"}, b.args...), ".")...)
			require.Equal(t, "385 <nil>\n", out)
			m.run(nil, "go", append(append([]string{"vet"}, b.args...), ".")...)
		})
	}
}

func TestToolsBuildForOtherSystems(t *testing.T) {
	if !*tools {
		t.Skip("only with -tools: the standard library is compiled for each")
	}
	m := newToolModule(t, true)
	for _, system := range []string{"darwin/arm64", "windows/amd64"} {
		goos, goarch, _ := strings.Cut(system, "/")
		program := filepath.Join(t.TempDir(), "squares")
		m.run([]string{"GOOS=" + goos, "GOARCH=" + goarch, "CGO_ENABLED=0"}, "go", "build", "-trimpath", "-o", program, ".")
		built, err := os.ReadFile(program)
		require.NoError(t, err)
		require.False(t, bytes.Contains(built, []byte(m.dir)), "%s: the program has a path of this machine", system)
	}
}

// Coverage of task functions counts the lines of the source, and nothing but these.
func TestToolsCover(t *testing.T) {
	m := newToolModule(t, true)
	profile := filepath.Join(t.TempDir(), "cover.out")
	m.run(nil, "go", "test", "-tags", "framearena_plain", "-coverprofile", profile, ".")
	text, err := os.ReadFile(profile)
	require.NoError(t, err)
	require.NotContains(t, string(text), "main_task.go")
	counted := func(statement string) string {
		found := regexp.MustCompile(fmt.Sprintf(`(?m)/main\.go:%d\.\d+,.* (\d+)$`, m.line(statement))).FindStringSubmatch(string(text))
		require.NotNil(t, found, statement)
		return found[1]
	}
	require.Equal(t, "1", counted("return n * n, nil"))
	require.Equal(t, "0", counted("func main() {")) // main has not run
}

// The language server has nothing to say before gen has run, nor afterwards.
func TestToolsGopls(t *testing.T) {
	if !*tools {
		t.Skip("only with -tools: gopls is downloaded")
	}
	m := newToolModule(t, false)
	server := m.installed(gopls)
	require.Empty(t, m.run(nil, server, "check", "main.go", "main_test.go"))
	m.gen()
	require.Empty(t, m.run(nil, server, "check", "main.go", "main_test.go", "main_task.go"))

	// It does say something of what is wrong.
	file := filepath.Join(m.dir, "main.go")
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, bytes.Replace(source, []byte("return n * n, nil"), []byte("return n * t, nil"), 1), 0o644))
	require.Contains(t, m.run(nil, server, "check", "main.go"), "main.go:")
}

// A debugger stops at a line of the source in each form of a function, by the whole name of the file, as
// editors give it.
func TestToolsDelve(t *testing.T) {
	if !*tools {
		t.Skip("only with -tools: delve is downloaded")
	}
	m := newToolModule(t, false)
	debugger := m.installed(delve)
	m.gen("--absolute")
	first, last := m.line("if err := t.Sleep"), m.line("return n * n, nil")
	for _, s := range []struct {
		name, tags   string
		line         int
		function     string
		stack, value string
	}{
		{"on a goroutine", "framearena_plain", last, "main.squared", "main.sumOfSquares", "n = 1"},
		{"before it waits", "", first, "main.squaredStart", "main.sumOfSquaresStep", "n = 1"},
		{"after it has waited", "", last, "main.squaredStep", "coro.(*Worker).steps", "n = 1"},
	} {
		t.Run(s.name, func(t *testing.T) {
			m := &toolModule{t, m.dir}
			program := filepath.Join(t.TempDir(), "squares")
			m.run(nil, "go", "build", "-gcflags=-N -l", "-tags", s.tags, "-o", program, ".")
			script := filepath.Join(t.TempDir(), "script")
			at := fmt.Sprintf("%s:%d", filepath.Join(m.dir, "main.go"), s.line)
			require.NoError(t, os.WriteFile(script, []byte("break "+at+"\ncontinue\nstack\nargs\nlocals\nclearall\nexit\n"), 0o644))
			cmd := exec.CommandContext(t.Context(), debugger, "exec", program, "--allow-non-terminal-interactive=true", "--init", script)
			cmd.Dir = m.dir
			out, err := cmd.CombinedOutput()
			session := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(string(out), "")
			if err != nil && strings.Contains(session, "operation not permitted") {
				t.Skipf("programs cannot be traced here: %s", session)
			}
			require.NoError(t, err, session)
			require.Contains(t, session, fmt.Sprintf("] %s() ./main.go:%d ", s.function, s.line))
			require.Contains(t, session, s.stack)
			require.Contains(t, session, s.value)
		})
	}
}
