package coro_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"weak"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/workloads"
)

// squares awaits a task for each of its values.
type squaresState struct{ next, end, square int }

var (
	square = coro.Define("square of one", func(f *coro.Frame[int, int]) coro.Step {
		if f.State == 13 {
			return f.Fail(errLeaf)
		}
		return f.Return(f.State * f.State)
	})

	squares = coro.DefineSeq("squares", func(f *coro.SeqFrame[squaresState, int]) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			if s.next == s.end {
				return f.Return()
			}
			s.next++
			return coro.Await(&f.Frame, 1, square, s.next-1, &s.square)
		case 1:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return coro.YieldValue(f, 0, s.square)
		default:
			return f.BadResume()
		}
	})
)

// tree yields the numbers of a complete binary tree in order, by generators of
// its own kind. It fails where the number is that of fail.
type treeState struct{ low, high, fail int }

var tree = coro.DefineSeq("tree", func(f *coro.SeqFrame[treeState, int]) coro.Step {
	s := &f.State
	middle := (s.low + s.high) / 2
	switch {
	case f.Err() != nil:
		return f.Fail(f.Err())
	case s.low == s.high:
		return f.Return()
	}
	switch f.At() {
	case 0:
		return coro.YieldFrom(f, 1, f.Kind(), treeState{s.low, middle, s.fail})
	case 1:
		if middle == s.fail {
			return f.Fail(errLeaf)
		}
		return coro.YieldValue(f, 2, middle)
	case 2:
		return coro.YieldFrom(f, 3, f.Kind(), treeState{middle + 1, s.high, s.fail})
	default:
		return f.Return()
	}
})

func intsTo(n int) []int {
	all := []int{}
	for i := range n {
		all = append(all, i)
	}
	return all
}

// collect returns the values and the error of a loop.
func collectValues[T any](seq iter.Seq2[T, error]) (values []T, err error) {
	values = []T{}
	for v, e := range seq {
		if e != nil {
			err = e
		} else {
			values = append(values, v)
		}
	}
	return values, err
}

// recorded returns an option for frames from an allocator that must have got all
// frames back, in the right order, when the test ends.
func recorded(t *testing.T) coro.Option {
	a := newArena(t)
	r := newRecorder(a)
	t.Cleanup(func() {
		require.Empty(t, r.fault)
		require.Empty(t, r.live)
		require.Zero(t, liveIn(a))
	})
	return coro.Allocator(r)
}

func TestSeq(t *testing.T) {
	own := recorded(t)
	for n := range 20 {
		require.Equal(t, intsTo(n), slices.AppendSeq([]int{}, workloads.Numbers.Seq(workloads.UpTo{End: n})))
		require.Equal(t, intsTo(n), slices.AppendSeq([]int{}, workloads.Numbers.Seq(workloads.UpTo{End: n}, own)))
		got, err := collectValues(workloads.Numbers.Seq2(workloads.UpTo{End: n}, own))
		require.NoError(t, err)
		require.Equal(t, intsTo(n), got)
		require.Equal(t, intsTo(n), slices.AppendSeq([]int{}, tree.Seq(treeState{0, n, -1}, own)))
	}
	require.Equal(t, []int{0, 1, 4, 9}, slices.Collect(squares.Seq(squaresState{end: 4}, own)))
	require.Equal(t, "numbers", workloads.Numbers.Name())
	require.Equal(t, "numbers", workloads.Numbers.Info().Name)
	require.Equal(t, workloads.Numbers.FrameSize(), workloads.Numbers.Info().FrameSize)
}

// Each loop over a Seq begins anew.
func TestSeqIsRepeatable(t *testing.T) {
	seq := workloads.Numbers.Seq(workloads.UpTo{End: 5}, recorded(t))
	for range 3 {
		require.Equal(t, intsTo(5), slices.Collect(seq))
		for a := range seq {
			for b := range seq { // while another runs
				if b > a {
					break
				}
			}
		}
	}
}

