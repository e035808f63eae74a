package tasks

import (
	"errors"
	"fmt"
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/tools/go/analysis"

	"github.com/framearena/framearena/internal/analysis/ignore"
	"github.com/framearena/framearena/internal/compile"
)

// Stale finds generated files that are older than their source.
var Stale = &analysis.Analyzer{
	Name: "taskstale",
	Doc: `report generated code that was made from another source than there is

A task function that is compiled runs as framearena gen has last seen it. Until gen runs again, what has been
changed since then has no effect where the function runs as a task.`,
	Run: runStale,
	// Generated code that is stale often has errors.
	RunDespiteErrors: true,
}

func runStale(pass *analysis.Pass) (any, error) {
	files := make(map[string]*ast.File)
	for _, file := range pass.Files {
		files[pass.Fset.File(file.FileStart).Name()] = file
	}
	ignored := ignore.Find(pass)
	for output, file := range files {
		source, hash, ok := origin(file)
		if !ok {
			continue
		}
		path := filepath.Join(filepath.Dir(output), source)
		at, why := file, ""
		if files[path] == nil {
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				continue // it belongs to other build tags
			}
			why = fmt.Sprintf("this file was generated from %s, which does not exist any more: run framearena gen, or delete it", source)
		} else if src, err := pass.ReadFile(path); err == nil && compile.Hash(src) != hash {
			at = files[path]
			why = fmt.Sprintf("%s was generated from another %s than there is: run framearena gen", filepath.Base(output), source)
		}
		if why != "" && !ignored.At(pass.Fset, at.Name.Pos()) {
			pass.Report(analysis.Diagnostic{Pos: at.Name.Pos(), End: at.Name.End(), Message: why})
		}
	}
	return nil, nil
}

// origin returns the name and the hash of the source that framearena gen has written the file for.
func origin(file *ast.File) (source, hash string, ok bool) {
	if !isGenerated(file) {
		return "", "", false
	}
	for _, group := range file.Comments {
		if group.Pos() > file.Package {
			break
		}
		for _, c := range group.List {
			if source, hash, ok = compile.Origin(c.Text); ok {
				return source, hash, true
			}
		}
	}
	return "", "", false
}
