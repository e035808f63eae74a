//lint:file-ignore U1000 Some fields are there for their types.

package coro_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
)

// belongings is a held part with something of every sort that the collector follows.
type belongings struct {
	text    string
	bytes   []byte
	table   map[string]*int
	call    func() int
	queue   chan string
	err     error
	any     any
	pointer *[4]int
	nested  struct{ list [2][]string }
	result  *string // from a child
}

func newBelongings(seed int) belongings {
	var b belongings
	n := seed * 7
	b.text = fmt.Sprint("text ", seed)
	b.bytes = fmt.Appendf(nil, "bytes %d", seed)
	b.table = map[string]*int{fmt.Sprint("key ", seed): &n}
	b.call = func() int { return n }
	b.queue = make(chan string, 1)
	b.queue <- fmt.Sprint("queued ", seed)
	b.err = fmt.Errorf("error %d", seed)
	b.any = [2]string{fmt.Sprint("any ", seed)}
	b.pointer = &[4]int{3: seed}
	b.nested.list[1] = strings.Split(fmt.Sprintf("a b %d", seed), " ")
	return b
}

// check returns what is wrong with b.
func (b *belongings) check(seed int) error {
	got := newBelongings(seed)
	queued := <-b.queue
	b.queue <- queued
	n := b.table[fmt.Sprint("key ", seed)]
	switch {
	case b.text != got.text, string(b.bytes) != string(got.bytes), len(b.table) != 1, n == nil || *n != seed*7,
		b.call() != seed*7, queued != fmt.Sprint("queued ", seed), b.err.Error() != got.err.Error(),
		b.any != got.any, *b.pointer != *got.pointer, strings.Join(b.nested.list[1], ".") != fmt.Sprintf("a.b.%d", seed):
		return fmt.Errorf("what belonged to %d became %+v", seed, *b)
	}
	return nil
}

// collect runs the collector and overwrites what it freed.
func collect() {
	runtime.GC()
	for size := 8; size <= 512; size *= 2 {
		for range 32 {
			b := make([]byte, size)
			for i := range b {
				b[i] = 0xA5
			}
			churned.Store(&b)
		}
	}
}

var churned atomic.Pointer[[]byte]

type carried struct{ seed, deeper int }

// carrier takes its held part through all sorts of steps, and a collection in each.
var carrier = coro.DefineHeld("carrier", func(f *coro.Frame[carried, *string], held *belongings) coro.Step {
	s := &f.State
	collect()
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if err := held.check(s.seed); err != nil {
		return f.Fail(err)
	}
	switch f.At() {
	case 0:
		return coro.Yield(f, 1)
	case 1:
		if s.deeper == 0 {
			return coro.Yield(f, 3)
		}
		next := carried{s.seed + 1, s.deeper - 1}
		return coro.AwaitHeld(f, 2, coro.HeldKindOf(f, held), next, newBelongings(next.seed), &held.result)
	case 2:
		if want := fmt.Sprint("end of ", s.seed+1); *held.result != want {
			return f.Fail(fmt.Errorf("the result is %q, not %q", *held.result, want))
		}
		return coro.Yield(f, 3)
	default:
		result := fmt.Sprint("end of ", s.seed)
		return f.Return(&result)
	}
})

func TestNothingHeldIsLost(t *testing.T) {
	deeper, tasks := 20, 12
	if race.Enabled || testing.Short() {
		deeper, tasks = 8, 5
	}
	pool := executor.NewPool(executor.WithWorkers(3))
	defer pool.Close()
	for name, ex := range map[string]coro.Executor{"Inline": newInline(t), "Pool": pool} {
		t.Run(name+", one deep chain", func(t *testing.T) {
			got, err := coro.Run(context.Background(), ex, carrier.With(carried{0, deeper}, newBelongings(0)))
			require.NoError(t, err)
			collect()
			require.Equal(t, "end of 0", *got)
		})
		t.Run(name+", many tasks", func(t *testing.T) {
			errs := make(chan error, tasks)
			for i := range tasks {
				go func() {
					seed := 1000 * i
					got, err := coro.Run(context.Background(), ex, carrier.With(carried{seed, 2}, newBelongings(seed)))
					if want := fmt.Sprint("end of ", seed); err == nil && *got != want {
						err = fmt.Errorf("the result is %q, not %q", *got, want)
					}
					errs <- err
				}()
			}
			for range tasks {
				require.NoError(t, <-errs)
			}
		})
	}
}

