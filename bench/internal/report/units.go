package report

import (
	"fmt"
	"math"
	"strconv"

	"github.com/framearena/framearena/bench/internal/contest"
)

// format returns the function that formats values of a unit.
func format(u contest.Unit) func(float64) string {
	switch u {
	case contest.Bytes:
		return size
	case contest.Count:
		return digits
	default:
		return duration
	}
}

// duration formats nanoseconds.
func duration(ns float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}} {
		if ns >= unit.size*0.9995 {
			return digits(ns/unit.size) + " " + unit.name
		}
	}
	return digits(ns) + " ns"
}

// size formats bytes. A KB is 1000 bytes, as in the sizes of disks.
func size(n float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "GB"}, {1e6, "MB"}, {1e3, "KB"}} {
		if n >= unit.size*0.9995 {
			return digits(n/unit.size) + " " + unit.name
		}
	}
	return digits(n) + " B"
}

// digits formats v with three significant digits, or more if that many are before the point. A
// fraction has no zeros at its end.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	decimals := 2 - int(math.Floor(math.Log10(math.Abs(v))))
	if decimals <= 0 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	shift := math.Pow(10, float64(decimals))
	return strconv.FormatFloat(math.Round(v*shift)/shift, 'f', -1, 64)
}

// ratio formats a ratio with two significant digits.
func ratio(r float64) string {
	switch {
	case r >= 9.95:
		return strconv.FormatFloat(r, 'f', 0, 64)
	case r >= 0.995:
		return strconv.FormatFloat(r, 'f', 1, 64)
	default:
		return strconv.FormatFloat(r, 'f', 2, 64)
	}
}

func percent(p float64) string { return fmt.Sprintf("%.0f %%", 100*p) }

func times(r float64) string { return ratio(r) + " ×" }

func itoa(n int) string { return strconv.Itoa(n) }

func abs(n int) int { return max(n, -n) }
