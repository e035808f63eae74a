package random

import (
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// edit replaces a part of a source.
type edit struct {
	from, to int
	text     string
}

func (e edit) saves() int { return e.to - e.from - len(e.text) }

// apply makes edits that do not overlap.
func apply(source string, edits []edit) string {
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(b.from, a.from) })
	for _, e := range edits {
		source = source[:e.from] + e.text + source[e.to:]
	}
	return source
}

// reducer makes a program smaller while it fails.
type reducer struct {
	workspace *Workspace
	failure   Failure
	types     typeChecker
	tried     map[string]bool
	made      uint64 // programs that were made, for their names
	builds    int    // that are left
}

// atOnceReduced is how many smaller programs are built at once.
const atOnceReduced = 16

// Reduce returns a smaller program that fails at the same stage. It builds no more tests than builds says, and
// one. It calls progress after each round.
func (w *Workspace) Reduce(f Failure, builds int, progress func(Failure)) (Failure, error) {
	checker, err := w.typeChecker()
	if err != nil {
		return f, err
	}
	r := &reducer{workspace: w, failure: f, types: checker, tried: map[string]bool{}, builds: builds}
	for {
		smaller, err := r.round()
		if err != nil || !smaller {
			return r.failure, err
		}
		progress(r.failure)
	}
}

// candidate is a smaller program.
type candidate struct {
	edits   []edit
	program Program // with a name of its own
}

// round tries some edits, and reports whether the program is smaller now.
func (r *reducer) round() (bool, error) {
	source := r.failure.Program.Source
	edits := editsOf(source, r.failure.Program.Name())
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(b.saves(), a.saves()) })
	for len(edits) > 0 && r.builds > 0 {
		var all []candidate
		for len(edits) > 0 && len(all) < atOnceReduced {
			if c, ok := r.candidate(source, edits[:1]); ok {
				all = append(all, c)
			}
			edits = edits[1:]
		}
		failing, err := r.test(all)
		if err != nil {
			return false, err
		}
		if len(failing) > 0 {
			return true, r.combine(source, failing)
		}
	}
	return false, nil
}

// combine makes as many as possible of the edits, each of which can be made alone.
func (r *reducer) combine(source string, failing []Failure) error {
	best := failing[0]
	var edits []edit
	for _, f := range failing {
		e := f.edits[0]
		if !slices.ContainsFunc(edits, func(o edit) bool { return e.from < o.to && o.from < e.to }) {
			edits = append(edits, e)
		}
	}
	if c, ok := r.candidate(source, edits); ok && len(edits) > 1 {
		both, err := r.test([]candidate{c})
		if err != nil {
			return err
		}
		if len(both) > 0 {
			best = both[0]
		}
	}
	best.Program.Source = r.renamed(best.Program.Source, best.Program.Name(), r.failure.Program.Name())
	best.Program.Seed = r.failure.Program.Seed
	r.failure = best
	return nil
}

// candidate makes edits, if the result is a program that has not been tried.
func (r *reducer) candidate(source string, edits []edit) (c candidate, ok bool) {
	smaller, ok := r.types.repaired(apply(source, slices.Clone(edits)))
	if !ok || r.tried[smaller] || len(smaller) >= len(source) {
		return c, false
	}
	r.tried[smaller] = true
	r.made++
	p := r.failure.Program
	name := p.Name()
	p.Seed = p.Seed*10_000 + r.made
	p.Source = r.renamed(smaller, name, p.Name())
	return candidate{edits: edits, program: p}, true
}

// renamed gives the declarations of a program names that begin differently.
func (r *reducer) renamed(source, from, to string) string {
	return regexp.MustCompile(`\b`+from+`(\D)`).ReplaceAllString(source, to+"$1")
}

// test returns the candidates that fail at the stage that the program fails at, in their order.
func (r *reducer) test(all []candidate) (failing []Failure, err error) {
	var programs []Program
	for _, c := range all {
		programs = append(programs, c.program)
	}
	r.builds--
	failures, err := r.workspace.Test(programs)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		for _, f := range failures {
			if f.Program.Seed == c.program.Seed && f.Stage == r.failure.Stage {
				f.edits = c.edits
				failing = append(failing, f)
			}
		}
	}
	return failing, nil
}

// editsOf returns edits that make a program smaller. Not all of them leave a program that is valid.
func editsOf(source, main string) (edits []edit) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "", header+source, parser.SkipObjectResolution)
	if err != nil {
		return nil
	}
	at := func(p token.Pos) int { return fset.Position(p).Offset - len(header) }
	text := func(n ast.Node) string { return source[at(n.Pos()):at(n.End())] }
	replace := func(n ast.Node, text string) { edits = append(edits, edit{at(n.Pos()), at(n.End()), text}) }
	inner := func(b *ast.BlockStmt) string { return strings.TrimSpace(source[at(b.Lbrace)+1 : at(b.Rbrace)]) }
	list := func(all []ast.Stmt) {
		for i, s := range all {
			replace(s, "")
			if n := len(all); i > 0 && i < n-1 { // this one and what follows
				edits = append(edits, edit{at(s.Pos()), at(all[n-1].End()), ""})
			}
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil || n.Pos() < file.Pos() || at(n.End()) <= 0 {
			return n == file
		}
		switch x := n.(type) {
		case *ast.FuncDecl:
			if x.Name.Name != main {
				replace(x, "")
			}
		case *ast.BlockStmt:
			list(x.List)
		case *ast.CaseClause:
			list(x.Body)
			replace(x, "")
		case *ast.IfStmt:
			replace(x, inner(x.Body))
			if x.Else != nil {
				edits = append(edits, edit{at(x.Body.End()), at(x.Else.End()), ""})
				replace(x, text(x.Else))
			}
		case *ast.ForStmt:
			replace(x, inner(x.Body))
		case *ast.RangeStmt:
			replace(x, inner(x.Body))
		case *ast.LabeledStmt:
			replace(x, text(x.Stmt))
		case *ast.CallExpr:
			for _, a := range x.Args {
				replace(x, text(a))
				replace(a, "1")
			}
		case *ast.BinaryExpr:
			replace(x, text(x.X))
			replace(x, text(x.Y))
		case *ast.IndexExpr, *ast.CompositeLit, *ast.SelectorExpr, *ast.UnaryExpr, *ast.ParenExpr:
			replace(n, "1")
		}
		return true
	})
	return slices.DeleteFunc(edits, func(e edit) bool { return e.from < 0 || e.saves() <= 0 })
}