// Suspended tasks are referred to by nothing but a queue that is linked through
// frames.
func TestWhatSuspendedTasksHoldIsKept(t *testing.T) {
	const tasks = 1000
	var failures []error
	ex := newStepwise(t, func(err error) { failures = append(failures, err) })
	k := coro.DefineHeld("waits", func(f *coro.Frame[int, none], held *belongings) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		if err := held.check(f.State); err != nil {
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	for round := range 3 {
		for i := range tasks {
			require.NoError(t, coro.GoHeld(ex, k, round*tasks+i, newBelongings(round*tasks+i)))
		}
		collect()
		for range tasks {
			ex.runOne()
		}
		collect()
		ex.runAll()
	}
	require.Empty(t, failures)
}

func TestResultsOfAnyType(t *testing.T) {
	t.Run("string", resultsOf("a string"))
	t.Run("slice", resultsOf([]byte("bytes")))
	t.Run("error", resultsOf[error](errLeaf))
	t.Run("map", resultsOf(map[string]int{"one": 1}))
	t.Run("pointer", resultsOf(&struct{ n int }{42}))
	t.Run("interface", resultsOf[any]([]string{"x"}))
	t.Run("nil", resultsOf[*int](nil))
	t.Run("struct", resultsOf(struct {
		n int
		s string
		a [3]any
	}{7, "seven", [3]any{1, nil, "x"}}))
	t.Run("number", resultsOf(42))
	t.Run("nothing", resultsOf(none{}))
}

// resultsOf sends the result to the first and to the last field of a held part, to nil, and to
// Run.
func resultsOf[R any](want R) func(t *testing.T) {
	return func(t *testing.T) {
		type held struct {
			first  R
			before string
			last   R
			after  int
		}
		leaf := coro.DefineHeld("leaf", func(f *coro.Frame[none, R], held *R) coro.Step { return f.Return(*held) })
		plain := coro.Define("plain", func(f *coro.Frame[none, R]) coro.Step { return f.Return(want) })
		var got []held
		root := coro.DefineHeld("root", func(f *coro.Frame[none, R], h *held) coro.Step {
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			got = append(got, *h)
			runtime.GC()
			switch f.At() {
			case 0:
				return coro.AwaitHeld(f, 1, leaf, none{}, want, &h.first)
			case 1:
				return coro.Await(f, 2, plain, none{}, &h.last)
			case 2:
				return coro.AwaitHeld(f, 3, leaf, none{}, want, nil)
			default:
				return f.Return(h.last)
			}
		})
		ex := newInline(t)
		begin := held{before: "before", after: 11}
		result, err := coro.Run(context.Background(), ex, root.With(none{}, begin))
		require.NoError(t, err)
		require.Equal(t, want, result)
		one, two := begin, begin
		one.first = want
		two.first, two.last = want, want
		require.Equal(t, []held{begin, one, two, two}, got)

		// Nobody waits.
		require.NoError(t, coro.RunAsync(ex)(root.With(none{}, begin)))
		require.NoError(t, coro.GoHeld(ex, root, none{}, begin))
		require.Len(t, got, 12)

		// A plain task may drop results, and Run gets those of plain kinds.
		drops := coro.Define("drops", func(f *coro.Frame[none, R]) coro.Step {
			if f.At() == 0 {
				return coro.Await(f, 1, plain, none{}, nil)
			}
			return f.Return(want)
		})
		result, err = coro.Run(context.Background(), ex, drops.With(none{}))
		require.NoError(t, err)
		require.Equal(t, want, result)

		r := newRecorder(ex.Arena())
		require.NoError(t, coro.RunAsync(ex, coro.Allocator(r))(root.With(none{}, begin)))
		r.requireDone(t, root.FrameSize(), leaf.FrameSize(), plain.FrameSize(), leaf.FrameSize())
		require.Zero(t, liveIn(ex.Arena()))
	}
}

// A result may go to the state of a task with a held part, as to any other's.
func TestNumbersGoToTheStateOrTheHeldPart(t *testing.T) {
	type held struct {
		s string
		n int
	}
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step { return f.Return(f.State) })
	root := coro.DefineHeld("root", func(f *coro.Frame[[3]int, int], h *held) coro.Step {
		switch s := &f.State; f.At() {
		case 0:
			return coro.Await(f, 1, leaf, 1, &s[0])
		case 1:
			return coro.Await(f, 2, leaf, 20, &s[2])
		case 2:
			return coro.Await(f, 3, leaf, 300, &h.n)
		default:
			return f.Return(s[0] + s[1] + s[2] + h.n)
		}
	})
	got, err := coro.Run(context.Background(), newInline(t), root.With([3]int{1: 4000}, held{}))
	require.NoError(t, err)
	require.Equal(t, 4321, got)
}

func TestMisplacedResultsOfHeldKinds(t *testing.T) {
	type state struct{ n int }
	type held struct {
		s    string
		n    int
		at   *string
		next *held
	}
	type frame = coro.Frame[state, none]
	var others *held
	text := coro.Define("text", func(f *coro.Frame[none, string]) coro.Step { return f.Return("text") })
	number := coro.Define("number", func(f *coro.Frame[none, int]) coro.Step { return f.Return(1) })
	deeply := coro.DefineHeld("deeply", func(f *coro.Frame[none, struct{ a [2][]byte }], h *none) coro.Step {
		return f.Return(struct{ a [2][]byte }{})
	})
	const (
		misplacedNumber = `coro: task "root": the result of "number" must go to a field of the awaiting frame's State or held part (or to nil): another address may be gone when the child returns`
		misplacedText   = `coro: task "root": the result of "text" must go to a field of the awaiting task's held part (or to nil), since its result type (string) holds a Go pointer`
		noHeldPart      = `coro: task "root": the result of "text" must go to a field of a held part (or to nil), since its result type (string) holds a Go pointer: make the awaiting kind with DefineHeld`
		deeplyMisplaced = `coro: task "root": the result of "deeply" must go to a field of the awaiting task's held part (or to nil), since its result field .a[0] ([]byte) holds a Go pointer`
	)
	tests := []struct {
		name string
		step func(f *frame, h *held) coro.Step
		want string
	}{
		{"number in a variable", func(f *frame, h *held) coro.Step {
			var n int
			return coro.Await(f, 1, number, none{}, &n) //framearena:ignore on purpose
		}, misplacedNumber},
		{"number in another's held part", func(f *frame, h *held) coro.Step {
			return coro.Await(f, 1, number, none{}, &others.n)
		}, misplacedNumber},
		{"number behind a held pointer", func(f *frame, h *held) coro.Step {
			h.next = new(held)
			return coro.Await(f, 1, number, none{}, &h.next.n)
		}, misplacedNumber},
		{"number just behind the held part", func(f *frame, h *held) coro.Step {
			return coro.Await(f, 1, number, none{}, (*int)(unsafe.Add(unsafe.Pointer(h), unsafe.Sizeof(*h))))
		}, misplacedNumber},
		{"number just before the held part", func(f *frame, h *held) coro.Step {
			return coro.Await(f, 1, number, none{}, (*int)(unsafe.Add(unsafe.Pointer(h), -int(unsafe.Sizeof(0)))))
		}, misplacedNumber},
		{"text in a variable", func(f *frame, h *held) coro.Step {
			var s string
			return coro.Await(f, 1, text, none{}, &s) //framearena:ignore on purpose
		}, misplacedText},
		{"text behind a held pointer", func(f *frame, h *held) coro.Step {
			h.at = new(string)
			return coro.Await(f, 1, text, none{}, h.at)
		}, misplacedText},
		{"text in another's held part", func(f *frame, h *held) coro.Step {
			return coro.Await(f, 1, text, none{}, &others.s)
		}, misplacedText},
		{"of a held kind", func(f *frame, h *held) coro.Step {
			var r struct{ a [2][]byte }
			return coro.AwaitHeld(f, 1, deeply, none{}, none{}, &r) //framearena:ignore on purpose
		}, deeplyMisplaced},
	}
	check := func(t *testing.T, launch func(ex coro.Executor, opts ...coro.LaunchOption) error, want string) {
		ex := newInline(t)
		var err error
		onError := coro.OnError(func(e error) { err = e })
		require.NoError(t, launch(ex, onError))
		requireMisuse(t, err, want)
		require.Zero(t, liveIn(ex.Arena()))

		r := newRecorder(ex.Arena())
		require.NoError(t, launch(ex, onError, coro.Allocator(r)))
		requireMisuse(t, err, want)
		r.requireDone(t, r.sizes...)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := coro.DefineHeld("root", tt.step)
			outer := coro.DefineHeld("outer", func(f *frame, h *held) coro.Step {
				if f.At() == 0 {
					others = h
					return coro.AwaitHeld(f, 1, root, state{}, held{}, nil)
				}
				return f.Fail(f.Err())
			})
			check(t, func(ex coro.Executor, opts ...coro.LaunchOption) error {
				return coro.RunAsync(ex, opts...)(outer.With(state{}, held{}))
			}, tt.want)
		})
	}
	t.Run("without a held part", func(t *testing.T) {
		root := coro.Define("root", func(f *frame) coro.Step {
			var s string
			return coro.Await(f, 1, text, none{}, &s) //framearena:ignore on purpose
		})
		check(t, func(ex coro.Executor, opts ...coro.LaunchOption) error {
			return coro.RunAsync(ex, opts...)(root.With(state{}))
		}, noHeldPart)
	})
}

