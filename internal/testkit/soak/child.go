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

// childVariable is set in the environment of a child, to the Options.
const childVariable = "FRAMEARENA_SOAK"

// Exit statuses of a child.
const (
	childHasSaid   = 0 // the last message is the final one
	childGaveUp    = 3 // it was told to stop, and did not come to the end of what it did
	childIsWrong   = 4 // it could not begin, or tell
	maxTimeToClose = 20 * time.Second
)

// message is what a child writes to its standard output, as JSON.
type message struct {
	Summary Summary
	Final   bool
}

// IsChild reports whether this process is a child, which must call [Child] and nothing else.
func IsChild() bool { return os.Getenv(childVariable) != "" }

// Child soaks, and returns the exit status. The end of standard input tells it to stop.
func Child() int {
	// The profile of the heap keeps each stack that it has seen, and random trees have ever new
	// ones: memory would seem to leak.
	runtime.MemProfileRate = 0
	// A terminal interrupts the child along with its parent, who then tells it.
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
	go func() { ended <- s.run() }() // the last one: it counts the goroutines that there are
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
