package coro_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Tasks do the same in both step loops, also if they panic, end their goroutine or
// are misused.
func TestTracedTasksRunAlike(t *testing.T) {
	alike := []struct {
		name string
		test func(*testing.T)
	}{
		{"PanicAtTheParent", TestPanicAtTheParent},
		{"PanicAtTheRoot", TestPanicAtTheRoot},
		{"TheWorkerSurvivesPanics", TestTheWorkerSurvivesPanics},
		{"PanicAfterAwaitFreesTheChild", TestPanicAfterAwaitFreesTheChild},
		{"PanicInAHandlerIsNotCaught", TestPanicInAHandlerIsNotCaught},
		{"GoexitOnAPool", TestGoexitOnAPool},
		{"GoexitOnAnInline", TestGoexitOnAnInline},
		{"GoexitAfterAwaitFreesTheChild", TestGoexitAfterAwaitFreesTheChild},
		{"GoexitAndPanic", TestGoexitAndPanic},
		{"GoexitInAHandler", TestGoexitInAHandler},
		{"MisuseInAStep", TestMisuseInAStep},
		{"MisuseOfAnotherRoot", TestMisuseOfAnotherRoot},
		{"MisuseOfAnotherFrame", TestMisuseOfAnotherFrame},
		{"MisuseOfHeldKinds", TestMisuseOfHeldKinds},
		{"LaunchesOfHeldKinds", TestLaunchesOfHeldKinds},
		{"NumbersGoToTheStateOrTheHeldPart", TestNumbersGoToTheStateOrTheHeldPart},
		{"AnAllocatorServesItsTreeAndNoOther", TestAnAllocatorServesItsTreeAndNoOther},
		{"AStepLaunchesWithAnotherAllocatorAndAwaits", TestAStepLaunchesWithAnotherAllocatorAndAwaits},
		{"ResultsGoUpTheChain", TestResultsGoUpTheChain},
		{"ErrorsGoUpAsTheyAre", TestErrorsGoUpAsTheyAre},
		{"ErrIsOfTheLastAwait", TestErrIsOfTheLastAwait},
		{"NoMemoryForAChild", TestNoMemoryForAChild},
		{"WholeChainInTheRoot", TestWholeChainInTheRoot},
		{"ElidedTaskThatYields", TestElidedTaskThatYields},
		{"YieldTakesTurns", TestYieldTakesTurns},
		{"YieldIsRefused", TestYieldIsRefused},
		{"WaitAndWake", TestWaitAndWake},
		{"TheContextEndsDuringAWait", TestTheContextEndsDuringAWait},
		{"CloseWhileTasksWait", TestCloseWhileTasksWait},
		{"Seq", TestSeq},
		{"SeqStopsEarly", TestSeqStopsEarly},
		{"SeqFails", TestSeqFails},
		{"SeqPanics", TestSeqPanics},
		{"SeqGoexit", TestSeqGoexit},
		{"SeqNested", TestSeqNested},
		{"SeqMisuse", TestSeqMisuse},
		{"GeneratorWaits", TestGeneratorWaits},
	}
	coro.SetProfileLabels(true)
	defer coro.SetProfileLabels(false)
	_, stop := startTrace(t)
	defer stop()
	for _, a := range alike {
		t.Run(a.name, a.test)
	}
}

// With labels, too, nothing is allocated in the steady state.
func TestAllocationsOfLabelledTasks(t *testing.T) {
	coro.SetProfileLabels(true)
	defer coro.SetProfileLabels(false)
	t.Run("tasks", TestAllocations)
	t.Run("waits", TestAllocationsOfWaits)
	t.Run("held parts", TestAllocationsOfHeldKinds)
}

// startTrace takes a trace into a file, until stop is called.
func startTrace(t *testing.T) (path string, stop func()) {
	path = filepath.Join(t.TempDir(), "trace")
	file, err := os.Create(path)
	require.NoError(t, err)
	require.NoError(t, trace.Start(file))
	return path, func() {
		trace.Stop()
		require.NoError(t, file.Close())
	}
}

// traceEvent is a begin or an end of a region or of a task of a trace.
type traceEvent struct {
	goroutine, event, task, name string
}

var (
	traceLine   = regexp.MustCompile(`(?m)^M=\S+ P=\S+ G=(\S+) (RegionBegin|RegionEnd|TaskBegin|TaskEnd) Time=\S+ (?:Task|ID)=(\S+)(?: Parent=(\S+))? Type="(.*)"$`)
	noTraceTask = "0"
)

