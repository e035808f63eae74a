//go:build framearena_explore

package interleave

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// site is the place of an operation in the code, with the calls that lead there. The same line
// reached by other calls is another site.
type site struct {
	functions []string // the function with the operation, and then its callers
	file      string
	line      int
	pkg       string
}

func (s *site) String() string {
	if s == nil {
		return "nowhere"
	}
	return fmt.Sprintf("%s:%d", filepath.Join(filepath.Base(filepath.Dir(s.file)), filepath.Base(s.file)), s.line)
}

// where returns the site without the calls that lead there.
func (s *site) where() string { return s.function() + " " + s.String() }

func (s *site) function() string { return s.functions[0] }

// within reports whether the operation is in the function with this name, or in a function that
// it calls. Names are like "bins.(*Stack).Push".
func (s *site) within(name string) bool {
	for _, f := range s.functions {
		if f == name {
			return true
		}
	}
	return false
}

const siteDepth = 10

// somewhere is the site of all operations as long as sites are not looked up, which costs more
// than all the rest.
var somewhere = &site{functions: []string{"?"}}

// sites has all sites so far, by their calls. Threads use it, one at a time.
var sites = make(map[[siteDepth]uintptr]*site)

// here returns the site of the operation that its caller is about to do. It returns nil if the
// operation is not to be explored. Files of other packages whose names end in _explore.go
// count as part of this package.
func (r *Run) here() *site {
	if !r.x.sited {
		return somewhere
	}
	var pcs [siteDepth]uintptr
	n := runtime.Callers(2, pcs[:])
	s := sites[pcs]
	if s == nil {
		s = newSite(pcs, n)
		sites[pcs] = s
	}
	if only := r.x.options.packages; only != nil && !slices.Contains(only, s.pkg) {
		return nil
	}
	return s
}

func newSite(pcs [siteDepth]uintptr, n int) *site {
	s := new(site)
	frames := runtime.CallersFrames(pcs[:n])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		if name == "interleave.(*Run).runThread" {
			break
		}
		if strings.HasPrefix(name, "interleave.") && !strings.HasSuffix(f.File, "_test.go") || strings.HasSuffix(f.File, "_explore.go") {
			continue
		}
		if s.file == "" {
			s.file, s.line = f.File, f.Line
		}
		s.functions = append(s.functions, strings.ReplaceAll(name, "[...]", ""))
	}
	if s.functions == nil {
		s.functions = []string{"?"}
	}
	s.pkg, _, _ = strings.Cut(s.functions[0], ".")
	s.pkg = strings.TrimSuffix(s.pkg, "_test")
	return s
}

var sources = make(map[string][]string)

// text returns the line of code, or "" if the file cannot be read.
func (s *site) text() string {
	lines, ok := sources[s.file]
	if !ok {
		if text, err := os.ReadFile(s.file); err == nil {
			lines = strings.Split(string(text), "\n")
		}
		sources[s.file] = lines
	}
	if s.line-1 >= len(lines) || s.line < 1 {
		return ""
	}
	return strings.TrimSpace(lines[s.line-1])
}
