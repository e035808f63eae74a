package compile

import (
	"cmp"
	"fmt"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// imports are the packages that an output file uses, under the names that the source file has for
// them if it imports them.
type imports struct {
	names map[string]string // by path
	paths map[string]string // by name
	used  map[string]bool   // paths
	named map[string]string // names of packages as they name themselves, by path
	taken func(string) bool // on the level of the package
}

func newImports(taken func(string) bool) *imports {
	return &imports{map[string]string{}, map[string]string{}, map[string]bool{}, map[string]string{}, taken}
}

// declare records an import of the source.
func (im *imports) declare(path, name, own string) {
	im.names[path], im.paths[name], im.named[path] = name, path, own
}

// reserve makes sure that the package has a name, which no variable gets.
func (im *imports) reserve(path, own string) string {
	if name := im.names[path]; name != "" {
		return name
	}
	name := fresh(own, func(s string) bool {
		return im.paths[s] != "" || im.taken(s) || types.Universe.Lookup(s) != nil
	})
	im.declare(path, name, own)
	return name
}

// use returns the name of a package.
func (im *imports) use(path, own string) string {
	im.used[path] = true
	return im.reserve(path, own)
}

func (im *imports) isTaken(name string) bool { return im.paths[name] != "" }

// text returns the import declaration.
func (im *imports) text() string {
	paths := slices.SortedFunc(maps.Keys(im.used), func(a, b string) int {
		return cmp.Or(cmp.Compare(boolInt(!isStandard(a)), boolInt(!isStandard(b))), cmp.Compare(a, b))
	})
	var b strings.Builder
	b.WriteString("import (\n")
	for i, path := range paths {
		if i > 0 && isStandard(paths[i-1]) && !isStandard(path) {
			b.WriteByte('\n')
		}
		if name := im.names[path]; name != im.named[path] || name != lastElement(path) {
			fmt.Fprintf(&b, "\t%s %s\n", name, strconv.Quote(path))
			continue
		}
		fmt.Fprintf(&b, "\t%s\n", strconv.Quote(path))
	}
	b.WriteString(")\n")
	return b.String()
}

func lastElement(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// isStandard reports whether the path looks like one of the standard library.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}
