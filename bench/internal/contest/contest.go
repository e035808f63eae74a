// Package contest describes what is compared: disciplines, and those that compete in them.
package contest

import (
	"errors"
	"fmt"
	"time"
)

// ErrMissing is wrapped by the error of a contestant that cannot compete on this machine:
// a compiler or a library is not there. It is skipped, by name.
var ErrMissing = errors.New("missing")

// Missing returns an error that wraps ErrMissing and says what is not there.
func Missing(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMissing}, args...)...)
}

// Role says what a contestant's row means.
type Role string

const (
	Ours  Role = "ours"
	Peer  Role = "peer"
	Floor Role = "floor" // not a contestant: what the discipline costs without what it measures
)

// Metrics are the results of one sample, by the Key of a Metric.
type Metrics map[string]float64

// Metric is a quantity that a discipline measures. Less is better, always.
type Metric struct {
	Key   string `json:"key"`
	Title string `json:"title"` // of its column
	Unit  Unit   `json:"unit"`
}

// Unit is what the numbers of a Metric count.
type Unit string

const (
	Nanoseconds Unit = "ns"
	Bytes       Unit = "B"
	Count       Unit = "" // of something that is neither good nor bad
)

// Plan says how a sample is taken.
type Plan struct {
	For  time.Duration // how long a sample that repeats an operation takes, about
	Size int           // of a sample that does a thing once; 0 in disciplines that repeat
}

// Contestant is a row of a discipline.
type Contestant struct {
	Name string // unique in its discipline
	Lang string // "Go", "C", ...
	Role Role
	Note string // what a reader has to know, if anything

	// Sample takes a sample, in a process where nothing else was measured. Its result was
	// checked. nil if Program is set.
	Sample func(Plan) (Metrics, error)

	// Program is the name of a program of package native that takes the sample, Mode its
	// first argument.
	Program, Mode string

	// Needs says how many bytes a sample of a size needs. nil if that is of no account.
	Needs func(size int) uint64
}

// Discipline is something that its contestants do.
type Discipline struct {
	ID      string // in file names and on the command line
	Group   string
	Title   string
	About   string // one paragraph
	Metrics []Metric

	// Size and QuickSize are the Plan's Size; 0 if an operation is repeated.
	Size, QuickSize int

	// MaxRounds bounds how many samples are taken, where one takes long. 0: no bound.
	MaxRounds int

	// NotQuick is set if a quick run leaves the discipline out.
	NotQuick bool

	Contestants []Contestant
}
