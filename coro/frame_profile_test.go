package coro_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// sample is what a frame profile says of frames that came to be in one way.
type sample struct {
	frames, bytes int
	stack         []string // functions, from the innermost
	labels        string
}

// tasks returns the part of the stack that is kinds: all but Go's functions.
func (s sample) tasks() string {
	end := slices.IndexFunc(s.stack, func(f string) bool { return strings.Contains(f, "github.com/") })
	if end < 0 {
		end = len(s.stack)
	}
	return strings.Join(s.stack[:end], " < ")
}

// frameProfile returns the current profile as go tool pprof reads it. Where there are
// several samples with one stack of tasks, launched in different ways, they are apart.
func frameProfile(t *testing.T) (samples []sample) {
	t.Helper()
	var profile, complaints bytes.Buffer
	require.NoError(t, coro.WriteFrameProfile(&profile))
	file := filepath.Join(t.TempDir(), "frames.pb.gz")
	require.NoError(t, os.WriteFile(file, profile.Bytes(), 0o600))
	pprof := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-raw", file)
	pprof.Stderr = &complaints
	raw, err := pprof.Output()
	require.NoError(t, err, "%s", &complaints)

	text, locations, ok := strings.Cut(string(raw), "Locations\n")
	require.True(t, ok, "%s", raw)
	functions := make(map[string]string)
	for _, l := range regexp.MustCompile(`(?m)^ *(\d+): 0x0 M=1 (.*) \S*:\d+:0`).FindAllStringSubmatch(locations, -1) {
		functions[l[1]] = l[2]
	}
	_, text, ok = strings.Cut(text, "frames/count[dflt] space/bytes\n")
	require.True(t, ok, "%s", raw)
	for _, l := range regexp.MustCompile(`(?m)^ *(\d+) +(\d+): ([\d ]+)\n +(.*)$`).FindAllStringSubmatch(text, -1) {
		s := sample{frames: number(t, l[1]), bytes: number(t, l[2]), labels: l[4]}
		for _, id := range strings.Fields(l[3]) {
			require.Contains(t, functions, id)
			s.stack = append(s.stack, functions[id])
		}
		samples = append(samples, s)
	}
	return samples
}

func number(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// simple returns the samples with what they count and their tasks, sorted.
func simple(samples []sample) (all []string) {
	for _, s := range samples {
		all = append(all, fmt.Sprintf("%d frames, %d bytes: %s", s.frames, s.bytes, s.tasks()))
	}
	slices.Sort(all)
	return all
}

func TestFrameProfile(t *testing.T) {
	ex := newManual(t, func(err error) { t.Error(err) })
	var event coro.Event
	root, _, _ := threeKinds(func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(1)
	})
	require.Empty(t, simple(frameProfile(t)))
	for range 3 {
		require.NoError(t, coro.RunAsync(ex, coro.Profiled())(root.With(1)))
	}
	require.NoError(t, coro.RunAsync(ex, coro.Counted())(root.With(1)))
	require.NoError(t, coro.RunAsync(ex)(root.With(1)))
	require.Equal(t, []string{"3 frames, 384 bytes: root"}, simple(frameProfile(t)), "queued")
	ex.runAll()
	samples := frameProfile(t)
	require.Equal(t, []string{
		"3 frames, 0 bytes: leaf < middle < root",
		"3 frames, 384 bytes: root",
		"3 frames, 6144 bytes: middle < root",
	}, simple(samples))
	for _, s := range samples {
		require.Equal(t, fmt.Sprintf("root kind:[root] task kind:[%s]", s.stack[0]), s.labels)
		launched := s.stack[strings.Count(s.tasks(), "<")+1]
		require.Contains(t, launched, "coro_test.TestFrameProfile", "without the functions that a launch consists of")
		require.NotContains(t, launched, "RunAsync")
	}
	require.EqualValues(t, 4, root.Stats().Live(), "what is profiled is counted")
	event.Set()
	ex.runAll()
	require.Empty(t, simple(frameProfile(t)))
}

