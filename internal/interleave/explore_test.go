//go:build framearena_explore

package interleave_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/interleave"
)

// outcomes returns what a model that reports its outcomes comes to.
func outcomes(t *testing.T, model func(r *interleave.Run, outcome func(string)), opts ...interleave.Option) ([]string, interleave.Result) {
	t.Helper()
	seen := make(map[string]bool)
	result := interleave.Explore(func(r *interleave.Run) {
		model(r, func(s string) { seen[s] = true })
	}, opts...)
	require.Nil(t, result.Failure, "%v", result.Failure)
	var all []string
	for s := range seen {
		all = append(all, s)
	}
	slices.Sort(all)
	return all, result
}

// A lost update is found, and it is not there if the update is atomic.
func TestExploreCounter(t *testing.T) {
	model := func(update func(*interleave.Int64)) func(r *interleave.Run, outcome func(string)) {
		return func(r *interleave.Run, outcome func(string)) {
			var n interleave.Int64
			for range 2 {
				r.Thread("adder", func() { update(&n) })
			}
			r.End(func() { outcome(fmt.Sprint(n.Load())) })
		}
	}
	got, _ := outcomes(t, model(func(n *interleave.Int64) { n.Store(n.Load() + 1) }))
	require.Equal(t, []string{"1", "2"}, got)
	got, _ = outcomes(t, model(func(n *interleave.Int64) { n.Add(1) }))
	require.Equal(t, []string{"2"}, got)
}

// The number of executions is that of the orders that differ, as it can be counted by hand.
func TestExploreCounts(t *testing.T) {
	run := func(threads int, f func(i int, x []interleave.Int64), opts ...interleave.Option) interleave.Result {
		result := interleave.Explore(func(r *interleave.Run) {
			x := make([]interleave.Int64, threads)
			for i := range threads {
				r.Thread("thread", func() { f(i, x) })
			}
		}, opts...)
		require.Nil(t, result.Failure)
		return result
	}
	own := func(i int, x []interleave.Int64) { x[i].Add(1); x[i].Add(1) }
	same := func(_ int, x []interleave.Int64) { x[0].Add(1); x[0].Add(1) }
	reads := func(_ int, x []interleave.Int64) { x[0].Load(); x[0].Load() }
	require.Equal(t, 90, run(3, own, interleave.All()).Executions, "6! / 2!2!2!")
	require.Equal(t, 1, run(3, own).Executions)
	require.Equal(t, 1, run(3, reads).Executions)
	r := run(3, same)
	require.Equal(t, 90, r.Executions-r.Redundant)
	require.Equal(t, 6, run(3, same, interleave.Preemptions(0)).Executions)
}

// Stores that only release may become visible after a later load of the same thread; others
// may not.
func TestExploreStoreBuffers(t *testing.T) {
	model := func(store func(p *uintptr)) func(r *interleave.Run, outcome func(string)) {
		return func(r *interleave.Run, outcome func(string)) {
			var x, y, a, b uintptr
			r.Thread("one", func() { store(&x); a = interleave.LoadUintptr(&y) })
			r.Thread("two", func() { store(&y); b = interleave.LoadUintptr(&x) })
			r.End(func() { outcome(fmt.Sprint(a, b)) })
		}
	}
	got, _ := outcomes(t, model(func(p *uintptr) { interleave.StoreRelease(p, 1) }))
	require.Equal(t, []string{"0 0", "0 1", "1 0", "1 1"}, got)
	got, _ = outcomes(t, model(func(p *uintptr) { interleave.SwapUintptr(p, 1) }))
	require.Equal(t, []string{"0 1", "1 0", "1 1"}, got)
}

// Messages are seen in the order in which they were written.
func TestExploreStoreOrder(t *testing.T) {
	got, _ := outcomes(t, func(r *interleave.Run, outcome func(string)) {
		var data, flag, f, d uintptr
		r.Thread("writer", func() { interleave.StoreRelease(&data, 1); interleave.StoreRelease(&flag, 1) })
		r.Thread("reader", func() { f = interleave.LoadUintptr(&flag); d = interleave.LoadUintptr(&data) })
		r.End(func() { outcome(fmt.Sprint(f, d)) })
	})
	require.Equal(t, []string{"0 0", "0 1", "1 1"}, got)
}