func TestSeqStopsEarly(t *testing.T) {
	own := recorded(t)
	for n := range 30 {
		for _, seq := range []iter.Seq[int]{
			workloads.Numbers.Seq(workloads.UpTo{End: 1000}, own),
			squares.Seq(squaresState{end: 13}, own),
			tree.Seq(treeState{0, 1000, -1}, own),
		} {
			i := 0
			for range seq {
				if i++; i > n {
					break
				}
			}
			require.LessOrEqual(t, i, n+1)
		}
		for _, err := range workloads.Numbers.Seq2(workloads.UpTo{End: 1000}, own) {
			require.NoError(t, err)
			break
		}
	}
}

func TestSeqFails(t *testing.T) {
	own := recorded(t)
	t.Run("Seq2", func(t *testing.T) {
		got, err := collectValues(squares.Seq2(squaresState{next: 11, end: 20}, own))
		require.True(t, err == errLeaf, "as it is")
		require.Equal(t, []int{121, 144}, got)
		got, err = collectValues(tree.Seq2(treeState{0, 100, 77}, own))
		require.True(t, err == errLeaf)
		require.Equal(t, intsTo(77), got)
	})
	t.Run("OnError", func(t *testing.T) {
		var errs []error
		onError := coro.OnError(func(err error) { errs = append(errs, err) })
		require.Equal(t, []int{121, 144}, slices.Collect(squares.Seq(squaresState{next: 11, end: 20}, own, onError)))
		require.Equal(t, []error{errLeaf}, errs)
	})
	t.Run("Seq", func(t *testing.T) {
		var got []int
		err := func() (err error) {
			defer func() { err = recover().(error) }()
			for v := range squares.Seq(squaresState{next: 11, end: 20}, own) {
				got = append(got, v)
			}
			return nil
		}()
		require.ErrorIs(t, err, errLeaf)
		require.EqualError(t, err, `coro: generator "squares" failed, and the loop takes no errors: use Seq2 or OnError: `+errLeaf.Error())
		require.Equal(t, []int{121, 144}, got)
	})
	t.Run("no memory", func(t *testing.T) {
		for frames := range int64(8) {
			got, err := collectValues(tree.Seq2(treeState{0, 100, -1}, coro.Allocator(newLimited(newArena(t), frames))))
			require.ErrorIs(t, err, arena.ErrExhausted)
			require.Empty(t, got)
		}
	})
	t.Run("a Yield in between", func(t *testing.T) {
		later := coro.Define("later", func(f *coro.Frame[none, none]) coro.Step {
			if f.At() < 3 {
				return coro.Yield(f, f.At()+1)
			}
			return f.Fail(errLeaf)
		})
		g := coro.DefineSeq("yields", func(f *coro.SeqFrame[none, error]) coro.Step {
			switch f.At() {
			case 0:
				return coro.Yield(&f.Frame, 1)
			case 1:
				return coro.Await(&f.Frame, 2, later, none{}, nil)
			case 2:
				return coro.YieldValue(f, 3, f.Err())
			default:
				return f.Return()
			}
		})
		require.Equal(t, []error{errLeaf}, slices.Collect(g.Seq(none{}, own)))
	})
}

func TestSeqContext(t *testing.T) {
	g := coro.DefineSeq("until", func(f *coro.SeqFrame[int, int]) coro.Step {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		f.State++
		return coro.YieldValue(f, 0, f.State)
	})
	why := errors.New("why")
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	last := 0
	for v, err := range g.Seq2(0, coro.Context(ctx), recorded(t)) {
		if err != nil {
			require.True(t, err == why)
			last = -last
			break
		}
		if last = v; v == 5 {
			cancel(why)
		}
	}
	require.Equal(t, -5, last)
}

