package soak

import (
	"fmt"
	"time"
)

// Summary is what a soak has done so far.
type Summary struct {
	Seed        uint64        `json:"seed"`
	Build       string        `json:"build"`       // plain, or what it has: race, checked and build tags
	Rounds      int           `json:"rounds"`      // that are complete
	Round       int           `json:"round"`       // that began last
	Elapsed     time.Duration `json:"elapsed_ns"`  // since the child began
	Loads       []Load        `json:"loads"`       // in the order of the package's documentation
	RSS         RSS           `json:"rss"`         //
	Interrupted bool          `json:"interrupted"` // by the caller's context
	Violations  []Violation   `json:"violations"`  // at most one, since it ends the soak
}

// Load is what one of the loads has done.
type Load struct {
	Name       string `json:"name"`
	Runs       uint64 `json:"runs"`       // tests of an allocator, trees, pools, rounds of replacing
	Tasks      uint64 `json:"tasks"`      // that have ended; of the allocators' load none
	Operations uint64 `json:"operations"` // on an allocator, waits, frames that were refused
}

// RSS is the resident memory of the child in bytes, at the ends of rounds, when free memory
// has been given back. All are 0 where the system does not say.
type RSS struct {
	Start uint64 `json:"start_bytes"` // after the rounds that warm up
	End   uint64 `json:"end_bytes"`
	Max   uint64 `json:"max_bytes"`

	// Judged says that there were enough rounds to say whether it grows.
	Judged bool `json:"judged"`
}

// Violation is something that must not be.
type Violation struct {
	Round     int    `json:"round"`
	What      string `json:"what"`
	Details   string `json:"details,omitempty"` // stacks, or what a process that died has printed
	Reproduce string `json:"reproduce"`         // a command line
}

// reproduceRound returns the command that repeats the round that began last.
func (s *Summary) reproduceRound() string {
	return fmt.Sprintf("framearena soak -seed %d -round %d%s", s.Seed, s.Round, builtWith())
}

// reproduceAll returns the command that repeats all rounds so far, of which only is the only
// one if it is not 0.
func (s *Summary) reproduceAll(only int) string {
	rounds := ""
	if only > 0 {
		rounds = fmt.Sprintf(" -round %d", only)
	}
	return fmt.Sprintf("framearena soak -seed %d%s -d %s%s", s.Seed, rounds, max(s.Elapsed.Round(time.Second), time.Second), builtWith())
}

func builtWith() string {
	if flags := buildFlags(); flags != "" {
		return " (built with " + flags + ")"
	}
	return ""
}
