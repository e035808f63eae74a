package corpus

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// newImporter returns an importer for the packages with the given paths, and for those that rewritten programs
// import. dir is in the module.
func newImporter(ctx context.Context, dir string, fset *token.FileSet, paths map[string]bool) (types.Importer, error) {
	args := []string{"list", "-e", "-deps", "-export", "-f", "{{.ImportPath}}\t{{.Export}}", taskPath, minitestPath}
	for path := range paths {
		args = append(args, path)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	var failed bytes.Buffer
	cmd.Stderr = &failed
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("corpus: go list: %w: %s", err, &failed)
	}
	files := map[string]string{} // of export data, by path
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("corpus: no export data of %s", path)
		}
		return os.Open(files[path])
	}), nil
}

// check type-checks files as a package of the given path.
func check(i types.Importer, fset *token.FileSet, path string, files []*ast.File) (*types.Package, *types.Info, error) {
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{}, Implicits: map[ast.Node]types.Object{}}
	config := types.Config{Importer: i, Sizes: types.SizesFor("gc", runtime.GOARCH)}
	pkg, err := config.Check(path, fset, files, info)
	return pkg, info, err
}

// importConfigVariable is how Go's own tests find the standard library, if they call the compiler.
const importConfigVariable = "STDLIB_IMPORTCFG"

// giveImportConfig writes the file that the variable has to name into the directory, if one of the programs
// wants it.
func giveImportConfig(ctx context.Context, dir string, programs []*Program) error {
	file := filepath.Join(dir, "importcfg")
	for _, p := range programs {
		if p.Left != "" || !slices.ContainsFunc(p.files, func(f sourceFile) bool { return bytes.Contains(f.text, []byte(importConfigVariable)) }) {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			text, err := exec.CommandContext(ctx, "go", "list", "-export", "-f", "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}", "std").Output()
			if err != nil {
				return fmt.Errorf("corpus: go list: %w", err)
			}
			if err := os.WriteFile(file, text, 0o644); err != nil {
				return err
			}
		}
		p.env = append(p.env, importConfigVariable+"="+file)
	}
	return nil
}
