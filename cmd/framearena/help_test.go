package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHelp(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"-help"}, {"--help"}, {"help"}} {
		status, stdout, stderr := call(t, args...)
		require.Equal(t, exitSuccess, status)
		require.Contains(t, stdout, rootText)
		require.Contains(t, stdout, "Usage:\n  framearena [flags]\n")
		require.Empty(t, stderr)
	}
	_, byFlag, _ := call(t, "chain", "-h")
	_, byCommand, _ := call(t, "help", "chain")
	require.Equal(t, byFlag, byCommand)
	require.Contains(t, byFlag, "Usage:\n  framearena chain [flags]\n")
}

func TestHelpAsJSON(t *testing.T) {
	for _, args := range [][]string{{"chain", "-h", "-json"}, {"-json", "help", "chain"}} {
		status, stdout, stderr := call(t, args...)
		require.Equal(t, exitSuccess, status, stderr)
		require.JSONEq(t, `{
			"command": "framearena chain",
			"about": "The tour's first part: a chain of tasks, by source of frames",
			"usage": "framearena chain [flags]",
			"flags": [
				{"name": "cpu", "shorthand": "", "type": "int", "default": "0", "about": "run with this GOMAXPROCS (default unchanged)"},
				{"name": "help", "shorthand": "h", "type": "bool", "default": "false", "about": "help for chain"},
				{"name": "iterations", "shorthand": "n", "type": "int", "default": "30000", "about": "iterations of the chain per round"},
				{"name": "json", "shorthand": "", "type": "bool", "default": "false", "about": "print everything as one JSON document"}
			],
			"subcommands": []
		}`, stdout)
	}
	_, stdout, _ := call(t, "-h", "-json")
	var h help
	require.NoError(t, json.Unmarshal([]byte(stdout), &h))
	require.Equal(t, "framearena", h.Command)
	var names []string
	for _, s := range h.Subcommands {
		names = append(names, s.Name)
	}
	require.Subset(t, names, []string{"chain", "tasks", "version", "completion"})
}