func TestMisuseOfHeldKinds(t *testing.T) {
	tests := []struct {
		name string
		step func(f *coro.Frame[int, int], h *string) coro.Step
		want string
	}{
		{"Kind", func(f *coro.Frame[int, int], h *string) coro.Step {
			return coro.Await(f, 1, f.Kind(), 1, nil)
		}, `coro: task "root" has a held part: use HeldKindOf in place of Frame.Kind`},
		{"HeldKindOf something else", func(f *coro.Frame[int, int], h *string) coro.Step {
			var other int
			return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, &other), 1, 1, nil)
		}, `coro: task "root": HeldKindOf needs the frame and the held part that the step function was given`},
		{"awaits twice", func(f *coro.Frame[int, int], h *string) coro.Step {
			coro.AwaitHeld(f, 1, coro.HeldKindOf(f, h), 1, "x", nil) //framearena:ignore on purpose
			return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, h), 1, "x", nil)
		}, `coro: task "root" awaits twice in one step: return the Step of an Await at once`},
		{"zero Step", func(f *coro.Frame[int, int], h *string) coro.Step {
			return coro.Step{}
		}, `coro: task "root" returned the zero Step: return what Await, Yield, Return or Fail returned`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := coro.DefineHeld("root", tt.step)
			ex := newInline(t)
			_, err := coro.Run(context.Background(), ex, root.With(1, "held"))
			requireMisuse(t, err, tt.want)
			require.Zero(t, liveIn(ex.Arena()))
			require.NoError(t, ex.Close())
			requireAllFree(t, root)
		})
	}
	t.Run("HeldKindOf a plain task", func(t *testing.T) {
		root := coro.Define("root", func(f *coro.Frame[int, int]) coro.Step {
			return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, new(int)), 1, 1, nil)
		})
		_, err := coro.Run(context.Background(), newInline(t), root.With(1))
		requireMisuse(t, err, `coro: task "root": HeldKindOf needs the frame and the held part that the step function was given`)
	})
	t.Run("a Call twice", func(t *testing.T) {
		k := coro.DefineHeld("task", func(f *coro.Frame[none, none], h *string) coro.Step { return f.Return(none{}) })
		ex := newInline(t)
		call := k.With(none{}, "x")
		require.NoError(t, coro.RunAsync(ex)(call))
		require.PanicsWithValue(t, "coro: a Call is good for one launch: make another one with With", func() {
			coro.RunAsync(ex)(call)
		})
	})
}

