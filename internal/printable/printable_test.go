package printable

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	for given, want := range map[string]string{
		"":                          "",
		"fetch page":                "fetch page",
		`a "b" <c> \d`:              `a "b" <c> \d`,
		"größe 大小":                  "größe 大小",
		"a\nb\r\tc":                 `a\nb\r\tc`,
		"\x00\x1b[31m\x7f":          `\x00\x1b[31m\x7f`,
		"bad \xff\xc3 end":          `bad \xff\xc3 end`,
		"\ufffd":                    "\ufffd",
		"right\u202eleft\u2028":     `right\u202eleft\u2028`,
		strings.Repeat("x", 120):    strings.Repeat("x", 120),
		strings.Repeat("ö", 120):    strings.Repeat("ö", 120),
		strings.Repeat("ö", 121):    strings.Repeat("ö", 119) + "…",
		strings.Repeat("x", 10_000): strings.Repeat("x", 119) + "…",
	} {
		require.Equal(t, want, Text(given))
	}
	name := "a name as names are"
	require.Zero(t, testing.AllocsPerRun(10, func() { Text(name) }))
}

func FuzzText(f *testing.F) {
	f.Add("a\xffb\n")
	f.Fuzz(func(t *testing.T, s string) {
		shown := Text(s)
		require.True(t, utf8.ValidString(shown))
		for _, r := range shown {
			require.True(t, strconv.IsPrint(r), "%q", r)
		}
		require.LessOrEqual(t, utf8.RuneCountInString(shown), Most*len(`\U0010ffff`))
	})
}
