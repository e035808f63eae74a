package inspect

import (
	"fmt"
	"strings"
	"time"
)

// duration formats a time in milliseconds in one or two units, such as "850 ms", "1m 30s" or "3d 4h".
func duration(ms int64) string {
	d := time.Duration(ms) * time.Millisecond
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", ms)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return twoUnits(int(d.Seconds()), 60, "m", "s")
	case d < 24*time.Hour:
		return twoUnits(int(d.Minutes()), 60, "h", "m")
	default:
		return twoUnits(int(d.Hours()), 24, "d", "h")
	}
}

// twoUnits formats n small units, of which per are a large one.
func twoUnits(n, per int, large, small string) string {
	return strings.TrimSuffix(fmt.Sprintf("%d%s %d%s", n/per, large, n%per, small), " 0"+small)
}

// number formats a whole number with commas between the thousands.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// formatBytes formats a number of bytes with a unit, each 1024 of the one before, and with
// three digits unless it is a multiple of the unit.
func formatBytes(n any) string {
	const units = "KMGTPE"
	x, unit := float(n), -1
	for x >= 1023.5 && unit < len(units)-1 {
		x /= 1024
		unit++
	}
	switch {
	case unit < 0:
		return fmt.Sprintf("%d B", n)
	case x == float64(int(x)) || x >= 99.95:
		return fmt.Sprintf("%.0f %ciB", x, units[unit])
	case x < 9.995:
		return fmt.Sprintf("%.2f %ciB", x, units[unit])
	default:
		return fmt.Sprintf("%.1f %ciB", x, units[unit])
	}
}

// percent formats part as a percentage of whole, from 0 to 100: the width of a bar.
func percent(part, whole any) string {
	p, w := float(part), float(whole)
	if w <= 0 {
		return "0"
	}
	return fmt.Sprintf("%.1f", max(0, min(100, 100*p/w)))
}

// float converts an integer of one of the types that reports have. It panics for others.
func float(n any) float64 {
	switch n := n.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	case uintptr:
		return float64(n)
	default:
		panic(fmt.Sprintf("inspect: %T is not a type of figures", n))
	}
}
