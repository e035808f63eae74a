//go:build framecheck

package coro_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// A write through a kept address to an elided frame that has ended is reported when the memory
// is used next: by the next child, by a timer, or when the parent ends. The report names the kind and
// what was overwritten.
func TestWritesToElidedFramesThatHaveEnded(t *testing.T) {
	type state struct{ a, b uint64 }
	var kept *uint64 // what a program must not keep
	inner := coro.Define("inner", func(f *coro.Frame[state, none]) coro.Step {
		kept = &f.State.a
		return f.Return(none{})
	})
	child := coro.Define("child", func(f *coro.Frame[state, none]) coro.Step {
		kept = &f.State.b
		return f.Return(none{})
	})
	outer := coro.Define("outer", func(f *coro.Frame[state, none]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitElided(f, 1, inner, state{}, nil)
		}
		return f.Return(none{})
	})
	failing := coro.Define("failing", func(f *coro.Frame[state, none]) coro.Step {
		kept = &f.State.b
		panic("as planned")
	})
	const ends = ", and the task has ended: do not use a frame, its State or an address in it once its task has ended"
	tests := []struct {
		name   string
		first  *coro.Kind[state, none]
		second func(f *coro.Frame[state, none]) coro.Step
		want   string
	}{
		{"the next child", child, func(f *coro.Frame[state, none]) coro.Step { return coro.Await(f, 2, child, state{}, nil) },
			`coro: write after free: byte 8 of the state of an elided frame of task "child", which task "parent" awaited, is 0x01` + ends},
		{"the parent's end", child, func(f *coro.Frame[state, none]) coro.Step { return f.Return(none{}) },
			`coro: write after free: byte 8 of the state of an elided frame of task "child", which task "parent" awaited, is 0x01` + ends},
		{"a timer", child, func(f *coro.Frame[state, none]) coro.Step { return coro.Sleep(f, 2, time.Microsecond) },
			`coro: write after free: byte 8 of the state of an elided frame of task "child", which task "parent" awaited, is 0x01` + ends},
		{"the frame of one that panicked", failing, func(f *coro.Frame[state, none]) coro.Step { return coro.Await(f, 2, child, state{}, nil) },
			`of an elided frame of task "failing", which task "parent" awaited, is 0x01`},
		{"a child in a child", outer, func(f *coro.Frame[state, none]) coro.Step { return coro.Await(f, 2, child, state{}, nil) },
			`, in what was elided in it, of an elided frame of task "outer", which task "parent" awaited, is 0x01`},
	}
	for _, tt := range tests {
		for _, write := range []bool{true, false} {
			name := tt.name
			if !write {
				name += ", no write"
			}
			t.Run(name, func(t *testing.T) {
				ex := executor.NewInline()
				parent := coro.Define("parent", func(f *coro.Frame[state, none]) coro.Step {
					switch f.At() {
					case 0:
						return coro.AwaitElided(f, 1, tt.first, state{}, nil)
					case 1:
						if write {
							*kept = 1
						}
						return tt.second(f)
					}
					return f.Return(none{})
				})
				h, err := coro.Start(ex, parent.With(state{}), coro.RootFrameSize(1024))
				require.NoError(t, err)
				_, err = h.Wait(context.Background())
				if write {
					var p *coro.PanicError
					require.ErrorAs(t, err, &p)
					require.Contains(t, p.Error(), tt.want)
				} else {
					require.NoError(t, err)
				}
				require.NoError(t, ex.Close())
			})
		}
	}
}

// The timer of a Sleep uses the same room as an elided child: what it writes there is not
// reported, and what is written there afterwards is.
func TestTimersInTheRoomOfElidedFrames(t *testing.T) {
	for _, ending := range []bool{false, true} {
		ex := executor.NewPool(executor.WithWorkers(2))
		type state struct{ round, number int }
		child := coro.Define("child", func(f *coro.Frame[state, none]) coro.Step {
			if f.At() == 0 && f.State.number%2 == 0 {
				return coro.Sleep(f, 1, time.Microsecond)
			}
			return f.Return(none{})
		})
		parent := coro.Define("parent", func(f *coro.Frame[state, none]) coro.Step {
			s := &f.State
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			if s.round++; s.round == 100 {
				return f.Return(none{})
			}
			if s.round%3 == 0 {
				return coro.Sleep(f, 0, time.Microsecond)
			}
			return coro.AwaitElided(f, 0, child, state{number: s.round}, nil)
		})
		options := []coro.StartOption{coro.RootFrameSize(1024)}
		if ending {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			options = append(options, coro.Context(ctx))
		}
		h, err := coro.Start(ex, parent.With(state{}), options...)
		require.NoError(t, err)
		_, err = h.Wait(context.Background())
		require.NoError(t, err)
		require.NoError(t, ex.Close())
	}
}