// Every way to begin and to end a task is in the profile and leaves nothing there.
func TestFrameProfileOfAllWaysToEnd(t *testing.T) {
	var event coro.Event
	leaf := coro.Define("leaf", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			return event.Wait(f, 1)
		default:
			switch f.State {
			case 1:
				return f.Fail(errors.New("a failure"))
			case 2:
				panic("a panic")
			}
			return f.Return(1)
		}
	})
	type family struct {
		children coro.Group
		how      int
	}
	group := coro.Define("group", func(f *coro.Frame[family, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			for range 3 {
				coro.Spawn(f, &s.children, leaf, s.how, nil)
			}
			return s.children.Wait(f, 1)
		}
		return f.Return(1)
	})
	limited := coro.Define("limited", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.AwaitCall(f, 1, leaf.With(f.State), nil, coro.Timeout(time.Hour), coro.Allocator(new(arena.Heap)))
		}
		return f.Return(1)
	})
	for _, how := range []int{0, 1, 2} {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprint(how, closes), func(t *testing.T) {
				event.Reset()
				ex := executor.NewInline(executor.WithFrameProfile(), executor.WithErrorHandler(func(error) {}))
				require.NoError(t, coro.Go(ex, group, family{how: how}))
				require.NoError(t, coro.Go(ex, limited, how))
				require.NoError(t, coro.RunAsync(ex, coro.Allocator(new(arena.Heap)))(leaf.With(how)))
				var tasks []string
				for _, s := range frameProfile(t) {
					tasks = append(tasks, fmt.Sprint(s.frames, " ", s.tasks()))
				}
				slices.Sort(tasks)
				require.Equal(t, []string{"1 group", "1 leaf", "1 leaf < limited", "1 limited", "3 leaf < group"}, tasks)
				if !closes {
					event.Set()
				}
				require.NoError(t, ex.Close())
				require.Empty(t, simple(frameProfile(t)))
			})
		}
	}
}

func TestFrameProfileOfWhatWasNotLaunched(t *testing.T) {
	ex := newManual(t, func(err error) { t.Error(err) })
	ex.setRefuse(errors.New("no more"))
	kind := coro.Define("never", func(f *coro.Frame[none, none]) coro.Step { return f.Return(none{}) })
	require.Error(t, coro.RunAsync(ex, coro.Profiled())(kind.With(none{})))
	require.Empty(t, simple(frameProfile(t)))
}

func TestFrameProfileOfAGenerator(t *testing.T) {
	numbers := coro.DefineSeq("numbers", func(f *coro.SeqFrame[int, int]) coro.Step {
		f.State++
		return coro.YieldValue(f, 0, f.State)
	})
	for range numbers.Seq(0, coro.Profiled()) {
		samples := frameProfile(t)
		require.Len(t, samples, 1)
		require.Equal(t, "numbers", samples[0].tasks())
		require.Contains(t, samples[0].stack[1], "TestFrameProfileOfAGenerator")
		break
	}
	require.Empty(t, simple(frameProfile(t)))
}

// A root that a task launches has a stack of its own, on which the step function is.
func TestFrameProfileOfALaunchInAStep(t *testing.T) {
	ex := newManual(t, func(err error) { t.Error(err) })
	ex.env.SetProfiled()
	var event coro.Event
	waiter := coro.Define("waiter", func(f *coro.Frame[none, none]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(none{})
	})
	launcher := coro.Define("launcher", func(f *coro.Frame[none, none]) coro.Step {
		if err := coro.Go(ex, waiter, none{}); err != nil {
			return f.Fail(err)
		}
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, launcher, none{}))
	ex.runAll()
	samples := frameProfile(t)
	require.Len(t, samples, 1)
	require.Equal(t, "waiter", samples[0].tasks())
	require.Contains(t, samples[0].stack[1], "TestFrameProfileOfALaunchInAStep.func", "the step function")
	event.Set()
	ex.runAll()
	require.Empty(t, simple(frameProfile(t)))
}

