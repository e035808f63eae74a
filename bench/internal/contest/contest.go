// Package contest describes what is compared: disciplines, and the contestants that compete in
// them.
package contest

import (
	"errors"
	"fmt"
	"time"
)

// ErrMissing is wrapped by the error of a contestant that cannot compete on this machine
// because a compiler or a library is missing. The page lists it as skipped.
var ErrMissing = errors.New("missing")

// Missing returns an error that wraps ErrMissing and names what is missing.
func Missing(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMissing}, args...)...)
}

// Role is what a contestant's row means.
type Role string

const (
	Ours  Role = "ours"
	Peer  Role = "peer"
	Floor Role = "floor" // not a contestant: the cost of the discipline without what it measures
)

// Metrics are the results of one sample, by Metric.Key.
type Metrics map[string]float64

// Metric is a quantity that a discipline measures. Less is always better.
type Metric struct {
	Key   string `json:"key"`
	Title string `json:"title"` // of its column
	Unit  Unit   `json:"unit"`
}

// Unit is the unit of a Metric.
type Unit string

const (
	Nanoseconds Unit = "ns"
	Bytes       Unit = "B"
	Count       Unit = "" // a number that is neither good nor bad
)

// Plan is how a sample is taken.
type Plan struct {
	For  time.Duration // about how long a sample takes, if it repeats an operation
	Size int           // the size of a sample that is not repeated; 0 in disciplines that repeat
}

// Contestant is a row of a discipline.
type Contestant struct {
	Name string // unique in its discipline
	Lang string // "Go", "C", ...
	Role Role
	Note string // what a reader must know, if anything

	// Sample takes a sample, in a process that has measured nothing else. It checks its
	// result. It is nil if Program is set.
	Sample func(Plan) (Metrics, error)

	// Program is the name of the program of package native that takes the sample. Mode is
	// its first argument.
	Program, Mode string

	// Needs returns how many bytes of memory a sample of a size needs. It is nil if that is
	// little.
	Needs func(size int) uint64
}

// Discipline is a task that contestants perform and that is measured.
type Discipline struct {
	ID      string // in file names and on the command line
	Group   string
	Title   string
	About   string // one paragraph
	Metrics []Metric

	// Size and QuickSize are the Plan's Size. They are 0 if an operation is repeated.
	Size, QuickSize int

	// MaxRounds bounds the number of samples of a contestant. 0 is no bound.
	MaxRounds int

	// NotQuick is set if a quick run omits the discipline.
	NotQuick bool

	Contestants []Contestant
}
