// Package checker checks again and again whether HTTP servers answer: with a task for each target,
// in tasks.go by hand and in plain.go in plain Go, and with a goroutine for each, in goroutines.go.
package checker

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// Checker checks targets. Its fields must not change while it does.
type Checker struct {
	Client   *http.Client
	Interval time.Duration // between the end of a check and the begin of the next one
	Timeout  time.Duration // of a check
	Parallel int64         // most checks at the same time
	Board    *Board
}

// Board has the newest result for each target. Any goroutine may use it.
type Board struct {
	mu      sync.Mutex // guards results and checks
	results map[string]error
	checks  int
}

// Set sets the result of a check; nil for a target that is healthy.
func (b *Board) Set(target string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.results == nil {
		b.results = make(map[string]error)
	}
	b.results[target] = err
	b.checks++
}

// Get returns the newest result for a target. ok is false if there is none yet.
func (b *Board) Get(target string) (err error, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err, ok = b.results[target]
	return err, ok
}

// Checks returns how many checks there were.
func (b *Board) Checks() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.checks
}

// Ill returns how many targets are ill.
func (b *Board) Ill() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, err := range b.results {
		if err != nil {
			n++
		}
	}
	return n
}

// get requests the target. It blocks.
func (c *Checker) get(ctx context.Context, target string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return err
	}
	response, err := c.Client.Do(r)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", response.Status)
	}
	return nil
}
