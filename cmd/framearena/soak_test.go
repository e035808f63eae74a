package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/testkit/soak"
)

// plantVariable makes the children of soaks have a fault. They are small.
const plantVariable = "FRAMEARENA_TEST_SOAK_FAULT"

func TestSoak(t *testing.T) {
	status, stdout, stderr := call(t, "soak", "-d", "1s", "-seed", "5")
	require.Equal(t, exitSuccess, status, stderr)
	require.Regexp(t, `^Soak with seed 5, .* build: \d+ rounds? in \d+s, no violation\n`, stdout)
	for _, load := range []string{"allocators", "trees", "waits", "crowd", "faults"} {
		require.Contains(t, stdout, "  "+load+" ")
	}
	require.Regexp(t, `^soak with seed 5: round 1, \d+s of 1s\n`, stderr)
	require.NotContains(t, stdout+stderr, "\r")
}

func TestSoakAsJSON(t *testing.T) {
	status, stdout, stderr := call(t, "soak", "-round", "3", "-seed", "5", "-json")
	require.Equal(t, exitSuccess, status, stderr)
	var sum soak.Summary
	d := json.NewDecoder(strings.NewReader(stdout))
	d.DisallowUnknownFields()
	require.NoError(t, d.Decode(&sum))
	require.False(t, d.More(), "one document")
	require.Equal(t, uint64(5), sum.Seed)
	require.Equal(t, 3, sum.Round)
	require.Equal(t, 1, sum.Rounds)
	require.Empty(t, sum.Violations)
	require.NotNil(t, sum.Violations)
}

// What a violation says repeats it. All sorts are planted in package soak.
func TestSoakWithAViolation(t *testing.T) {
	for _, fault := range []soak.Fault{soak.WrongTree, soak.Crash} {
		t.Run(string(fault), func(t *testing.T) {
			t.Setenv(plantVariable, string(fault))
			status, stdout, stderr := call(t, "soak", "-rounds", "100", "-seed", "6")
			require.Equal(t, exitFailure, status)
			require.Contains(t, stdout, ", a violation\n")
			// Which round depends on the build: how much a round does is not the same in all.
			found := regexp.MustCompile(`(?m)^framearena: soak: a violation in round (\d+): `).FindStringSubmatch(stderr)
			require.NotNil(t, found, stderr)
			line := regexp.MustCompile(`(?m)^to reproduce: framearena (soak -seed 6 -round ` + found[1] + `)( \(built with .*\))?$`).FindStringSubmatch(stderr)
			require.NotNil(t, line, stderr)
			status, _, again := call(t, strings.Fields(line[1])...)
			require.Equal(t, exitFailure, status)
			require.Contains(t, again, line[0])
		})
	}
}

func TestExitStatus(t *testing.T) {
	violation := fmt.Errorf("soak: %w in round 1", errViolation)
	for _, tt := range []struct {
		err                error
		began, interrupted bool
		want               int
	}{
		{nil, true, false, exitSuccess},
		{nil, true, true, exitSuccess},
		{errors.New("other"), true, false, exitFailure},
		{errors.New("unknown flag"), false, false, exitUsage},
		{usageError{errors.New("too few")}, true, false, exitUsage},
		{context.Canceled, true, true, exitInterrupted},
		{violation, true, false, exitFailure},
		{violation, true, true, exitFailure},
	} {
		require.Equal(t, tt.want, exitStatus(tt.err, tt.began, tt.interrupted), "%v, interrupted: %v", tt.err, tt.interrupted)
	}
}

func TestWrongCallsOfSoak(t *testing.T) {
	for _, args := range [][]string{
		{"soak", "-d", "0s"}, {"soak", "-d", "long"}, {"soak", "-seed", "-1"}, {"soak", "-round", "0"}, {"soak", "-stall", "1ms"}, {"soak", "well"},
	} {
		status, stdout, stderr := call(t, args...)
		require.Equal(t, exitUsage, status, "%q", args)
		require.Empty(t, stdout)
		require.Contains(t, stderr, "\nUsage:\n  framearena soak [flags]\n")
	}
}
