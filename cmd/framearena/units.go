package main

import (
	"math"
	"strconv"
)

// humanTime returns a time, given in nanoseconds, with a fitting unit.
func humanTime(ns float64) string { return human(ns, "ns", "µs", "ms", "s") }

// humanBytes returns a size with a fitting unit. 1 KB is 1000 B.
func humanBytes(n float64) string { return human(n, "B", "KB", "MB", "GB", "TB") }

// human returns x in the largest of the units, each a thousand of the one before,
// that leaves it at 1 or more.
func human(x float64, units ...string) string {
	i := 0
	for ; i < len(units)-1 && math.Abs(x) >= 999.5; i++ {
		x /= 1000
	}
	return significant(x) + " " + units[i]
}

// humanRatio returns a / b, or nothing if there is no telling.
func humanRatio(a, b float64) string {
	if a <= 0 || b <= 0 {
		return ""
	}
	return significant(a/b) + "×"
}

// part returns a ratio that is likely less than 1, with two significant digits or
// two decimals.
func part(x float64) string {
	if x >= 0.1 || x <= 0 {
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// significant returns x with three significant digits, or as many as stand before
// the point; never with more than two behind it.
func significant(x float64) string {
	decimals := 2
	for size := math.Abs(x); size >= 9.995 && decimals > 0; size /= 10 {
		decimals--
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// grouped returns n with its thousands set apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// quotient returns a / b, and 0, which JSON can say, if b is 0: a clock need not
// tick within a short round.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
