// Package native builds the programs that are not part of this one: those in C, C++ and Rust,
// and one in Go with a GOEXPERIMENT. It reports the programs that cannot be built by name.
package native

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/framearena/framearena/bench/internal/contest"
)

//go:embed src
var sources embed.FS

// recipe is how a program is built.
type recipe struct {
	name string
	tool tool

	// variants are alternative arguments of the tool; the first that succeed are used. OUT
	// stands for the program's path.
	variants [][]string

	env []string
	dir string // where the tool runs, relative to the sources
}

// tool is a compiler, with the names that it may have.
type tool struct {
	title string
	names []string
}

var (
	cc     = tool{"a C compiler", []string{"gcc", "clang", "cc"}}
	gpp    = tool{"g++", []string{"g++"}}
	clang  = tool{"clang++", numbered("clang++", 25, 14)}
	rustc  = tool{"rustc", []string{"rustc"}}
	goTool = tool{"the go command", []string{"go"}}
)

// numbered returns the name with the versions that distributions append, the newest first, and
// the plain name last.
func numbered(name string, newest, oldest int) (names []string) {
	for v := newest; v >= oldest; v-- {
		names = append(names, fmt.Sprintf("%s-%d", name, v))
	}
	return append(names, name)
}

func recipes() []recipe {
	all := []recipe{
		{name: "alloc-none", tool: cc, variants: alloc("NOTHING", []string{})},
		{name: "alloc-glibc", tool: cc, variants: alloc("GLIBC", []string{})},
		{name: "alloc-jemalloc", tool: cc, variants: alloc("JEMALLOC",
			[]string{"-l:libjemalloc.a", "-lstdc++", "-lm", "-ldl"}, []string{"-ljemalloc"})},
		{name: "alloc-tcmalloc", tool: cc, variants: alloc("TCMALLOC",
			[]string{"-l:libtcmalloc_minimal.a", "-lstdc++", "-lm"}, []string{"-ltcmalloc_minimal"}, []string{"-ltcmalloc"})},
		{name: "alloc-mimalloc", tool: cc, variants: alloc("MIMALLOC",
			[]string{"-l:libmimalloc.a"}, []string{"-lmimalloc"})},
		{name: "chain-rust", tool: rustc, variants: [][]string{{"--edition", "2021", "-C", "opt-level=3", "-o", "OUT", "chain.rs"}}},
		{name: "arenas", tool: goTool, variants: [][]string{{"build", "-o", "OUT", "."}}, env: []string{"GOEXPERIMENT=arenas", "GOFLAGS="}, dir: "arenas"},
	}
	for name, t := range map[string]tool{"chain-gcc": gpp, "chain-clang": clang} {
		all = append(all, recipe{name: name, tool: t, variants: [][]string{{"-O3", "-std=c++20", "-o", "OUT", "chain.cpp"}}})
	}
	return all
}

// alloc returns the variants that build the program of the disciplines of allocators. The first
// ones link the allocator's library statically, as ours is linked into the Go program.
func alloc(allocator string, libraries ...[]string) (variants [][]string) {
	for _, l := range libraries {
		variants = append(variants, append([]string{
			"-O3", "-pthread", "-fno-builtin-malloc", "-fno-builtin-free", "-D" + allocator, "alloc.c", "-o", "OUT"}, l...))
	}
	return variants
}

// Programs are the programs that were built.
type Programs struct {
	dir     string
	paths   map[string]string
	missing map[string]error
	tools   map[string]string // by title: the first line of its version
}

// Build builds all programs, below dir. A program that cannot be built is missing, which is no
// error.
func Build(ctx context.Context, dir string) (*Programs, error) {
	if err := unpack(dir); err != nil {
		return nil, err
	}
	p := &Programs{dir, map[string]string{}, map[string]error{}, map[string]string{}}
	var mu sync.Mutex
	var building errgroup.Group
	building.SetLimit(runtime.NumCPU())
	for _, r := range recipes() {
		building.Go(func() error {
			path, version, err := r.build(ctx, dir)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				p.missing[r.name] = err
			} else {
				p.paths[r.name] = path
			}
			if version != "" && r.tool.title != goTool.title { // machine records the version of Go
				p.tools[r.tool.title] = version
			}
			return ctx.Err()
		})
	}
	return p, building.Wait()
}

// Path returns the path of a program, or an error that names what it lacks.
func (p *Programs) Path(name string) (string, error) {
	if err := p.missing[name]; err != nil {
		return "", err
	}
	path, ok := p.paths[name]
	if !ok {
		return "", fmt.Errorf("there is no program %q", name)
	}
	return path, nil
}

// Missing returns what each program that was not built lacks, by program.
func (p *Programs) Missing() map[string]error { return p.missing }

// Versions returns the versions of the compilers and allocators that were found, by title.
func (p *Programs) Versions(ctx context.Context) map[string]string {
	all := map[string]string{}
	for title, v := range p.tools {
		all[strings.TrimPrefix(title, "a ")] = v
	}
	for name, path := range p.paths {
		if allocator, ok := strings.CutPrefix(name, "alloc-"); ok && allocator != "none" {
			if out, err := exec.CommandContext(ctx, path, "version").Output(); err == nil {
				all[allocator] = strings.TrimSpace(string(out))
			}
		}
	}
	return all
}

// unpack writes the sources to dir. The Go program among them has another file name here, so
// that the go command does not take it for a part of this module.
func unpack(dir string) error {
	root, err := fs.Sub(sources, "src")
	if err != nil {
		return err
	}
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		to := filepath.Join(dir, strings.TrimSuffix(path, ".txt"))
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(to, 0o777)
		}
		text, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o666)
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "arenas", "go.mod"), []byte("module arenas\n\ngo 1.26\n"), 0o666)
}

// build builds the program and returns its path, and the version of the tool.
func (r recipe) build(ctx context.Context, dir string) (path, version string, err error) {
	compiler, err := r.tool.find()
	if err != nil {
		return "", "", err
	}
	version = versionOf(ctx, compiler)
	path = filepath.Join(dir, r.name+".exe") // a name that no other file in dir has
	for _, args := range r.variants {
		cmd := exec.CommandContext(ctx, compiler, replaced(args, "OUT", path)...)
		cmd.Dir = filepath.Join(dir, r.dir)
		cmd.Env = append(os.Environ(), r.env...)
		out, e := cmd.CombinedOutput()
		if e == nil {
			return path, version, nil
		}
		// The last variant needs the least, so its failure is the reason.
		err = contest.Missing("%s cannot build %s: %s", filepath.Base(compiler), r.name, reason(out, e))
	}
	return "", version, err
}

func (t tool) find() (string, error) {
	for _, name := range t.names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", contest.Missing("%s is not in PATH", t.title)
}

// versionOf returns the first line of a compiler's version.
func versionOf(ctx context.Context, compiler string) string {
	arg := "--version"
	if filepath.Base(compiler) == "go" {
		arg = "version"
	}
	out, err := exec.CommandContext(ctx, compiler, arg).Output()
	if err != nil {
		return filepath.Base(compiler)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func replaced(args []string, what, with string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if a == what {
			out[i] = with
		}
	}
	return out
}

// reason returns the line of a compiler's output that gives the reason of its failure.
func reason(out []byte, err error) string {
	for line := range bytes.Lines(out) {
		line := string(bytes.TrimSpace(line))
		for _, word := range []string{"error:", "cannot find", "not found", "ERROR"} {
			if strings.Contains(line, word) {
				return line
			}
		}
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return cmp.Or(first, err.Error())
}
