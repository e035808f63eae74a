// Package printable makes texts from users, such as names of kinds, fit to be shown.
package printable

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Most is the number of characters that a text keeps.
const Most = 120

// Text returns s as one line of valid UTF-8 without control characters, for outputs that other
// programs and people read: metrics, pages, profiles, traces. A character that cannot be printed,
// and a byte that is not UTF-8, become an escape sequence of Go, such as \n or \xff. A text of
// more than [Most] characters is cut, and ends with an ellipsis. A text that needs no change is
// returned as it is, without an allocation.
//
// Two texts may become the same. Text does not escape what HTML, SVG or a shell would interpret.
func Text(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	cut := Cut(s)
	for i := 0; i < len(cut); {
		r, size := utf8.DecodeRuneInString(cut[i:])
		if r == utf8.RuneError && size == 1 || !strconv.IsPrint(r) {
			quoted := strconv.Quote(cut[i : i+size])
			b.WriteString(quoted[1 : len(quoted)-1])
		} else {
			b.WriteString(cut[i : i+size])
		}
		i += size
	}
	return b.String()
}

// Cut returns s, cut to [Most] characters. A text that was cut ends with an ellipsis.
func Cut(s string) string {
	if len(s) <= Most {
		return s
	}
	n, last := 0, 0 // characters so far, and where the last of them begins
	for i := range s {
		if n == Most {
			return s[:last] + "…"
		}
		last = i
		n++
	}
	return s
}

// isPlain reports whether Text would return s: it may report false for such a text too.
func isPlain(s string) bool {
	if len(s) > Most {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
