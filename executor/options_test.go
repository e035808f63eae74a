package executor_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
)

// as returns opts for the constructor of one executor, whose options are of type O.
func as[O any](opts []executor.BaseOption) []O {
	all := make([]O, len(opts))
	for i, opt := range opts {
		all[i] = opt.(O)
	}
	return all
}

// An option that a constructor cannot take does not compile there.
func TestOptionsAreTyped(t *testing.T) {
	type constructors struct{ pool, inline, loop, strand bool }
	base := constructors{pool: true, inline: true, loop: true}
	for _, tt := range []struct {
		name   string
		option any
		want   constructors
	}{
		{"WithArena", executor.WithArena(nil), base},
		{"WithErrorHandler", executor.WithErrorHandler(nil), constructors{true, true, true, true}},
		{"WithKindStats", executor.WithKindStats(), base},
		{"WithFrameProfile", executor.WithFrameProfile(), base},
		{"WithClock", executor.WithClock(nil), base},
		{"WithWorkers", executor.WithWorkers(1), constructors{pool: true}},
		{"WithBlockedLimit", executor.WithBlockedLimit(time.Second), constructors{pool: true}},
		{"WithBlockedHandler", executor.WithBlockedHandler(nil), constructors{pool: true}},
		{"WithNotify", executor.WithNotify(nil), constructors{loop: true}},
		{"WithVirtualTime", executor.WithVirtualTime(), constructors{loop: true}},
	} {
		var got constructors
		_, got.pool = tt.option.(executor.PoolOption)
		_, got.inline = tt.option.(executor.InlineOption)
		_, got.loop = tt.option.(executor.LoopOption)
		_, got.strand = tt.option.(executor.StrandOption)
		require.Equal(t, tt.want, got, tt.name)
	}
}

func TestNilOptions(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	for want, do := range map[string]func(){
		"executor: NewPool: option 2 of 2 is nil: leave it out":   func() { executor.NewPool(executor.WithWorkers(1), nil) },
		"executor: NewInline: option 1 of 1 is nil: leave it out": func() { executor.NewInline([]executor.InlineOption{nil}...) },
		"executor: NewLoop: option 1 of 2 is nil: leave it out":   func() { executor.NewLoop(nil, executor.WithVirtualTime()) },
		"executor: NewStrand: option 1 of 1 is nil: leave it out": func() { executor.NewStrand(ex, []executor.StrandOption{nil}...) },
	} {
		require.PanicsWithValue(t, want, do)
	}
}
