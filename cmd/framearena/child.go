package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
)

// childVariable is set in the environment of a child process, which measures one sort of
// activities. Its value is the name of the sort, after the prefix of a part that has one.
const childVariable = "FRAMEARENA_CHILD"

// message is what a child writes to its standard output, as JSON: a stage each time that one
// begins and, last, either a row or a failure.
type message struct {
	Stage   string          `json:"stage,omitempty"`
	Row     json.RawMessage `json:"row,omitempty"`
	Failure string          `json:"failure,omitempty"`
}

// childMain is main in a child. It returns the exit status.
func childMain(name string, args []string, stdout io.Writer) int {
	// A terminal interrupts the child together with its parent. The parent ends the child.
	signal.Ignore(os.Interrupt)

	out := json.NewEncoder(stdout)
	row, err := measureHere(name, args, func(stage string) { out.Encode(message{Stage: stage}) })
	if err != nil {
		out.Encode(message{Failure: err.Error()})
		return exitFailure
	}
	b, err := json.Marshal(row)
	if err == nil {
		err = out.Encode(message{Row: b})
	}
	if err != nil {
		return exitFailure
	}
	return exitSuccess
}

// measureHere measures activities in this process, and returns a row of a table. The one argument
// is their number. It calls stage when a stage begins.
func measureHere(name string, args []string, stage func(string)) (row any, err error) {
	if len(args) != 1 {
		return nil, fmt.Errorf("%s=%s: one argument is expected, the number of activities", childVariable, name)
	}
	var n int
	if err := (&wholeNumber{&n, maxCount}).Set(args[0]); err != nil {
		return nil, fmt.Errorf("%s=%s: the number of activities %w", childVariable, name, err)
	}
	if form, ok := strings.CutPrefix(name, waitingPrefix); ok {
		return measureWaitingHere(form, n, stage)
	}
	if program, ok := strings.CutPrefix(name, programsPrefix); ok {
		return measureProgramHere(program, n, stage)
	}
	for _, s := range crowdSorts {
		if s.name == name {
			c, err := s.open()
			if err != nil {
				return nil, err
			}
			return measureCrowd(c, s, n, stage)
		}
	}
	return nil, fmt.Errorf("%s=%s: no such sort of activities", childVariable, name)
}

// measureInChild measures n activities of a sort in a child process, so that measurements do
// not disturb each other, and stores the result in row. It kills the child when ctx ends. Where the system supports it, the
// child does not outlive this process either. It calls stage when a stage begins.
func measureInChild(ctx context.Context, name string, n int, stderr io.Writer, stage func(string), row any) error {
	// The system kills the child when the thread that started it ends, so this goroutine
	// must keep its thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	program, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, strconv.Itoa(n))
	cmd.Env = append(os.Environ(),
		childVariable+"="+name,
		fmt.Sprintf("GOMAXPROCS=%d", runtime.GOMAXPROCS(0)))
	cmd.Stderr = stderr
	cmd.SysProcAttr = dieWithParent()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last, readErr := readMessages(stdout, stage)
	switch err := cmd.Wait(); {
	case ctx.Err() != nil:
		return ctx.Err()
	case last.Failure != "":
		return errors.New(last.Failure)
	case err != nil:
		return fmt.Errorf("the child process ended early: %w", err)
	case readErr != nil:
		return fmt.Errorf("the child process: %w", readErr)
	case last.Row == nil:
		return errors.New("the child process ended without a result")
	}
	return json.Unmarshal(last.Row, row)
}

// readMessages reads messages until r ends, and calls stage for each that has one. It
// returns the last message.
func readMessages(r io.Reader, stage func(string)) (last message, err error) {
	for d := json.NewDecoder(r); ; {
		var m message
		if err := d.Decode(&m); err == io.EOF {
			return last, nil
		} else if err != nil {
			return last, err
		}
		if m.Stage != "" {
			stage(m.Stage)
		}
		last = m
	}
}
