package docs_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// planted returns a repository of two pages and one source. The caller gives one of the pages.
func planted(t *testing.T, path, page string) *repository {
	t.Helper()
	const source = `//go:build planted

package coro

type Kind struct{ link uintptr }

func (k *Kind) Name() string { return "kind" }

func ExampleKind() {
	await(1)
	// coro: it is said
}

func BenchmarkKind(b *testing.B) {}

func FuzzKind(f *testing.F) {}
`
	r := &repository{symbols: newSymbols(), examples: []string{source}}
	require.NoError(t, r.symbols.add("coro/example_kind_test.go", []byte(source)))
	r.pages = map[string]string{"docs/other.md": "# Other\n\n## The `same`\n\n## The same\n", path: page}
	r.exists = func(path string) bool { return slices.Contains([]string{"coro", "./coro", "bench/./coro", "./"}, path) }
	return r
}

// Each check finds a planted fault, and accepts the same page without the fault.
func TestPlanted(t *testing.T) {
	for _, test := range []struct {
		check     string
		good, bad string
	}{
		{"links", "[a](other.md)", "[a](missing.md)"},
		{"links", "[a](other.md#the-same-1)", "[a](other.md#the-same-2)"},
		{"links", "[a](../coro)", "[a](../core)"},
		{"links", "[a](#here)\n# Here", "[a](#here)\n```\n# Here\n```"},
		{"links", "[a](benchmarks.md#anything)", "[a](benchmark.md)"},
		{"links", "`[a](missing.md)` [a](https://example.com/)", "[a](missing.md#x)"},
		{"code", "```go\n\tawait(1)\n```\n", "```go\n\tawait(2)\n```\n"},
		{"code", "```sh\n\tawait(2)\n```\n", "text\n\n```go\nawait(1)\n```\n"},
		{"code", "```go\npackage main\n\nimport (\n)\n\nfunc main() {\n\tawait(1)\n}\n```\n",
			"```go\npackage main\n\nimport (\n)\n\nfunc main() {\n\tawait(2)\n}\n```\n"},
		{"messages", "    coro: it is said\n", "    coro: it is not said\n"},
		{"commands", "    go test ./coro ./...\n", "    go test ./core\n"},
		{"commands", "`go vet ./{coro,coro}`", "`go vet ./{coro,core}`"},
		{"commands", "    cd bench && go run ./coro # ./core\n", "    cd bench && go run ./other\n"},
		{"commands", "    CGO_ENABLED=0 go test -run '^$' -bench 'K.nd|x' ./coro\n", "    go test -bench 'Kinds|x' ./coro\n"},
		{"commands", "    go test -fuzz FuzzKind ./coro\n", "    go test -fuzz FuzzKinds ./coro\n"},
		{"commands", "`go vet -tags planted ./coro` `-tags what`", "`go vet -tags plant ./coro`"},
		{"names", "`coro.Kind` `Kind.Name`", "`coro.Kinds`"},
		{"names", "`context.Kind` `coro.Kind.Name`", "`coro.Kind.Size`"},
		{"names", "`k := coro.Kind{}`", "`Kind.Size()`"},
		{"source", "`coro/example_kind_test.go` `example_kind_test.go`", "`coro/kind.go`"},
		{"source", "`ExampleKind`", "`ExampleKinds`"},
		{"source", "Save this as\n`own/main.go`. `own/main_task.go`", "`own/main.go`"},
		{"commands", "Save this as `own/main.go`.\n\n    go run ./own\n", "    go run ./own\n"},
		{"identifiers", "`link` `k.link` `planted`", "`links`"},
	} {
		t.Run(test.check, func(t *testing.T) {
			check := checks[test.check]
			path := "docs/planted.md"
			if test.check == "identifiers" {
				path = forMaintainers + "/planted.md"
			}
			require.Empty(t, check(planted(t, path, test.good), path), test.good)
			require.NotEmpty(t, check(planted(t, path, test.bad), path), test.bad)
		})
	}
}

func TestPlantedIndex(t *testing.T) {
	const table = "| [other](other.md) | is | 0 |\n"
	require.Empty(t, indexFaults(planted(t, index, table)))
	require.Empty(t, indexFaults(planted(t, index, table+"| [b](benchmarks.md) | is | generated |\n")))
	require.NotEmpty(t, indexFaults(planted(t, index, "")), "a page is missing")
	require.NotEmpty(t, indexFaults(planted(t, index, table+table)), "a page is there twice")
	require.NotEmpty(t, indexFaults(planted(t, index, "| [other](other.md) | is | 3 |\n")), "it takes no minute")
}

// A source that does not parse is an error.
func TestPlantedSource(t *testing.T) {
	require.Error(t, newSymbols().add("coro/bad.go", []byte("package")))
}