// Tasks that have begun before SetProfiled was called are not in the profile. What they await
// later is under "other stacks".
func TestFrameProfileBegunTooLate(t *testing.T) {
	ex := newManual(t, func(err error) { t.Error(err) })
	ex.env.SetCounted()
	var event coro.Event
	root, _, _ := threeKinds(func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(1)
	})
	require.NoError(t, coro.Go(ex, root, 1))
	ex.env.SetProfiled()
	ex.runAll()
	require.Equal(t, []string{
		"1 frames, 0 bytes: leaf < other stacks",
		"1 frames, 2048 bytes: middle < other stacks",
	}, simple(frameProfile(t)))
	event.Set()
	ex.runAll()
	require.Empty(t, simple(frameProfile(t)))
}

// Of a deep recursion the profile keeps the outer end and the innermost tasks.
func TestFrameProfileOfADeepChain(t *testing.T) {
	ex := newManual(t, func(err error) { t.Error(err) })
	var event coro.Event
	recursion := coro.Define("recursion", func(f *coro.Frame[int, none]) coro.Step {
		switch {
		case f.At() != 0:
			return f.Return(none{})
		case f.State == 1:
			return event.Wait(f, 1)
		}
		return coro.Await(f, 1, f.Kind(), f.State-1, nil)
	})
	require.NoError(t, coro.RunAsync(ex, coro.Profiled())(recursion.With(1000)))
	ex.runAll()
	frames := 0
	for _, s := range frameProfile(t) {
		frames += s.frames
		depth := strings.Count(s.tasks(), "recursion")
		require.LessOrEqual(t, depth, 64)
		require.Equal(t, 1+(1000-64)*(depth/64), s.frames, "at depth %d", depth)
	}
	require.Equal(t, 1000, frames)
	event.Set()
	ex.runAll()
	require.Empty(t, simple(frameProfile(t)))
}

func TestFrameProfileWithTooManyStacks(t *testing.T) {
	defer coro.LimitOrigins(1)()
	ex := newManual(t, func(err error) { t.Error(err) })
	var event coro.Event
	root, _, _ := threeKinds(func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return event.Wait(f, 1)
		}
		return f.Return(1)
	})
	for range 2 {
		require.NoError(t, coro.RunAsync(ex, coro.Profiled())(root.With(1)))
		require.NoError(t, coro.RunAsync(ex, coro.Profiled())(root.With(1)))
	}
	ex.runAll()
	require.Equal(t, []string{
		"2 frames, 256 bytes: root", // of the first launch; then there was no more room
		"2 frames, 256 bytes: root < other stacks",
		"4 frames, 0 bytes: leaf < other stacks",
		"4 frames, 8192 bytes: middle < other stacks",
	}, simple(frameProfile(t)))
	event.Set()
	ex.runAll()
	require.Empty(t, simple(frameProfile(t)))
}

// While tasks begin and end on several workers, pprof can read every profile. At the end no
// frame is left in the tables.
func TestFrameProfileUnderLoad(t *testing.T) {
	pool := newPool(t, executor.WithWorkers(4), executor.WithFrameProfile())
	type family struct {
		children coro.Group
		depth    int
	}
	var tree *coro.Kind[family, int]
	tree = coro.Define("tree", func(f *coro.Frame[family, int]) coro.Step {
		s := &f.State
		if f.At() == 0 && s.depth > 0 {
			coro.Spawn(f, &s.children, tree, family{depth: s.depth - 1}, nil)
			coro.Spawn(f, &s.children, tree, family{depth: s.depth - 1}, nil)
			return s.children.Wait(f, 1)
		}
		return f.Return(1)
	})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if _, err := coro.Run(t.Context(), pool, tree.With(family{depth: 8})); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var b bytes.Buffer
			if err := coro.WriteFrameProfile(&b); err != nil || b.Len() == 0 {
				t.Error(err)
			}
		}
	})
	all.Wait()
	close(stop)
	reader.Wait()
	require.Empty(t, simple(frameProfile(t)))
	require.Zero(t, coro.LiveProfiled())
}

// refusingWriter takes no more than so many bytes.
type refusingWriter int

var errFull = errors.New("full")

func (w *refusingWriter) Write(p []byte) (int, error) {
	if *w -= refusingWriter(len(p)); *w < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestFrameProfileToAFullDisk(t *testing.T) {
	for n := range 40 {
		w := refusingWriter(n)
		require.ErrorIs(t, coro.WriteFrameProfile(&w), errFull)
	}
}
