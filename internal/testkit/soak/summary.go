package soak

import (
	"fmt"
	"time"
)

// Summary has what a soak has done so far.
type Summary struct {
	Seed        uint64        `json:"seed"`
	Build       string        `json:"build"`      // "plain", or its properties: race, checked, build tags
	Rounds      int           `json:"rounds"`     // how many are complete
	Round       int           `json:"round"`      // the one that began last
	Elapsed     time.Duration `json:"elapsed_ns"` // since the child began
	Loads       []Load        `json:"loads"`      // in the order of the package's documentation
	RSS         RSS           `json:"rss"`
	Interrupted bool          `json:"interrupted"` // by the caller's context
	Violations  []Violation   `json:"violations"`  // at most one, since it ends the soak
}

// Load has what one of the loads has done.
type Load struct {
	Name       string `json:"name"`
	Runs       uint64 `json:"runs"`       // tests of an allocator, trees, pools, rounds of replacing
	Tasks      uint64 `json:"tasks"`      // how many have ended; 0 for the allocators
	Operations uint64 `json:"operations"` // on allocators, waits, refused frames
}

// RSS is the resident memory of the child in bytes, at the ends of rounds, after the free
// memory of the Go heap was returned to the system. All are 0 if the system does not report it.
type RSS struct {
	Start uint64 `json:"start_bytes"` // after the warm-up
	End   uint64 `json:"end_bytes"`
	Max   uint64 `json:"max_bytes"`

	// Judged is set if there were enough rounds to find out whether the memory grows.
	Judged bool `json:"judged"`
}

// Violation is something that must not happen, and did.
type Violation struct {
	Round     int    `json:"round"`
	What      string `json:"what"`
	Details   string `json:"details,omitempty"` // stacks, or the last output of a process that died
	Reproduce string `json:"reproduce"`         // a command line
}

// reproduceRound returns the command that repeats the round that began last.
func (s *Summary) reproduceRound() string {
	return fmt.Sprintf("framearena soak -seed %d -round %d%s", s.Seed, s.Round, builtWith())
}

// reproduceAll returns the command that repeats all rounds so far: their number, since a busier
// machine does fewer in the same time. If only is not 0, it is the number of the one round that
// was repeated.
func (s *Summary) reproduceAll(only int) string {
	rounds := ""
	if only > 0 {
		rounds = fmt.Sprintf(" -round %d", only)
	}
	return fmt.Sprintf("framearena soak -seed %d%s -rounds %d%s", s.Seed, rounds, s.Rounds, builtWith())
}

func builtWith() string {
	if flags := buildFlags(); flags != "" {
		return " (built with " + flags + ")"
	}
	return ""
}