// A panic in the generator, in what it yields from and awaits, and in the loop.
func TestSeqPanics(t *testing.T) {
	own := recorded(t)
	boom := coro.DefineSeq("boom", func(f *coro.SeqFrame[workloads.UpTo, int]) coro.Step {
		s := &f.State
		if s.Next == s.End {
			coro.Await(&f.Frame, 0, square, 1, nil) //framearena:ignore it never begins
			explode("boom")
		}
		s.Next++
		return coro.YieldValue(f, 0, s.Next)
	})
	survives := coro.DefineSeq("survives", func(f *coro.SeqFrame[bool, string]) coro.Step {
		switch f.At() {
		case 0:
			return coro.YieldValue(f, 1, "first")
		case 1:
			return coro.Await(&f.Frame, 2, exploding, none{}, nil)
		case 2:
			var p *coro.PanicError
			if !errors.As(f.Err(), &p) || len(p.Backtrace.Tasks) != 2 || p.Backtrace.Tasks[1].Name != "survives" {
				return f.Fail(errLeaf)
			}
			return coro.YieldValue(f, 3, fmt.Sprint(p.Value))
		default:
			return f.Return()
		}
	})
	outer := coro.DefineSeq("outer", func(f *coro.SeqFrame[none, int]) coro.Step {
		if f.At() == 0 {
			return coro.YieldFrom(f, 1, boom, workloads.UpTo{End: 2})
		}
		return f.Fail(f.Err())
	})
	for range 3 { // the loop is reused
		for n := range 4 {
			got := 0
			require.PanicsWithValue(t, "boom", func() {
				for range boom.Seq(workloads.UpTo{End: n}, own) {
					got++
				}
			}, "as it is")
			require.Equal(t, n, got)
		}
		require.Equal(t, []string{"first", "boom"}, slices.Collect(survives.Seq(false, own)))
		got, err := collectValues(outer.Seq2(none{}, own))
		require.Equal(t, []int{1, 2}, got)
		requirePanic(t, err, "boom")
		require.PanicsWithValue(t, "of the loop", func() {
			for range tree.Seq(treeState{0, 100, -1}, own) {
				panic("of the loop")
			}
		})
		require.False(t, func() (returned bool) {
			return onGoroutine(func() {
				for range tree.Seq(treeState{0, 100, -1}, own) {
					runtime.Goexit()
				}
			})
		}())
	}
}

func TestSeqGoexit(t *testing.T) {
	own := recorded(t)
	g := coro.DefineSeq("leaves", func(f *coro.SeqFrame[bool, int]) coro.Step {
		switch {
		case f.At() == 0:
			return coro.YieldValue(f, 1, 1)
		case f.State:
			return coro.Await(&f.Frame, 2, leaving, none{}, nil)
		}
		leave()
		return f.Return()
	})
	for range 3 {
		for _, inChild := range []bool{true, false} {
			got := 0
			require.False(t, onGoroutine(func() {
				for range g.Seq(inChild, own) {
					got++
				}
			}))
			require.Equal(t, 1, got)
		}
	}
}

// Values may have pointers: nothing is lost, and the last is not retained.
func TestSeqOfPointers(t *testing.T) {
	type box struct{ text string }
	g := coro.DefineSeq("boxes", func(f *coro.SeqFrame[int, *box]) coro.Step {
		if f.State == 100 {
			return f.Return()
		}
		f.State++
		return coro.YieldValue(f, 0, &box{strconv.Itoa(f.State)})
	})
	require.Panics(t, func() {
		coro.DefineSeq("bad", func(f *coro.SeqFrame[*box, int]) coro.Step { return f.Return() })
	})
	n := 0
	var last weak.Pointer[box]
	for b := range g.Seq(0, recorded(t)) {
		if n%10 == 0 {
			runtime.GC()
		}
		n++
		require.Equal(t, strconv.Itoa(n), b.text)
		last = weak.Make(b)
	}
	require.Equal(t, 100, n)
	runtime.GC()
	require.Nil(t, last.Value())
}

