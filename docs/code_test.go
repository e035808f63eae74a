package docs_test

import (
	"slices"
	"strings"
)

// uncompiledCode returns the blocks of Go code that no compiled example contains word for word.
// Blocks may be parts of functions, so they cannot be compiled alone.
func uncompiledCode(r *repository, path string) (faults []string) {
	for _, block := range fences.FindAllStringSubmatch(r.pages[path], -1) {
		if block[1] != "go" {
			continue
		}
		parts := []string{block[2]}
		if strings.HasPrefix(block[2], "package main\n") {
			parts = partsOfProgram(block[2])
		}
		in := func(source string) bool {
			return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains("\n"+source, "\n"+part) })
		}
		if !slices.ContainsFunc(r.examples, in) {
			faults = append(faults, "not in any example:\n"+block[2])
		}
	}
	return faults
}

// partsOfProgram cuts a program into the parts that an example contains: each import (the
// example may have more), the declarations, and the body of main.
func partsOfProgram(program string) (parts []string) {
	_, rest, _ := strings.Cut(program, "import (\n")
	imports, rest, _ := strings.Cut(rest, ")\n")
	for line := range strings.Lines(imports) {
		if line != "\n" {
			parts = append(parts, line)
		}
	}
	decls, body, _ := strings.Cut(rest, "\nfunc main() {\n")
	return append(parts, decls, strings.TrimSuffix(body, "}\n"))
}

// unprintedMessages returns the messages of package coro that a page shows but no example prints.
func unprintedMessages(r *repository, path string) (faults []string) {
	for _, line := range indented.FindAllString(r.pages[path], -1) {
		message := strings.TrimSpace(line)
		if !strings.HasPrefix(message, "coro: ") {
			continue
		}
		if !slices.ContainsFunc(r.examples, func(source string) bool { return strings.Contains(source, "// "+message) }) {
			faults = append(faults, "no example prints "+message)
		}
	}
	return faults
}
