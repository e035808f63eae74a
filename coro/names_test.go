package coro_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// TestAnyNameIsOneLine has names that are no plain text. Texts show each as one line of UTF-8 of
// bounded length; KindInfo.Name keeps what Define got.
func TestAnyNameIsOneLine(t *testing.T) {
	for name, shown := range map[string]string{
		"bad \xff utf-8":            `bad \xff utf-8`,
		"line\n\tfile.go:1":         `line\n\tfile.go:1`,
		"\x00\x1b[31m":              `\x00\x1b[31m`,
		strings.Repeat("ä", 10_000): strings.Repeat("ä", 119) + "…",
	} {
		k := coro.Define(name, func(f *coro.Frame[none, none]) coro.Step { panic("wrong") })
		require.Equal(t, name, k.Info().Name)
		require.True(t, strings.HasPrefix(k.Info().String(), shown+" (names_test.go:"), k.Info().String())

		ex := executor.NewInline()
		_, err := coro.Run(context.Background(), ex, k.With(none{}))
		var panicked *coro.PanicError
		require.True(t, errors.As(err, &panicked))
		require.True(t, strings.HasPrefix(panicked.Backtrace.String(), shown+"\n\t"), panicked.Backtrace.String())
		require.Len(t, strings.Split(panicked.Backtrace.String(), "\n"), 3)
		require.NoError(t, ex.Close())

		var said any
		func() {
			defer func() { said = recover() }()
			coro.Define[none, none](name, nil)
		}()
		require.Less(t, len(said.(string)), 400)
	}
}

func TestProfileIsUTF8(t *testing.T) {
	ex := executor.NewLoop(executor.WithErrorHandler(func(error) {}))
	k := coro.Define("profiled \xff\n", func(f *coro.Frame[none, none]) coro.Step { return coro.Yield(f, 1) })
	require.NoError(t, coro.RunAsync(ex, coro.Profiled())(k.With(none{})))
	ex.RunOne()
	var b bytes.Buffer
	require.NoError(t, coro.WriteFrameProfile(&b))
	r, err := gzip.NewReader(&b)
	require.NoError(t, err)
	profile, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Contains(t, string(profile), `profiled \xff\n`)
	require.NotContains(t, string(profile), "profiled \xff")
	require.True(t, utf8.ValidString(`profiled \xff\n`))
	require.NoError(t, ex.Close())
}