// One generator drives another: in its step, in the loop's body, in a task.
func TestSeqNested(t *testing.T) {
	own := recorded(t)
	sums := coro.DefineSeq("sums", func(f *coro.SeqFrame[workloads.UpTo, int]) coro.Step {
		s := &f.State
		if s.Next == s.End {
			return f.Return()
		}
		s.Next++
		sum := 0
		for v := range workloads.Numbers.Seq(workloads.UpTo{End: s.Next}) {
			for range squares.Seq(squaresState{end: 3}) {
				sum += v
			}
		}
		return coro.YieldValue(f, 0, sum)
	})
	want := []int{0, 3, 9, 18}
	require.Equal(t, want, slices.Collect(sums.Seq(workloads.UpTo{End: 4}, own)))

	task := coro.Define("task", func(f *coro.Frame[int, int]) coro.Step {
		for v := range sums.Seq(workloads.UpTo{End: 4}) {
			f.State += v
		}
		return f.Return(f.State)
	})
	pool := newPool(t, executor.WithWorkers(2))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := coro.Run(context.Background(), pool, task.With(0)); err != nil || got != 30 {
					t.Errorf("%d, %v", got, err)
				}
				if got := slices.Collect(sums.Seq(workloads.UpTo{End: 4})); !slices.Equal(got, want) {
					t.Error(got)
				}
			}
		})
	}
	wg.Wait()

	next, stop := iter.Pull(tree.Seq(treeState{0, 1000, -1}, own)) // on another goroutine
	for i := range 10 {
		v, ok := next()
		require.True(t, ok)
		require.Equal(t, i, v)
	}
	stop()
}

func TestSeqMisuse(t *testing.T) {
	const noLoop = `coro: a generator yields a value, but no loop takes it: run a generator by a loop over its Seq or Seq2, or by YieldFrom`
	ex := newInline(t)
	var err error
	var outer *coro.SeqFrame[bool, int]
	var asTask *coro.Kind[bool, struct{}]
	g := coro.DefineSeq("as a task", func(f *coro.SeqFrame[bool, int]) coro.Step {
		if f.State {
			asTask = f.Frame.Kind()
			return f.Return()
		}
		return coro.YieldValue(f, 0, 1)
	})
	for range g.Seq(true) {
		t.Error("a value")
	}
	task := coro.Define("awaits a generator", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return coro.Await(f, 1, asTask, false, nil)
		}
		return f.Fail(f.Err())
	})
	_, err = coro.Run(context.Background(), ex, task.With(none{}))
	requireMisuse(t, err, noLoop)

	from := coro.DefineSeq("from a task", func(f *coro.SeqFrame[bool, int]) coro.Step {
		if f.State {
			asTask = f.Frame.Kind()
			return f.Return()
		}
		return coro.YieldFrom(f, 0, workloads.Numbers, workloads.UpTo{End: 1})
	})
	for range from.Seq(true) {
		t.Error("a value")
	}
	_, err = coro.Run(context.Background(), ex, task.With(none{}))
	requireMisuse(t, err, noLoop)

	child := coro.Define("child", func(f *coro.Frame[none, none]) coro.Step { return coro.YieldValue(outer, 1, 1) })
	parent := coro.DefineSeq("parent", func(f *coro.SeqFrame[bool, int]) coro.Step {
		if outer = f; f.Err() != nil { //framearena:ignore on purpose
			return f.Fail(f.Err())
		}
		return coro.Await(&f.Frame, 1, child, none{}, nil)
	})
	got, err := collectValues(parent.Seq2(false, recorded(t)))
	require.Empty(t, got)
	requireMisuse(t, err, checkedOr("YieldValue", `coro: task "child" returned a Step that is not its own, or not its last: return the Step of an Await, Yield, Return or Fail at once`))

	var gone *coro.SeqFrame[bool, int]
	keeps := coro.DefineSeq("keeps", func(f *coro.SeqFrame[bool, int]) coro.Step {
		gone = f //framearena:ignore on purpose
		return coro.YieldValue(f, 1, 1)
	})
	for range keeps.Seq(false) {
		require.PanicsWithValue(t, panicNotRunning("Fail"), func() { gone.Fail(errLeaf) }, "in the loop") //framearena:ignore on purpose
		if framecheck.Enabled {
			require.PanicsWithValue(t, panicNotRunning("YieldValue"), func() { coro.YieldValue(gone, 1, 1) }) //framearena:ignore on purpose
		}
		break
	}
	require.PanicsWithValue(t, `coro: task "none": DefineSeq needs a step function`, func() {
		coro.DefineSeq[none, none]("none", nil)
	})
}

