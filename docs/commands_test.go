package docs_test

import (
	"regexp"
	"slices"
	"strings"
)

var (
	words     = regexp.MustCompile(`'[^']*'|[^\s']+`)
	directory = regexp.MustCompile(`^\./[\w./{},-]*$`)
	braces    = regexp.MustCompile(`^(.*)\{(.*)\}(.*)$`)
)

// unknownCommands returns the directories, benchmarks, fuzz targets and build tags that the go
// commands of a page name but that do not exist.
func unknownCommands(r *repository, page string) (faults []string) {
	own := filesOfReader(r.pages[page])
	lines := indented.FindAllString(r.pages[page], -1)
	for _, line := range append(lines, spans(r.pages[page])...) {
		line, _, _ = strings.Cut(line, " #")
		from := ""
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "cd bench && "); ok {
			from, line = "bench/", rest
		}
		args := words.FindAllString(strings.ReplaceAll(line, `\|`, "|"), -1)
		for len(args) > 0 && strings.Contains(args[0], "=") {
			args = args[1:] // variables of the environment
		}
		if len(args) < 2 || args[0] != "go" || !slices.Contains([]string{"build", "run", "test", "vet"}, args[1]) {
			continue
		}
		for i, arg := range args[1:] {
			before := args[i]
			value, _, _ := strings.Cut(strings.Trim(arg, "'"), "/") // behind it are names of sub-benchmarks
			switch {
			case before == "-bench" && !r.symbols.matches("Benchmark", value):
				faults = append(faults, "no benchmark matches "+value)
			case before == "-fuzz" && !r.symbols.matches("Fuzz", strings.TrimPrefix(value, "Fuzz")):
				faults = append(faults, "no fuzz target is "+value)
			case before == "-tags" && !r.symbols.words[value]:
				faults = append(faults, "there is no build tag "+value)
			case directory.MatchString(arg):
				for _, dir := range alternatives(strings.TrimSuffix(arg, "...")) {
					if !r.exists(from+dir) && !own[dir] {
						faults = append(faults, "there is no directory "+from+dir)
					}
				}
			}
		}
	}
	return faults
}

// matches reports whether a test function's name has the prefix and then matches pattern
// somewhere.
func (s *symbols) matches(prefix, pattern string) bool {
	expression, err := regexp.Compile(pattern)
	if err != nil {
		return false
	}
	for name, isTest := range s.tests {
		if rest, ok := strings.CutPrefix(name, prefix); ok && isTest && expression.MatchString(rest) {
			return true
		}
	}
	return false
}

// alternatives returns the paths that a shell makes of a path with braces.
func alternatives(path string) (paths []string) {
	found := braces.FindStringSubmatch(path)
	if found == nil {
		return []string{path}
	}
	for part := range strings.SplitSeq(found[2], ",") {
		paths = append(paths, found[1]+part+found[3])
	}
	return paths
}