// readTrace returns the events whose names begin with prefix, in their order, and the
// parent of each task.
func readTrace(t *testing.T, path, prefix string) (events []traceEvent, parents map[string]string) {
	out, err := exec.Command("go", "tool", "trace", "-d=parsed", path).Output()
	require.NoError(t, err)
	parents = make(map[string]string)
	for _, m := range traceLine.FindAllSubmatch(out, -1) {
		e := traceEvent{string(m[1]), string(m[2]), string(m[3]), string(m[5])}
		if e.event == "TaskBegin" {
			parents[e.task] = string(m[4])
		}
		if strings.HasPrefix(e.name, prefix) {
			events = append(events, e)
		}
	}
	return events, parents
}

func TestTrace(t *testing.T) {
	leaf := coro.Define("traced leaf", func(f *coro.Frame[int, int]) coro.Step {
		switch {
		case f.At() < 2:
			return coro.Yield(f, f.At()+1)
		case f.State == 1:
			panic(errLeaf)
		case f.State == 2:
			runtime.Goexit()
		case f.State == 3:
			return coro.Step{}
		case f.State == 4:
			return f.Fail(errLeaf)
		}
		return f.Return(1)
	})
	root := coro.Define("traced root", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 5 {
			return f.Return(1)
		}
		return coro.Await(f, f.At()+1, leaf, f.At(), nil)
	})
	numbers := coro.DefineSeq("traced numbers", func(f *coro.SeqFrame[int, int]) coro.Step {
		if f.State++; f.State == 4 {
			return f.Return()
		}
		return coro.YieldValue(f, 0, f.State)
	})
	early := coro.Define("traced early", func(f *coro.Frame[int, int]) coro.Step { return f.Return(1) })

	ex := newPool(t, executor.WithWorkers(1))
	launch := func(k *coro.Kind[int, int]) {
		_, err := coro.Run(context.Background(), ex, k.With(0))
		require.NoError(t, err)
	}
	launch(early)
	path, stop := startTrace(t)
	launch(root)
	ctx, task := trace.NewTask(context.Background(), "traced by the user")
	_, err := coro.Run(ctx, ex, leaf.With(0))
	require.NoError(t, err)
	for range numbers.Seq(0, coro.Context(ctx)) {
	}
	task.End()
	ended := make(chan none)
	ends := coro.Define("traced without a task", func(f *coro.Frame[none, none]) coro.Step {
		close(ended)
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(ex, ends, none{}))
	<-ended
	launch(early) // so that the region before has ended
	stop()
	launch(early)

	events, parents := readTrace(t, path, "traced ")
	type key struct{ event, name string }
	n := make(map[key]int)
	open := make(map[string]string) // the region that each goroutine is in
	tasks := make(map[string]string)
	for _, e := range events {
		n[key{e.event, e.name}]++
		switch e.event {
		case "TaskBegin":
			tasks[e.task] = e.name
		case "RegionBegin":
			require.Empty(t, open[e.goroutine], "%v begins", e)
			open[e.goroutine] = e.name
			switch e.name {
			case "traced without a task":
				require.Equal(t, noTraceTask, e.task)
			case "traced numbers":
				require.Equal(t, "traced by the user", tasks[e.task])
			case "traced leaf":
				require.Contains(t, []string{"traced root", "traced leaf"}, tasks[e.task])
			default:
				require.Equal(t, e.name, tasks[e.task])
			}
		case "RegionEnd":
			require.Equal(t, e.name, open[e.goroutine], "%v ends", e)
			open[e.goroutine] = ""
		}
	}
	want := map[key]int{}
	for name, regions := range map[string]int{
		"traced root": 6, "traced leaf": 5*3 + 3, "traced numbers": 4, "traced without a task": 1, "traced early": 1,
	} {
		want[key{"RegionBegin", name}], want[key{"RegionEnd", name}] = regions, regions
	}
	for _, name := range []string{"traced root", "traced leaf", "traced by the user", "traced early"} {
		want[key{"TaskBegin", name}], want[key{"TaskEnd", name}] = 1, 1
	}
	require.Equal(t, want, n)
	for id, name := range tasks {
		if name == "traced leaf" {
			require.Equal(t, "traced by the user", tasks[parents[id]], "the context's task is the parent")
		}
	}
}