func TestDefineHeldRefuses(t *testing.T) {
	require.PanicsWithValue(t, `coro: task "x": DefineHeld needs a step function`, func() {
		coro.DefineHeld[none, string, none]("x", nil)
	})
	require.PanicsWithValue(t, `coro: task "x": state field .s (string) holds a Go pointer; move it to the held part`, func() {
		coro.DefineHeld("x", func(f *coro.Frame[struct{ s string }, none], held *string) coro.Step { return f.Return(none{}) })
	})
}

func TestHeldKind(t *testing.T) {
	k := coro.DefineHeld("named", func(f *coro.Frame[[72]byte, string], held *[1000]string) coro.Step {
		return f.Return(coro.HeldKindOf(f, held).Name() + held[999])
	})
	require.Equal(t, "named", k.Name())
	got, err := coro.Run(context.Background(), newInline(t), k.With([72]byte{}, [1000]string{999: "!"}))
	require.NoError(t, err)
	require.Equal(t, "named!", got)
	word := unsafe.Sizeof(uintptr(0))
	require.Equal(t, unsafe.Sizeof(coro.Frame[[72]byte, string]{})+word, k.FrameSize(), "the state and a word")
}

// What a task fails with goes up any number of frames as it is.
func TestErrorsGoUpWithoutAllocations(t *testing.T) {
	const generations = 100
	type failure struct{ left int }
	plain := coro.Define("plain", func(f *coro.Frame[failure, none]) coro.Step {
		switch s := f.State; {
		case f.At() == 1:
			return f.Fail(f.Err())
		case s.left == 0:
			return f.Fail(errLeaf)
		default:
			return coro.Await(f, 1, f.Kind(), failure{s.left - 1}, nil)
		}
	})
	held := coro.DefineHeld("held", func(f *coro.Frame[failure, none], held *error) coro.Step {
		switch s := f.State; {
		case f.At() == 1:
			*held = f.Err()
			return coro.Yield(f, 2)
		case f.At() == 2:
			return f.Fail(*held)
		case s.left == 0:
			return f.Fail(errLeaf)
		default:
			return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, held), failure{s.left - 1}, nil, nil)
		}
	})
	ex := newInline(t)
	for name, run := range map[string]func() error{
		"plain": func() error {
			_, err := coro.Run(context.Background(), ex, plain.With(failure{generations}))
			return err
		},
		"held": func() error {
			_, err := coro.Run(context.Background(), ex, held.With(failure{generations}, nil))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, run() == errLeaf)
			if race.Enabled || framecheck.Enabled {
				return // everything allocates more; the checks of so many frames do
			}
			require.Zero(t, testing.AllocsPerRun(10, func() {
				if run() != errLeaf {
					t.Error("another error")
				}
			}))
		})
	}
}