func TestSeqAllocations(t *testing.T) {
	if race.Enabled {
		return
	}
	a := newArena(t)
	cache := a.NewCache()
	defer cache.Close()
	sum := 0
	tests := map[string]func(){
		"Seq": func() {
			for v := range workloads.Numbers.Seq(workloads.UpTo{End: 100}) {
				sum += v
			}
		},
		"Seq, stopped": func() {
			for v := range workloads.Numbers.Seq(workloads.UpTo{End: 100}) {
				if v == 50 {
					break
				}
			}
		},
		"Seq, allocator": func() {
			for v := range workloads.Numbers.Seq(workloads.UpTo{End: 100}, coro.Allocator(a)) {
				sum += v
			}
		},
		"awaiting, own cache": func() {
			for v := range squares.Seq(squaresState{end: 10}, coro.Allocator(cache)) {
				sum += v
			}
		},
		"Seq2": func() {
			for v, err := range workloads.Numbers.Seq2(workloads.UpTo{End: 100}) {
				if err == nil {
					sum += v
				}
			}
		},
		"awaiting": func() {
			for v := range squares.Seq(squaresState{end: 10}) {
				sum += v
			}
		},
		"YieldFrom": func() {
			for v := range tree.Seq(treeState{0, 100, -1}) {
				sum += v
			}
		},
	}
	for name, loop := range tests {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				loop()
			}
			require.Zero(t, testing.AllocsPerRun(1000, loop))
		})
	}
}

// What a generator's cleanup step ends with comes out of the loop.
func TestSeqCleanupFails(t *testing.T) {
	failure := errors.New("the cleanup failed")
	generator := func(cleanup func(f *coro.SeqFrame[int, int]) coro.Step) *coro.SeqKind[int, int] {
		return coro.DefineSeq("generator", func(f *coro.SeqFrame[int, int]) coro.Step {
			if f.At() == coro.Cleanup {
				return cleanup(f)
			}
			return coro.YieldValue(f, 0, 1)
		}, coro.HasCleanup())
	}
	panics := generator(func(*coro.SeqFrame[int, int]) coro.Step { panic("cleanup") })
	exits := generator(func(*coro.SeqFrame[int, int]) coro.Step { runtime.Goexit(); return coro.Step{} })
	fails := generator(func(f *coro.SeqFrame[int, int]) coro.Step { return f.Fail(failure) })
	child := coro.DefineSeq("awaits", func(f *coro.SeqFrame[int, int]) coro.Step {
		return coro.YieldFrom(f, 1, panics, 0)
	})
	passes := generator(func(f *coro.SeqFrame[int, int]) coro.Step { return f.Fail(f.Err()) })

	loop := func(k *coro.SeqKind[int, int], opts ...coro.SeqOption) func() {
		return func() {
			for range k.Seq(0, opts...) {
				break
			}
		}
	}
	loop2 := func(k *coro.SeqKind[int, int], opts ...coro.SeqOption) func() {
		return func() {
			for range k.Seq2(0, opts...) {
				break
			}
		}
	}
	recovered := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	for _, l := range []func(*coro.SeqKind[int, int], ...coro.SeqOption) func(){loop, loop2} {
		for _, k := range []*coro.SeqKind[int, int]{panics, child} {
			p, ok := recovered(l(k)).(*coro.PanicError)
			require.True(t, ok)
			require.Equal(t, "cleanup", p.Value)
		}
		require.ErrorIs(t, recovered(l(fails)).(error), failure)
		var got error
		require.Nil(t, recovered(l(fails, coro.OnError(func(err error) { got = err }))))
		require.Equal(t, failure, got)
		require.Nil(t, recovered(l(passes)))

		returned, done := false, make(chan struct{})
		go func() {
			defer close(done)
			l(exits)()
			returned = true
		}()
		<-done
		require.False(t, returned, "runtime.Goexit ends the loop's goroutine")
	}
}
