package coro_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A nil where something is needed is refused with a sentence.
func TestNilArguments(t *testing.T) {
	ex := newInline(t)
	k := coro.Define("task", func(f *coro.Frame[int, none]) coro.Step { return f.Return(none{}) })
	var noHeld *coro.HeldKind[int, int, none]
	var noHandle *coro.Handle[none]
	var noSeq *coro.SeqKind[int, int]
	inStep := func(step func(f *coro.Frame[int, none]) coro.Step) {
		_, err := coro.Run(context.Background(), ex, coro.Define("step", step).With(0))
		panic(err.(*coro.PanicError).Value)
	}
	for name, f := range map[string]func(){
		"Go":             func() { _ = coro.Go(nil, k, 0) },
		"Go, kind":       func() { _ = coro.Go[int, none](ex, nil, 0) },
		"GoHeld":         func() { _ = coro.GoHeld(ex, noHeld, 0, 0) },
		"RunAsync":       func() { _ = coro.RunAsync(nil)(k.With(0)) },
		"RunAsync, call": func() { _ = coro.RunAsync(ex)(nil) },
		"RunAsync, opts": func() { _ = coro.RunAsync(ex, nil)(k.With(0)) },
		"Start":          func() { _, _ = coro.Start(nil, k.With(0)) },
		"Start, opts":    func() { _, _ = coro.Start(ex, k.With(0), nil) },
		"Run":            func() { _, _ = coro.Run(context.Background(), nil, k.With(0)) },
		"With":           func() { noHeld.With(0, 0) },
		"Seq":            func() { noSeq.Seq(0) },
		"Seq2":           func() { noSeq.Seq2(0) },
		"YieldFrom": func() {
			for range coro.DefineSeq("from", func(f *coro.SeqFrame[int, int]) coro.Step { return coro.YieldFrom(f, 1, noSeq, 0) }).Seq(0) {
			}
		},
		"AwaitHeld": func() {
			inStep(func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitHeld(f, 1, noHeld, 0, 0, nil) })
		},
		"AwaitOn": func() {
			inStep(func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitOn(f, 1, nil, k.With(0), nil) })
		},
		"AwaitCall, opts": func() {
			inStep(func(f *coro.Frame[int, none]) coro.Step { return coro.AwaitCall(f, 1, k.With(0), nil, nil) })
		},
		"Handle":         func() { noHandle.Cancel(nil) },
		"NewStrand":      func() { executor.NewStrand(nil) },
		"NewStrand, opt": func() { executor.NewStrand(ex, nil) },
		"NewRelay":       func() { coro.NewRelay(nil, nil, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				v := recover()
				s, ok := v.(string)
				require.True(t, ok, "%v", v)
				require.Regexp(t, "^(coro|executor): .+: .+", s)
			}()
			f()
		})
	}
}
