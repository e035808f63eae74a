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

// site is where an operation is in the code. There is one for each way that led there.
type site struct {
	functions []string // the one with the operation, and those that called it
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

// where is the site without the way.
func (s *site) where() string { return s.function() + " " + s.String() }

func (s *site) function() string { return s.functions[0] }

// within reports whether the operation is in the function with this name, or in one that
// it calls. Names are as in "bins.(*Stack).Push".
func (s *site) within(name string) bool {
	for _, f := range s.functions {
		if f == name {
			return true
		}
	}
	return false
}

const siteDepth = 10

// somewhere is where operations are when nobody wants to know, since to find out costs more
// than all the rest.
var somewhere = &site{functions: []string{"?"}}

// sites are those that there were. Threads use it, one at a time.
var sites = make(map[[siteDepth]uintptr]*site)

// here returns the site of the operation that is being done, or nil if it is not one that is
// explored. Files of other packages whose
// names end in _explore.go are taken for a part of this one.
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
		if name == "interleave.(*Run).live" {
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

// text returns the line of code, or nothing if it can't be read.
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
