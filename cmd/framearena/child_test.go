package main

import (
	"fmt"
	"os"
	"os/signal"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childModeVariable selects how a child of the test binary misbehaves.
const childModeVariable = "FRAMEARENA_TEST_CHILD"

const (
	childFails   = "fails a check"
	childGarbles = "garbles"
	childIsMute  = "is mute"
	childDies    = "dies"
	childHangs   = "hangs"
)

const childIsUp = "the child is up"

// strangeChild is main in a child that misbehaves.
func strangeChild(mode string) int {
	switch mode {
	case childFails:
		fmt.Println(`{"stage":"creating"}`)
		fmt.Println(`{"failure":"check failed: no luck"}`)
		return exitFailure
	case childGarbles:
		fmt.Println(`{"stage":`)
	case childDies:
		fmt.Println(`{"stage":"creating"}`)
		return 3
	case childHangs:
		signal.Ignore(os.Interrupt) // like a real child
		fmt.Fprintln(os.Stderr, childIsUp)
		time.Sleep(time.Hour)
	}
	return exitSuccess
}

func TestStrangeChildren(t *testing.T) {
	for mode, says := range map[string]string{
		childFails:   "framearena: suspended tasks: check failed: no luck\n",
		childGarbles: "framearena: suspended tasks: the child process: unexpected EOF\n",
		childIsMute:  "framearena: suspended tasks: the child process ended without a result\n",
		childDies:    "framearena: suspended tasks: the child process ended early: exit status 3\n",
	} {
		t.Setenv(childModeVariable, mode)
		status, _, stderr := call(t, "-only", "tasks", "-tasks", "10")
		require.Equal(t, exitFailure, status)
		require.Contains(t, stderr, says)
	}
}

func TestChildOfNoSort(t *testing.T) {
	_, err := measureHere("threads", []string{"5"}, func(string) {})
	require.EqualError(t, err, "FRAMEARENA_CHILD=threads: no such sort of activities")
}

func TestChildOfNoSize(t *testing.T) {
	for _, args := range [][]string{nil, {"5", "6"}, {"0"}, {"many"}} {
		_, err := measureHere("task", args, func(string) {})
		require.ErrorContains(t, err, "FRAMEARENA_CHILD=task: ", "%q", args)
		require.ErrorContains(t, err, "number of activities", "%q", args)
	}
}
