package forms

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/forcing"
	"github.com/framearena/framearena/task"
)

type planned = func(*task.T, *plan, int) (string, error)

func deferFunctions() map[string]planned {
	return map[string]planned{
		"close":     deferClose,
		"break":     deferBreak,
		"loop":      deferInLoop,
		"operands":  deferOperands,
		"recover":   deferRecover,
		"nested":    deferNested,
		"goexit":    deferGoexit,
		"unnamed":   deferUnnamed,
		"literal":   deferLiteral,
		"recursive": deferRecursive,
		"between":   deferBetween,
		"named":     deferNamedText,

		"native named":       nativeNamed,
		"native unnamed":     nativeUnnamed,
		"native conditional": nativeConditional,
		"native operands":    nativeOperands,
		"native recover":     nativeRecover,
		"native goexit":      nativeGoexit,
		"native nil":         nativeNil,
		"native shared":      nativeShared,
		"native literal":     nativeLiteral,
		"native recursive":   nativeRecursive,
		"native fallback":    nativeFallback,
		"native generic":     nativeGeneric,
		"native below":       nativeBelow,
		"native none":        nativeNone,

		"called goexit":  calledGoexit,
		"group goexit":   groupGoexit,
		"scoped":         scoped,
		"scoped shared":  scopedShared,
		"scoped defers":  scopedDefers,
		"scoped recover": scopedRecover,
	}
}

// end is what can be seen of a run with deferred calls.
type end struct {
	Result string
	Err    string
	Log    []string
}

// runPlan runs the function in a task, on a goroutine that may end.
func runPlan(t *testing.T, ex coro.Executor, fn planned, p *plan, n int, opts ...task.Option) (e end) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { e.Log = p.log }()
		e.Err = "Goexit"
		r, err := task.Run(context.Background(), ex, task.Call2(fn, p, n), opts...)
		e.Result, e.Err = r, errorText(err)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.FailNow(t, "the task does not end")
	}
	return e
}

func errorText(err error) string {
	var p *coro.PanicError
	if errors.As(err, &p) {
		if p.Value == coro.ErrGoexit {
			return "Goexit"
		}
		return fmt.Sprint("panic: ", p.Value)
	}
	return fmt.Sprint(err)
}

// compiledPlan runs the compiled form.
func compiledPlan(t *testing.T, fn planned, p *plan, n int) end {
	ex := executor.NewInline()
	defer ex.Close()
	return runPlan(t, ex, fn, p, n, task.RequireCompiled())
}

// plainPlan runs the function as it is in the source.
func plainPlan(t *testing.T, fn planned, p *plan, n int) end {
	ex := executor.NewInline()
	defer ex.Close()
	return runPlan(t, ex, fn, p, n, task.OnGoroutine())
}

var errActed = errors.New("acted")

// acts are what stop number k does.
var acts = map[string]func() error{
	"goes on": func() error { return nil },
	"fails":   func() error { return errActed },
	"panics":  func() error { panic("acted") },
	"goexits": func() error { runtime.Goexit(); return nil },
}

// TestDefers compares the forms of functions with deferred calls: each of their stops fails, panics or
// ends the goroutine, when nothing is suspended, everything is, at random, and with frames that move at
// each suspension.
func TestDefers(t *testing.T) {
	for name, fn := range deferFunctions() {
		t.Run(name, func(t *testing.T) {
			for n := range 5 {
				for act, does := range acts {
					if act == "goexits" && name == "group goexit" {
						continue // the stop is no task function, and ends the goroutine, which the child shares with its parent
					}
					for k := 1; ; k++ {
						acted := false
						plan := func(suspends func(stop int) bool) *plan {
							acted = false
							return &plan{
								suspends: suspends,
								act: func(stop int) error {
									if stop == k {
										acted = true
										return does()
									}
									return nil
								},
							}
						}
						want := plainPlan(t, fn, plan(func(int) bool { return false }), n)
						if k > 1 && (!acted || act == "goes on") {
							break
						}
						for seed := range randomPlans(4) {
							r := rand.New(rand.NewPCG(seed, 1))
							suspends := func(stop int) bool { return seed == 1 || seed > 1 && r.IntN(2) == 0 }
							if act == "goexits" {
								// The stop is no task function, so a deferred call that waits in its Goexit ends there.
								inner := suspends
								suspends = func(stop int) bool { return inner(stop) && !acted }
							}
							for _, moves := range []bool{false, seed > 0} {
								forcing.Moves = moves
								got := compiledPlan(t, fn, plan(suspends), n)
								forcing.Moves = false
								require.Equal(t, want, got, "n %d, stop %d %s, seed %d, moved %v", n, k, act, seed, moves)
							}
						}
					}
				}
			}
		})
	}
}

// TestDefersAtTheEndOfTheExecutor closes the executor while a function waits at each of its stops:
// deferred calls run as after Goexit there, and those that wait end there.
func TestDefersAtTheEndOfTheExecutor(t *testing.T) {
	for name, fn := range deferFunctions() {
		if strings.HasSuffix(name, "goexit") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			for n := range 6 {
				for k := 1; ; k++ {
					reached := false
					want := plainPlan(t, fn, &plan{
						suspends: func(int) bool { return false },
						act: func(stop int) error {
							if stop >= k {
								reached = true
								runtime.Goexit()
							}
							return nil
						},
					}, n)
					if !reached {
						break
					}
					for seed := range randomPlans(3) {
						r := rand.New(rand.NewPCG(seed, 1))
						p := &plan{act: func(int) error { return nil }}
						p.suspends = func(stop int) bool {
							return stop >= k || seed == 1 || seed > 1 && r.IntN(2) == 0
						}
						p.last, p.reached = k, make(chan struct{})
						ex := executor.NewInline()
						go func() {
							<-p.reached
							ex.Close()
						}()
						got := runPlan(t, ex, fn, p, n, task.RequireCompiled())
						require.Equal(t, executor.ErrClosed.Error(), got.Err)
						require.Equal(t, want.Log, p.log, "n %d, stop %d, seed %d", n, k, seed)
					}
				}
			}
		})
	}
}

// randomPlans returns how many plans are tried, of which the first two are not random.
func randomPlans(n uint64) uint64 {
	if testing.Short() {
		return 2
	}
	return n
}
