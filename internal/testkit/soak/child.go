package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"time"
)

// childVariable is the variable in a child's environment that has the Options, as JSON.
const childVariable = "FRAMEARENA_SOAK"

// Exit statuses of a child.
const (
	childHasSaid   = 0 // its last message was the final one
	childGaveUp    = 3 // it was told to stop, and the round did not end in time
	childIsWrong   = 4 // it could not begin, or could not write a message
	maxTimeToClose = 20 * time.Second
)

// message is what a child writes to its standard output: one JSON value a message.
type message struct {
	Summary Summary
	Final   bool
}

// IsChild reports whether this process is a child, which must call [Child] and nothing else.
func IsChild() bool { return os.Getenv(childVariable) != "" }

// Child soaks and returns the exit status. It stops at the end of its standard input.
func Child() int {
	// The heap profile keeps every stack that it has seen, and random trees have new stacks all
	// the time: memory would seem to leak.
	runtime.MemProfileRate = 0
	// A terminal interrupts the child along with its parent. The parent then closes the
	// child's standard input.
	signal.Ignore(os.Interrupt)

	var o Options
	if err := json.Unmarshal([]byte(os.Getenv(childVariable)), &o); err != nil {
		fmt.Fprintf(os.Stderr, "soak: %s: %v\n", childVariable, err)
		return childIsWrong
	}
	s := newSoaker(o)
	var mu sync.Mutex // guards out
	out := json.NewEncoder(os.Stdout)
	say := func(m message) bool {
		mu.Lock()
		defer mu.Unlock()
		err := out.Encode(m)
		if plantedIn(Silence, m.Summary.Round) {
			select {}
		}
		return err == nil
	}
	s.tell = func() { say(message{Summary: s.summary()}) }

	stop := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(stop)
	}()
	var late <-chan time.Time
	dog := newWatchdog(s)
	defer dog.ticker.Stop()
	ended := make(chan *Violation, 1)
	go func() { ended <- s.run() }() // started last: run counts the goroutines first
	for {
		var v *Violation
		select {
		case v = <-ended:
		case <-stop:
			stop = nil
			s.stopped.Store(true)
			late = time.After(maxTimeToClose)
			continue
		case <-late:
			return childGaveUp
		case <-dog.ticker.C:
			if v = dog.look(); v == nil {
				say(message{Summary: s.summary()})
				continue
			}
		}
		last := message{Summary: s.summary(), Final: true}
		if v != nil {
			last.Summary.Violations = []Violation{*v}
		}
		if !say(last) {
			return childIsWrong
		}
		return childHasSaid
	}
}