// What goes wrong is noticed, and shown.
func TestExploreFailures(t *testing.T) {
	tests := []struct {
		name  string
		model func(r *interleave.Run)
		shows []string
	}{
		{"a deadlock", func(r *interleave.Run) {
			var a, b interleave.Mutex
			r.Thread("one", func() { a.Lock(); b.Lock(); b.Unlock(); a.Unlock() })
			r.Thread("two", func() { b.Lock(); a.Lock(); a.Unlock(); b.Unlock() })
		}, []string{"nothing can run", "one", "two", "is about to", "a.Lock()"}},
		{"a lost wake-up", func(r *interleave.Run) {
			var ready interleave.Bool
			c := make(chan int, 1)
			var asleep interleave.Bool
			r.Thread("sleeper", func() {
				if !ready.Load() {
					asleep.Store(true)
					interleave.Receive(c)
				}
			})
			r.Thread("waker", func() {
				ready.Store(true)
				if asleep.Load() {
					interleave.Send(c, 1)
				}
			})
		}, []string{"nothing can run", "sleeper", "interleave.Receive(c)"}},
		{"a panic", func(r *interleave.Run) {
			r.Thread("one", func() { panic("at the disco") })
		}, []string{"at the disco"}},
		{"a requirement", func(r *interleave.Run) {
			var n interleave.Int32
			r.Thread("one", func() { n.Store(1) })
			r.Thread("two", func() { r.Require(n.Load() == 0, "n is %d", n.Load()) })
		}, []string{"n is 1", "-> 1", "n.Store(1)"}[0:1]},
		{"at the end", func(r *interleave.Run) {
			r.End(func() { r.Require(false, "not so") })
		}, []string{"not so"}},
		{"no end", func(r *interleave.Run) {
			var n interleave.Int32
			r.Thread("one", func() {
				for {
					n.Add(1)
				}
			})
		}, []string{"does not end"}},
		{"two owners", func(r *interleave.Run) {
			var x uintptr
			for range 2 {
				r.Thread("owner", func() { interleave.StoreRelease(&x, 1) })
			}
		}, []string{"two threads store in the same place"}},
		{"another model each time", func() func(r *interleave.Run) {
			calls := 0
			return func(r *interleave.Run) {
				calls++
				n, m := make([]interleave.Int32, 100), calls
				r.Thread("one", func() { n[0].Add(1); n[m].Add(1); n[0].Load() })
				r.Thread("two", func() { n[0].Add(1) })
				if calls > 1 {
					r.Thread("three", func() { n[0].Add(1) })
				}
			}
		}(), []string{"not the same each time"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := interleave.Catch(t, tt.model)
			for _, s := range tt.shows {
				require.Contains(t, f.String(), s)
			}
			if tt.name != "another model each time" && tt.name != "a panic" {
				require.Equal(t, f.String(), interleave.Catch(t, tt.model).String(), "it is the same each time")
			}
		})
	}
}

// An exploration that is not finished is no success.
func TestExploreLimit(t *testing.T) {
	r := interleave.Explore(func(r *interleave.Run) {
		var n interleave.Int64
		for range 3 {
			r.Thread("adder", func() { n.Add(1) })
		}
	}, interleave.Limit(5))
	require.NotNil(t, r.Failure)
	require.Contains(t, r.Failure.What, "not all was seen")
}

// What the model says is done when nothing can run.
func TestExploreAtRest(t *testing.T) {
	got, _ := outcomes(t, func(r *interleave.Run, outcome func(string)) {
		c := make(chan int, 1)
		var n interleave.Int32
		r.Thread("sleeper", func() { n.Add(int32(interleave.Receive(c))) })
		r.Thread("other", func() { n.Add(1) })
		r.AtRest(func() { c <- int(n.Load()) + 4 })
		r.End(func() { outcome(fmt.Sprint(n.Load())) })
	})
	require.Equal(t, []string{"6"}, got)
}

// For small programs made at random, the reduction leaves out nothing that matters: what
// can come out is the same as with all interleavings.
func TestExploreReduction(t *testing.T) {
	programs := 1000
	if testing.Short() {
		programs = 200
	}
	executions, all := 0, 0
	for seed := range uint64(programs) {
		model := randomModel(seed)
		want, complete := outcomes(t, model, interleave.All())
		got, reduced := outcomes(t, model)
		require.Equal(t, want, got, "program %d", seed)
		executions += reduced.Executions
		all += complete.Executions
	}
	require.Less(t, executions, all/3)
	t.Logf("%d executions instead of %d", executions, all)
}

// randomModel returns a program of two or three threads with some operations each. Its
// outcome is all that the threads have seen, and what is there at last.
func randomModel(seed uint64) func(r *interleave.Run, outcome func(string)) {
	return func(r *interleave.Run, outcome func(string)) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var (
			vars  [2]interleave.Int64
			mus   [2]interleave.Mutex
			chans [2]chan int64
		)
		for i := range chans {
			chans[i] = make(chan int64, 1)
		}
		threads := 2 + rnd.IntN(2)
		words := make([]uintptr, threads) // each owned by a thread
		seen := make([][]int64, threads)
		for i := range threads {
			var program []func()
			saw := func(v int64) { seen[i] = append(seen[i], v) }
			for n := range 1 + rnd.IntN(10-3*threads) {
				k, v, value := rnd.IntN(2), rnd.IntN(threads), int64(10*i+n)
				x, mu, c := &vars[k], &mus[k], chans[k]
				switch rnd.IntN(13) {
				case 0, 1:
					program = append(program, func() { saw(x.Load()) })
				case 2:
					program = append(program, func() { x.Store(value) })
				case 3:
					program = append(program, func() { saw(x.Swap(value)) })
				case 4:
					program = append(program, func() {
						if x.CompareAndSwap(0, value) {
							saw(-1)
						}
					})
				case 5, 6, 7:
					program = append(program, func() { interleave.StoreRelease(&words[i], uintptr(value)) })
				case 8, 9:
					program = append(program, func() { saw(int64(interleave.LoadUintptr(&words[v]))) })
				case 10:
					program = append(program, func() {
						mu.Lock()
						x.Store(x.Load() + 1)
						mu.Unlock()
					})
				case 11:
					program = append(program, func() { interleave.Send(c, value) })
				case 12:
					program = append(program, func() { saw(interleave.Receive(c)) })
				}
			}
			r.Thread(fmt.Sprint("thread", i), func() {
				for _, f := range program {
					f()
				}
			})
		}
		report := func(how string) {
			outcome(fmt.Sprint(how, seen, vars[0].Load(), vars[1].Load(), len(chans[0]), len(chans[1])))
		}
		// Who waits for a value or for room gets it, when it has been noted that they wait.
		rested := false
		r.AtRest(func() {
			if !rested {
				report("at rest")
			}
			rested = true
			for _, c := range chans {
				if len(c) == 0 {
					c <- -2
				} else {
					<-c
				}
			}
		})
		r.End(func() {
			if !rested {
				report("end")
			}
		})
	}
}
