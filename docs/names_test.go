package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// symbols has the names that the sources declare.
type symbols struct {
	files    map[string]bool            // paths from the root, and names of files
	packages map[string]map[string]bool // what is declared at the top level, by package
	types    map[string]bool
	members  map[string]map[string]bool // methods and fields, by the name of the type
	embeds   map[string][]string        // by the name of the type
	tests    map[string]bool            // functions of tests
	options  map[string][]string        // exported functions that return an option, by package
	words    map[string]bool            // all identifiers and build tags
}

func newSymbols() *symbols {
	return &symbols{
		files:    make(map[string]bool),
		packages: make(map[string]map[string]bool),
		types:    make(map[string]bool),
		members:  make(map[string]map[string]bool),
		embeds:   make(map[string][]string),
		tests:    make(map[string]bool),
		options:  make(map[string][]string),
		words:    make(map[string]bool),
	}
}

// add parses a file. Types of the same name in several packages are treated as one, since a page
// names a type without its package.
func (s *symbols) add(short string, source []byte) error {
	file, err := parser.ParseFile(token.NewFileSet(), short, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s.files[short], s.files[path.Base(short)] = true, true
	for _, group := range file.Comments {
		if tags, ok := strings.CutPrefix(group.List[0].Text, "//go:build "); ok {
			for _, tag := range strings.FieldsFunc(tags, func(c rune) bool { return strings.ContainsRune(" !&|()", c) }) {
				s.words[tag] = true
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			s.words[id.Name] = true
		}
		return true
	})
	top := put(s.packages, strings.TrimSuffix(file.Name.Name, "_test"))
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv != nil {
				put(s.members, nameOfType(decl.Recv.List[0].Type))[decl.Name.Name] = true
				continue
			}
			top[decl.Name.Name] = true
			isTest := strings.HasSuffix(short, "_test.go")
			s.tests[decl.Name.Name] = isTest
			if results := decl.Type.Results; !isTest && decl.Name.IsExported() && results != nil && isOption(nameOfType(results.List[0].Type)) {
				s.options[file.Name.Name] = append(s.options[file.Name.Name], decl.Name.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					top[spec.Name.Name] = true
					s.addType(spec)
				case *ast.ValueSpec:
					for _, name := range spec.Names {
						top[name.Name] = true
					}
				}
			}
		}
	}
	return nil
}

func (s *symbols) addType(spec *ast.TypeSpec) {
	name := spec.Name.Name
	s.types[name] = true
	if alias := nameOfType(spec.Type); alias != "" {
		s.embeds[name] = append(s.embeds[name], alias)
	}
	var fields *ast.FieldList
	switch t := spec.Type.(type) {
	case *ast.StructType:
		fields = t.Fields
	case *ast.InterfaceType:
		fields = t.Methods
	default:
		return
	}
	members := put(s.members, name)
	for _, field := range fields.List {
		for _, n := range field.Names {
			members[n.Name] = true
		}
		if embedded := nameOfType(field.Type); len(field.Names) == 0 && embedded != "" {
			members[embedded] = true
			s.embeds[name] = append(s.embeds[name], embedded)
		}
	}
}

// has reports whether a type, or one that it embeds, has a member.
func (s *symbols) has(typ, member string) bool {
	return s.members[typ][member] ||
		slices.ContainsFunc(s.embeds[typ], func(e string) bool { return e != typ && s.has(e, member) })
}

func put(m map[string]map[string]bool, key string) map[string]bool {
	if m[key] == nil {
		m[key] = make(map[string]bool)
	}
	return m[key]
}

// nameOfType returns the last name of a type without pointers and type arguments.
func nameOfType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return nameOfType(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.IndexExpr:
		return nameOfType(e.X)
	case *ast.IndexListExpr:
		return nameOfType(e.X)
	}
	return ""
}

var (
	dotted     = regexp.MustCompile(`[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+`)
	identifier = regexp.MustCompile(`^[A-Za-z_]\w*$`)
	sourceFile = regexp.MustCompile(`^[\w./-]+\.(go|s)$`)
	testFunc   = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)[A-Z]\w*$`)
)

// The packages whose names are looked up. Others, such as context, are not ours.
var ours = []string{"arena", "bins", "coro", "task", "executor", "fuzz", "slab", "inspect", "prom", "soak", "interleave", "tasktree", "goroutine", "refusal"}

// unknownNames returns the names on a page, such as coro.Await or Mutex.Lock, that our packages and
// types do not have.
func unknownNames(r *repository, page string) (faults []string) {
	s := r.symbols
	for _, span := range spans(r.pages[page]) {
		for _, name := range dotted.FindAllString(span, -1) {
			parts := strings.Split(name, ".")
			if s.files[name] {
				continue
			}
			if slices.Contains(ours, parts[0]) {
				if !s.packages[parts[0]][parts[1]] {
					faults = append(faults, "there is no "+name)
				}
				parts = parts[1:]
			}
			known := s.types[parts[0]] && (ast.IsExported(parts[0]) || isForMaintainers(page))
			if len(parts) > 1 && known && !s.has(parts[0], parts[1]) {
				faults = append(faults, name+": "+parts[0]+" has no "+parts[1])
			}
		}
	}
	return faults
}

// unknownSources returns the Go files and the tests that a page names but that do not exist.
func unknownSources(r *repository, path string) (faults []string) {
	own := filesOfReader(r.pages[path])
	for _, span := range spans(r.pages[path]) {
		switch {
		case sourceFile.MatchString(span) && !r.symbols.files[span] && !r.exists(span) && !own[strings.Replace(span, "_task.go", ".go", 1)]:
			faults = append(faults, "there is no file "+span)
		case testFunc.MatchString(span) && !r.symbols.tests[span]:
			faults = append(faults, "there is no test "+span)
		}
	}
	return faults
}

// saved finds the files that a page tells its reader to make.
var saved = regexp.MustCompile("\\b[Ss]ave\\b[^.`]*\\bas\\s+`([\\w/]+\\.go)`")

// filesOfReader returns the files that a page tells its reader to make, and their directories.
func filesOfReader(page string) map[string]bool {
	own := make(map[string]bool)
	for _, found := range saved.FindAllStringSubmatch(prose(page), -1) {
		own[found[1]] = true
		own["./"+path.Dir(found[1])] = true
	}
	return own
}

// forMaintainers is the folder of the pages on which every identifier must occur in a source.
const forMaintainers = "docs/internals"

func isForMaintainers(page string) bool { return path.Dir(page) == forMaintainers }

// unknownIdentifiers returns the identifiers on a page for maintainers that occur in no source.
func unknownIdentifiers(r *repository, page string) (faults []string) {
	if !isForMaintainers(page) {
		return nil
	}
	for _, span := range spans(r.pages[page]) {
		for name := range strings.SplitSeq(span, ".") {
			if identifier.MatchString(name) && !r.symbols.words[name] && !r.symbols.files[span] {
				faults = append(faults, "no source has "+name)
			}
		}
	}
	return faults
}

// isOption reports whether a type is that of options of a call or constructor. Those of kinds
// are on other pages.
func isOption(typ string) bool { return strings.HasSuffix(typ, "Option") && typ != "KindOption" }
