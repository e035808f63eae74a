package inspect_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
)

// Names may hold anything. The page and both documents show each as one line of plain text.
func TestAnyNameIsShownAsOneLine(t *testing.T) {
	names := map[string]string{
		"bad \xff utf-8":            `bad \xff utf-8`,
		"line\nline":                `line\nline`,
		"\x00\x1b[31mred\x7f":       `\x00\x1b[31mred\x7f`,
		"right\u202eleft":           `right\u202eleft`,
		strings.Repeat("ä", 10_000): strings.Repeat("ä", 119) + "…",
	}
	pool := sleepingPool(t, 0, executor.WithWorkers(1), executor.WithKindStats())
	for name := range names {
		kind := coro.Define(name, func(f *coro.Frame[none, none]) coro.Step { return coro.Sleep(f, 0, time.Hour) })
		require.NoError(t, coro.Go(pool, kind, none{}))
	}
	require.Eventually(t, func() bool { return len(pool.Environment().WaitingByKind()) == len(names) }, time.Minute, time.Millisecond)
	i := inspect.New(inspect.WithExecutor("main\xff\n", pool))
	page := get(t, i, "").Body.String()
	require.True(t, utf8.ValidString(page))
	require.Less(t, len(page), 200_000)
	for _, r := range page {
		require.True(t, r == '\n' || !unicode.IsControl(r), "%q", r)
	}
	var document, variable any
	require.NoError(t, json.Unmarshal(get(t, i, "json").Body.Bytes(), &document))
	require.NoError(t, json.Unmarshal([]byte(i.String()), &variable))
	for _, shown := range append([]string{`main\xff\n`}, values(names)...) {
		require.Contains(t, page, shown)
		require.Contains(t, textsOf(document), shown)
		require.Contains(t, textsOf(variable), shown)
	}
	require.PanicsWithValue(t, `inspect: two executors are called "main\xff": give each a name of its own`, func() {
		inspect.New(inspect.WithExecutor(`main\xff`, executor.NewInline()), inspect.WithExecutor("main\xff", pool))
	}, "their names are shown alike")
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// textsOf returns all strings in a document of JSON.
func textsOf(v any) (texts []string) {
	switch v := v.(type) {
	case string:
		texts = append(texts, v)
	case []any:
		for _, e := range v {
			texts = append(texts, textsOf(e)...)
		}
	case map[string]any:
		for _, e := range v {
			texts = append(texts, textsOf(e)...)
		}
	}
	return texts
}
