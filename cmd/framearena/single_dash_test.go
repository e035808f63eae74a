package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesWithOneDashGetASecond(t *testing.T) {
	root := newRootCommand(newStreams(nil, nil, nil), nil)
	for given, want := range map[string]string{
		"":                      "",
		"-json":                 "--json",
		"--json":                "--json",
		"-json=false":           "--json=false",
		"-help":                 "--help",
		"-h":                    "-h",
		"-n 5":                  "-n 5",
		"-n5":                   "-n5",
		"-n=5":                  "-n=5",
		"--n=5":                 "-n=5",
		"--n 5 -json":           "-n 5 --json",
		"--name":                "--name",
		"-only=chain":           "--only=chain",
		"-only chain -tasks 5":  "--only chain --tasks 5",
		"chain -json -n 5":      "chain --json -n 5",
		"-only -json -json":     "--only -json --json", // the argument after -only is its value
		"--only -json -json":    "--only -json --json",
		"-n -json -json":        "-n -json --json",
		"-only=x -json":         "--only=x --json",
		"-jason -j -":           "-jason -j -",
		"-json -- -json":        "--json -- -json",
		"-only -- -json":        "--only -- --json",
		"completion -json bash": "completion --json bash",
	} {
		require.Equal(t, strings.Fields(want), doubleDashes(root, strings.Fields(given)), given)
	}
}
