package measure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/bench/internal/native"
)

func TestMain(m *testing.M) {
	if Child(contests(), os.Stdout) {
		return
	}
	os.Exit(m.Run())
}

// logVariable is the variable with the file in which contestants record their turns.
const logVariable = "FRAMEARENA_BENCH_TEST_LOG"

// logging returns a Sample that records its name and returns m.
func logging(name string, m contest.Metrics, err error) func(contest.Plan) (contest.Metrics, error) {
	return func(plan contest.Plan) (contest.Metrics, error) {
		f, e := os.OpenFile(os.Getenv(logVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
		if e != nil {
			return nil, e
		}
		defer f.Close()
		fmt.Fprintf(f, "%s %v %d\n", name, plan.For, plan.Size)
		return m, err
	}
}

// contests are the disciplines that the tests measure.
func contests() []contest.Discipline {
	fine := contest.Metrics{"ns": 1}
	return []contest.Discipline{
		{ID: "turns", Title: "Turns", Contestants: []contest.Contestant{
			{Name: "a", Sample: logging("a", fine, nil)},
			{Name: "b", Sample: logging("b", fine, nil)},
			{Name: "c", Sample: logging("c", fine, nil)},
		}},
		{ID: "sized", Title: "Sized", Size: 100, QuickSize: 10, MaxRounds: 2, Contestants: []contest.Contestant{
			{Name: "s", Sample: logging("s", fine, nil)},
		}},
		{ID: "long", Title: "Long", Size: 1000, NotQuick: true, MaxRounds: 1, Contestants: []contest.Contestant{
			{Name: "l", Sample: logging("l", fine, nil)},
			{Name: "large", Sample: logging("large", fine, nil), Needs: func(size int) uint64 { return uint64(size) * 5e6 }},
		}},
		{ID: "trouble", Title: "Trouble", Contestants: []contest.Contestant{
			{Name: "absent", Sample: logging("absent", nil, contest.Missing("a %s", "compiler"))},
			{Name: "wrong", Sample: logging("wrong", nil, errors.New("check failed: the sum is 2, want 3"))},
			{Name: "crashing", Sample: func(contest.Plan) (contest.Metrics, error) { panic("out of luck") }},
			{Name: "loud", Sample: func(contest.Plan) (contest.Metrics, error) { fmt.Println("hello"); return fine, nil }},
			{Name: "foreign", Program: "chain-cobol", Mode: "new"},
			{Name: "uncompiled", Program: "chain-rust", Mode: "boxed"},
			{Name: "good", Sample: logging("good", fine, nil)},
		}},
	}
}

// measured runs the contests that match. It returns the samples and the names of the
// contestants that had a turn, in order.
func measured(t *testing.T, o Options, ids ...string) (*Samples, []string) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "log")
	require.NoError(t, os.WriteFile(log, nil, 0o666))
	t.Setenv(logVariable, log)
	o.Programs = noPrograms(t)
	o.Progress = io.Discard
	o.Only = func(d contest.Discipline, _ contest.Contestant) bool {
		return strings.Contains(strings.Join(ids, " "), d.ID)
	}
	if o.available == nil {
		o.available = func() (uint64, bool) { return 4e9, true }
	}
	s, err := Run(t.Context(), contests(), o)
	require.NoError(t, err)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	return s, strings.Split(strings.TrimSpace(string(text)), "\n")
}

// noPrograms returns programs that are all missing.
func noPrograms(t *testing.T) *native.Programs {
	t.Helper()
	path := os.Getenv("PATH")
	os.Setenv("PATH", "")
	defer os.Setenv("PATH", path)
	p, err := native.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	return p
}

func TestRounds(t *testing.T) {
	s, turns := measured(t, Options{Rounds: 3, Each: time.Second}, "turns", "sized", "long")
	require.Equal(t, []string{
		"a 1s 0", "b 1s 0", "c 1s 0", "s 1s 100", "l 1s 1000",
		"b 1s 0", "c 1s 0", "a 1s 0", "s 1s 100",
		"c 1s 0", "a 1s 0", "b 1s 0",
	}, turns)
	require.Len(t, s.Disciplines, 3)
	for _, c := range s.Disciplines[0].Contestants {
		require.Equal(t, []float64{1, 1, 1}, c.Of("ns"), c.Name)
		require.Empty(t, c.Of("cpu"))
	}
	large := s.Disciplines[2].Contestants[1]
	require.Equal(t, "it would need about 5 GB of memory, of which 4 GB are there", large.Skipped)
	require.Empty(t, large.Samples)
	require.False(t, s.Ended.Before(s.Began))
}

func TestQuickRounds(t *testing.T) {
	s, turns := measured(t, Options{Rounds: 2, Quick: true}, "turns", "sized", "long")
	require.Equal(t, []string{"a 0s 0", "b 0s 0", "c 0s 0", "s 0s 10", "b 0s 0", "c 0s 0", "a 0s 0"}, turns)
	require.Len(t, s.Disciplines, 2)
}

// A missing contestant is skipped and a wrong one fails, each after one turn. The others keep
// their turns.
func TestTrouble(t *testing.T) {
	s, turns := measured(t, Options{Rounds: 2}, "trouble")
	require.Equal(t, []string{"absent 0s 0", "wrong 0s 0", "good 0s 0", "good 0s 0"}, turns)
	by := map[string]Contestant{}
	for _, c := range s.Disciplines[0].Contestants {
		by[c.Name] = c
	}
	require.Equal(t, "a compiler", by["absent"].Skipped)
	require.Equal(t, "rustc is not in PATH", by["uncompiled"].Skipped)
	require.Equal(t, "check failed: the sum is 2, want 3", by["wrong"].Failed)
	require.Contains(t, by["crashing"].Failed, "out of luck")
	require.Contains(t, by["loud"].Failed, `its process wrote "hello`)
	require.Contains(t, by["foreign"].Failed, `there is no program "chain-cobol"`)
	require.Len(t, by["good"].Samples, 2)
	require.Len(t, s.Failures(), 4)
	require.Equal(t, "Trouble, wrong: check failed: the sum is 2, want 3", s.Failures()[0])
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	t.Setenv(logVariable, filepath.Join(t.TempDir(), "log"))
	_, err := Run(ctx, contests(), Options{Rounds: 1, Programs: noPrograms(t), Progress: io.Discard})
	require.ErrorIs(t, err, context.Canceled)
}

func TestSaveAndLoad(t *testing.T) {
	s, _ := measured(t, Options{Rounds: 1, Command: "go run ."}, "turns", "trouble")
	path := filepath.Join(t.TempDir(), "samples.json")
	require.NoError(t, s.Save(path))
	got, err := Load(path)
	require.NoError(t, err)
	require.Equal(t, s, got)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(text, []byte(`"format": 1`), []byte(`"format": 99`), 1), 0o666))
	_, err = Load(path)
	require.EqualError(t, err, path+": samples of format 99, this program knows 1")
	require.NoError(t, os.WriteFile(path, []byte("no JSON"), 0o666))
	_, err = Load(path)
	require.ErrorContains(t, err, path)
}

// A child answers an order that makes no sense.
func TestChildWithoutContestant(t *testing.T) {
	for order, says := range map[string]string{
		`{"Discipline":"turns","Contestant":"z"}`: `there is no contestant \"z\" in discipline \"turns\"`,
		`nonsense`: "invalid character",
	} {
		t.Setenv(childVariable, order)
		var out bytes.Buffer
		require.True(t, Child(contests(), &out))
		require.Contains(t, out.String(), says)
	}
	os.Unsetenv(childVariable)
	require.False(t, Child(contests(), io.Discard))
}
