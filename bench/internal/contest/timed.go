package contest

import (
	"fmt"
	"time"
)

// Runner is a contestant that is ready to do its operation.
type Runner struct {
	// Do performs the operation n times, and returns an error if the result is wrong.
	Do func(n int) error

	// Close releases the contestant's resources. It may be nil.
	Close func() error
}

// Do returns a function that opens a contestant without preparation.
func Do(do func(n int) error) func() (Runner, error) {
	return func() (Runner, error) { return Runner{Do: do}, nil }
}

// Time is the metric of disciplines that repeat an operation.
var Time = Metric{Key: "ns", Title: "time", Unit: Nanoseconds}

// CPU is another metric of Timed, on systems that report the CPU time.
var CPU = Metric{Key: "cpu", Title: "CPU time", Unit: Nanoseconds}

// Timed returns a function for Contestant.Sample that measures the operation of a Runner. The
// figures are for one of the operation's parts. The number of operations grows until they take
// as long as planned; the last measurement counts.
func Timed(parts int, open func() (Runner, error)) func(Plan) (Metrics, error) {
	return func(plan Plan) (m Metrics, err error) {
		r, err := open()
		if err != nil {
			return nil, err
		}
		if r.Close != nil {
			defer func() {
				if e := r.Close(); err == nil && e != nil {
					m, err = nil, fmt.Errorf("close: %w", e)
				}
			}()
		}
		once := func(n int) (wall time.Duration, err error) {
			cpu := cpuTime()
			start := time.Now()
			if err := r.Do(n); err != nil {
				return 0, err
			}
			wall = time.Since(start)
			per := float64(n) * float64(parts)
			m = Metrics{Time.Key: float64(wall.Nanoseconds()) / per}
			if cpu > 0 {
				m[CPU.Key] = float64((cpuTime() - cpu).Nanoseconds()) / per
			}
			return wall, nil
		}
		if plan.Size > 0 {
			if err := r.Do(max(1, plan.Size/100)); err != nil { // to warm up
				return nil, err
			}
			_, err := once(plan.Size)
			return m, err
		}
		for n := 1; ; {
			wall, err := once(n)
			if err != nil {
				return nil, err
			}
			if wall >= plan.For {
				return m, nil
			}
			n = grow(n, wall, plan.For)
		}
	}
}

// grow returns how many operations to do after n operations took less time than wanted.
func grow(n int, took, want time.Duration) int {
	by := 1.2 * float64(want) / float64(max(took, 1))
	return int(float64(n)*min(max(by, 1.1), 100)) + 1
}

// Check returns an error if a result differs from the right one.
func Check[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("check failed: %s is %v, want %v", what, got, want)
	}
	return nil
}