func TestAllocationsOfHeldKinds(t *testing.T) {
	if race.Enabled {
		return // sync.Pool drops values at random, and everything allocates more
	}
	type held struct {
		name  string
		err   error
		last  []byte
		other [40]any
	}
	type work struct{ left int }
	bytes := []byte("bytes")
	leaf := coro.DefineHeld("leaf", func(f *coro.Frame[int, []byte], h *held) coro.Step { return f.Return(h.last) })
	awaits := coro.DefineHeld("awaits", func(f *coro.Frame[work, string], h *held) coro.Step {
		s := &f.State
		if s.left--; s.left < 0 {
			return f.Return(h.name)
		}
		return coro.AwaitHeld(f, 0, leaf, s.left, held{last: bytes}, &h.last)
	})
	fails := coro.DefineHeld("fails", func(f *coro.Frame[int, string], h *held) coro.Step { return f.Fail(h.err) })
	yields := coro.DefineHeld("yields", func(f *coro.Frame[int, int], h *held) coro.Step {
		if f.State--; f.State < 0 {
			return f.Return(0)
		}
		return coro.Yield(f, 0)
	})
	deeper := coro.DefineHeld("deeper", func(f *coro.Frame[int, string], h *held) coro.Step {
		if f.State == 0 || f.At() == 1 {
			return f.Return(h.name)
		}
		return coro.AwaitHeld(f, 1, coro.HeldKindOf(f, h), f.State-1, held{}, &h.name)
	})

	ctx := context.Background()
	ex := newInline(t)
	ignore := func(error) {}
	failures := 0
	check := func(err error) {
		if err != nil {
			failures++
		}
	}
	tests := []struct {
		name string
		run  func()
	}{
		{"GoHeld", func() { check(coro.GoHeld(ex, leaf, 1, held{})) }},
		{"GoHeld, awaiting", func() { check(coro.GoHeld(ex, awaits, work{10}, held{})) }},
		{"GoHeld, yielding", func() { check(coro.GoHeld(ex, yields, 10, held{name: "x"})) }},
		{"GoHeld, deep", func() { check(coro.GoHeld(ex, deeper, 500, held{name: "x"})) }},
		{"RunAsync", func() { check(coro.RunAsync(ex)(leaf.With(1, held{}))) }},
		{"RunAsync, options", func() {
			check(coro.RunAsync(ex, coro.Context(ctx), coro.OnError(ignore))(fails.With(1, held{err: errLeaf})))
		}},
		{"Run", func() {
			got, err := coro.Run(ctx, ex, awaits.With(work{10}, held{name: "name"}))
			check(err)
			if got != "name" {
				failures++
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 100 {
				tt.run()
			}
			require.Zero(t, testing.AllocsPerRun(200, tt.run))
		})
	}
	require.Zero(t, failures)
}

// A launch from a step function, and one whose executor takes no more tasks.
func TestLaunchesOfHeldKinds(t *testing.T) {
	ex := newInline(t)
	var got []string
	leaf := coro.DefineHeld("leaf", func(f *coro.Frame[int, none], held *string) coro.Step {
		got = append(got, fmt.Sprint(*held, f.State))
		return f.Return(none{})
	})
	root := coro.DefineHeld("root", func(f *coro.Frame[none, none], held *[]string) coro.Step {
		for i, s := range *held {
			if err := errors.Join(coro.GoHeld(ex, leaf, i, s), coro.RunAsync(ex)(leaf.With(-i, s))); err != nil {
				return f.Fail(err)
			}
		}
		return f.Return(none{})
	})
	_, err := coro.Run(context.Background(), ex, root.With(none{}, []string{"a", "b"}))
	require.NoError(t, err)
	require.Equal(t, []string{"a0", "a0", "b1", "b-1"}, got)

	require.NoError(t, ex.Close())
	require.ErrorIs(t, coro.GoHeld(ex, leaf, 1, "x"), executor.ErrClosed)
	require.ErrorIs(t, coro.RunAsync(ex)(leaf.With(1, "x")), executor.ErrClosed)
	_, err = coro.Run(context.Background(), ex, leaf.With(1, "x"))
	require.ErrorIs(t, err, executor.ErrClosed)
	requireAllFree(t, leaf)
	requireAllFree(t, root)
}