// typeChecker checks programs without building them.
type typeChecker map[string]*types.Package

func (c typeChecker) Import(path string) (*types.Package, error) {
	if p := c[path]; p != nil {
		return p, nil
	}
	return nil, errors.New("random: not imported: " + path)
}

func (w *Workspace) typeChecker() (typeChecker, error) {
	const module = "github.com/framearena/framearena/"
	pkgs, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes, Dir: w.dir, Env: w.env},
		"errors", "fmt", "iter", "runtime", "time", module+"internal/compile/cases", module+"task")
	if err != nil {
		return nil, err
	}
	c := typeChecker{}
	for _, p := range pkgs {
		c[p.PkgPath] = p.Types
	}
	return c, nil
}

// repaired returns the source without unused variables and labels, if it is valid then.
func (c typeChecker) repaired(source string) (string, bool) {
	for range 30 {
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, "program.go", header+source, parser.SkipObjectResolution)
		if err != nil {
			return "", false
		}
		common, err := parser.ParseFile(fset, "steps.go", steps, parser.SkipObjectResolution)
		if err != nil {
			return "", false
		}
		var unused []token.Pos
		valid := true
		conf := types.Config{Importer: c, Error: func(err error) {
			var e types.Error
			if errors.As(err, &e) && (strings.HasPrefix(e.Msg, "declared and not used") || strings.HasSuffix(e.Msg, "declared and not used")) {
				unused = append(unused, e.Pos)
				return
			}
			valid = false
		}}
		conf.Check("programs", fset, []*ast.File{file, common}, nil) //nolint:errcheck // Error is called for each
		if !valid {
			return "", false
		}
		if len(unused) == 0 {
			formatted, err := format.Source([]byte(header + source))
			return strings.TrimPrefix(string(formatted), header), err == nil
		}
		at := func(p token.Pos) int { return fset.Position(p).Offset - len(header) }
		e, found := withoutVariable(file, unused[0], source, at)
		if !found {
			return "", false
		}
		source = apply(source, []edit{e})
	}
	return "", false
}

// withoutVariable returns an edit that removes the declaration of a variable, and keeps what it is assigned.
func withoutVariable(file *ast.File, pos token.Pos, source string, at func(token.Pos) int) (e edit, found bool) {
	blank := func(lhs []ast.Expr, tok token.Pos) {
		isLast := true
		for _, x := range lhs {
			if id, ok := x.(*ast.Ident); ok && id.Pos() != pos && id.Name != "_" {
				isLast = false
			}
		}
		var names []string
		for _, x := range lhs {
			if x.Pos() == pos {
				names = append(names, "_")
			} else {
				names = append(names, source[at(x.Pos()):at(x.End())])
			}
		}
		text := strings.Join(names, ", ") + " :="
		if isLast {
			text = strings.Join(names, ", ") + " ="
		}
		e, found = edit{at(lhs[0].Pos()), at(tok) + len(":="), text}, true
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if n == nil || pos < n.Pos() || n.End() <= pos {
			return false
		}
		switch x := n.(type) {
		case *ast.TypeSwitchStmt:
			if s, ok := x.Assign.(*ast.AssignStmt); ok && s.Lhs[0].Pos() == pos {
				e, found = edit{at(s.Pos()), at(s.Rhs[0].Pos()), ""}, true
				return false
			}
		case *ast.AssignStmt:
			if x.Tok == token.DEFINE && pos < x.TokPos {
				blank(x.Lhs, x.TokPos)
				return false
			}
		case *ast.RangeStmt:
			if x.Tok == token.DEFINE && pos < x.TokPos {
				lhs := []ast.Expr{x.Key}
				if x.Value != nil {
					lhs = append(lhs, x.Value)
				}
				blank(lhs, x.TokPos)
				return false
			}
		case *ast.DeclStmt:
			spec, ok := x.Decl.(*ast.GenDecl).Specs[0].(*ast.ValueSpec)
			if !ok {
				return true
			}
			if len(spec.Values) > 0 && pos < spec.Values[0].Pos() {
				e, found = edit{at(x.Pos()), at(spec.Values[0].Pos()), "_ = "}, true
				return false
			}
			if len(spec.Values) == 0 {
				e, found = edit{at(x.Pos()), at(x.End()), ""}, true
				return false
			}
		}
		return true
	})
	return e, found
}

func (f Failure) String() string {
	return fmt.Sprintf("the program of -seed %d fails: %s\n%s", f.Program.Seed, f.Output, f.Program.Source)
}
