package main

import (
	"math"
	"strconv"
)

// humanTime formats a time in nanoseconds with a fitting unit.
func humanTime(ns float64) string { return human(ns, "ns", "µs", "ms", "s") }

// humanBytes formats a size in bytes with a fitting unit. 1 KB is 1000 B.
func humanBytes(n float64) string { return human(n, "B", "KB", "MB", "GB", "TB") }

// human formats x in the largest unit that leaves it at 1 or more. Each unit is a thousand of
// the one before.
func human(x float64, units ...string) string {
	i := 0
	for ; i < len(units)-1 && math.Abs(x) >= 999.5; i++ {
		x /= 1000
	}
	return significant(x) + " " + units[i]
}

// humanRatio formats a / b. It returns "" if one of them is not positive.
func humanRatio(a, b float64) string {
	if a <= 0 || b <= 0 {
		return ""
	}
	return significant(a/b) + "×"
}

// part formats a ratio with two decimals, or with two significant digits if it is less than
// 0.1.
func part(x float64) string {
	if x >= 0.1 || x <= 0 {
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
	return strconv.FormatFloat(x, 'g', 2, 64)
}

// significant formats x with three significant digits, but with all digits before the point,
// and with at most two behind it.
func significant(x float64) string {
	decimals := 2
	for size := math.Abs(x); size >= 9.995 && decimals > 0; size /= 10 {
		decimals--
	}
	return strconv.FormatFloat(x, 'f', decimals, 64)
}

// grouped formats n with commas between the thousands.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// quotient returns a / b, or 0 if b is 0: JSON has no infinity, and the clock may not advance
// within a short round.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