// labelsOf returns the labels of the goroutines that are in the function of the given
// name, as the goroutine profile prints them.
func labelsOf(t *testing.T, function string) (labels []string) {
	var profile bytes.Buffer
	require.NoError(t, pprof.Lookup("goroutine").WriteTo(&profile, 1))
	for _, part := range strings.Split(profile.String(), "\n\n") {
		if !strings.Contains(part, function+"+") {
			continue
		}
		_, after, _ := strings.Cut(part, "# labels: ")
		l, _, _ := strings.Cut(after, "\n")
		labels = append(labels, l)
	}
	return labels
}

// stall waits in a step, for a test that looks at the goroutine.
//
//go:noinline
func stall(reached, goOn chan none) {
	reached <- none{}
	<-goOn
}

// atRest is where the goroutine of a thread is when it has nothing to do.
const atRest = "github.com/framearena/framearena/coro_test.(*thread).next"

func TestProfileLabels(t *testing.T) {
	reached, goOn := make(chan none), make(chan none)
	leaf := coro.Define("labelled leaf", func(f *coro.Frame[int, int]) coro.Step {
		stall(reached, goOn)
		switch f.State {
		case 1:
			panic(errLeaf)
		case 2:
			runtime.Goexit()
		case 3:
			return f.Fail(errLeaf)
		}
		return f.Return(1)
	})
	root := coro.Define("labelled root", func(f *coro.Frame[int, int]) coro.Step {
		stall(reached, goOn)
		if f.At() == 4 {
			return f.Return(1)
		}
		return coro.Await(f, f.At()+1, leaf, f.At(), nil)
	})
	const ofRoot = `{"root kind":"labelled root", "task kind":"labelled root"}`
	const ofLeaf = `{"root kind":"labelled root", "task kind":"labelled leaf"}`
	inAStep := "github.com/framearena/framearena/coro_test.stall"
	ex := newPool(t, executor.WithWorkers(1))
	for _, on := range []bool{false, true, false} {
		t.Run(fmt.Sprint(on), func(t *testing.T) {
			coro.SetProfileLabels(on)
			defer coro.SetProfileLabels(false)
			ended := make(chan error)
			go func() {
				_, err := coro.Run(context.Background(), ex, root.With(0))
				ended <- err
			}()
			for step := range 9 {
				<-reached
				want := ""
				switch {
				case on && step%2 == 0:
					want = ofRoot
				case on:
					want = ofLeaf
				}
				require.Equal(t, []string{want}, labelsOf(t, inAStep), step)
				goOn <- none{}
			}
			require.NoError(t, <-ended)
		})
	}
}

func TestProfileLabelsOfAWorkerAtRest(t *testing.T) {
	coro.SetProfileLabels(true)
	defer coro.SetProfileLabels(false)
	ex := newThread(newArena(t))
	defer ex.close()
	rest := func() {
		for len(labelsOf(t, atRest)) == 0 {
			runtime.Gosched()
		}
		require.Equal(t, []string{""}, labelsOf(t, atRest))
	}
	rest()
	_, err := coro.Run(context.Background(), ex, exploding.With(none{}))
	require.Error(t, err)
	rest()
	_, err = coro.Run(context.Background(), ex, Square.With(3)) // which yields
	require.NoError(t, err)
	rest()
}

// Goroutines that work for many tasks do not keep the labels of the one that was the
// first; and a goroutine that runs tasks on an Inline has none afterwards.
func TestProfileLabelsAreNotLeftBehind(t *testing.T) {
	coro.SetProfileLabels(true)
	defer coro.SetProfileLabels(false)
	reached, goOn := make(chan none), make(chan none)
	blocks := coro.Define("blocks", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Blocking(f, 1, func() (int, error) { stall(reached, goOn); return 1, nil }, nil)
		}
		return f.Return(0)
	})
	const stalled = "github.com/framearena/framearena/coro_test.stall"
	ex := newInline(t)
	gone := make(chan none)
	go func() {
		defer close(gone)
		for range 3 {
			if err := coro.Go(ex, blocks, 0); err != nil {
				t.Error(err)
			}
		}
		stall(reached, goOn)
	}()
	for range 4 {
		<-reached
	}
	labels := labelsOf(t, stalled)
	require.NotEmpty(t, labels)
	for _, label := range labels {
		require.Empty(t, label)
	}
	for range 4 {
		goOn <- none{}
	}
	<-gone
	for liveIn(ex.Arena()) > 0 {
		runtime.Gosched()
	}
}
