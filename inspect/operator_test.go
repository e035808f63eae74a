package inspect_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
)

// operatorDocument has the fields of the JSON document that are about waits, blocked steps and memory.
type operatorDocument struct {
	AgeSteps  []float64 `json:"age_steps_seconds"`
	Executors []struct {
		OldestMS int `json:"oldest_ms"`
		Groups   []struct {
			N        int
			OldestMS int   `json:"oldest_ms"`
			AtLeast  []int `json:"at_least"`
		} `json:"waiting_by_kind"`
		Objects []struct {
			N                          int
			What, Name, Address, State string
			Holder                     *struct {
				Kind  struct{ Name string }
				What  string
				Tasks []struct{ Name string }
			}
		} `json:"waited_objects"`
		Chains []struct {
			N, Sampled, Group int
			Tasks             []struct{ Name string }
		}
		Pool struct {
			BlockedKinds []struct {
				Kind         struct{ Name string }
				Times, Now   int
				LongestMS    int       `json:"longest_ms"`
				LongestBegan time.Time `json:"longest_began"`
				Last         time.Time
				Stack        string
			} `json:"blocked_kinds"`
			Busy []struct {
				Kind struct{ Name string }
				MS   int
			}
		}
	}
	Memory struct {
		Resident  int `json:"resident_bytes"`
		GoHeap    int `json:"go_heap_bytes"`
		GoTotal   int `json:"go_total_bytes"`
		Mapped    int `json:"mapped_bytes"`
		HeldSlots int `json:"held_slots"`
		HeldBytes int `json:"held_bytes"`
		Held      []struct {
			Kind  struct{ Name string }
			Slots int
			Bytes int
		} `json:"held_by_kind"`
	}
}

func operatorsView(t *testing.T, i *inspect.Inspector) (d operatorDocument) {
	t.Helper()
	require.NoError(t, json.Unmarshal(get(t, i, "json").Body.Bytes(), &d))
	return d
}

// An operator sees which mutex tasks wait for, what its holder does, and for how long that lasts.
func TestWhatTasksWaitFor(t *testing.T) {
	pool := sleepingPool(t, 3, executor.WithWorkers(2))
	i := inspect.New(inspect.WithExecutor("main", pool))
	var stock coro.Mutex
	coro.NameWaitable(&stock, "stock <b>\n")
	jobs := coro.NewChan[int](0)
	holds := coro.Define("holds", func(f *coro.Frame[none, none]) coro.Step {
		switch f.At() {
		case 0:
			return stock.Lock(f, 1)
		case 1:
			return jobs.Recv(f, 2, nil)
		}
		return f.Return(none{})
	})
	waits := coro.Define("waits", func(f *coro.Frame[none, none]) coro.Step { return stock.Lock(f, 1) })
	waiting := func(n int) func() bool {
		return func() bool {
			sum := 0
			for _, g := range pool.Environment().WaitingByKind() {
				sum += g.N
			}
			return sum == n
		}
	}
	require.NoError(t, coro.Go(pool, holds, none{}))
	require.Eventually(t, waiting(4), time.Minute, time.Millisecond)
	for range 9 {
		require.NoError(t, coro.Go(pool, waits, none{}))
	}
	require.Eventually(t, waiting(13), time.Minute, time.Millisecond)

	d := operatorsView(t, i)
	require.Equal(t, []float64{1, 10, 60, 600, 3600, 21600, 86400}, d.AgeSteps)
	e := d.Executors[0]
	require.Len(t, e.Objects, 2)
	o := e.Objects[0]
	require.Equal(t, 9, o.N)
	require.Equal(t, "Mutex.Lock", o.What)
	require.Equal(t, `stock <b>\n`, o.Name)
	require.Equal(t, fmt.Sprintf("%p", &stock), o.Address)
	require.Equal(t, "locked", o.State)
	require.NotNil(t, o.Holder)
	require.Equal(t, "holds", o.Holder.Kind.Name)
	require.Equal(t, "Chan.Recv", o.Holder.What)
	require.Len(t, o.Holder.Tasks, 1)
	require.Len(t, e.Chains, 3, "one of each group at least")
	for _, c := range e.Chains {
		require.Equal(t, c.Group, c.Sampled)
		require.Equal(t, c.Group, c.N)
	}

	require.Eventually(t, func() bool { return operatorsView(t, i).Executors[0].OldestMS >= 1000 }, time.Minute, 100*time.Millisecond)
	for _, g := range operatorsView(t, i).Executors[0].Groups {
		require.GreaterOrEqual(t, g.OldestMS, 1000)
		require.Equal(t, g.N, g.AtLeast[0])
		require.Zero(t, g.AtLeast[6])
	}
	body := get(t, i, "").Body.String()
	for _, wanted := range []string{"Waited for most", `stock &lt;b&gt;\n`, "in <code>Chan.Recv</code>: holds", "longest wait, at least"} {
		require.Contains(t, body, wanted)
	}
	require.NotContains(t, body, "ZgotmplZ")
}

// A step that took too long is shown after it has ended.
func TestBlockedStepsAreRemembered(t *testing.T) {
	pool := sleepingPool(t, 0, executor.WithWorkers(1), executor.WithBlockedLimit(time.Millisecond))
	i := inspect.New(inspect.WithExecutor("main", pool))
	require.Empty(t, operatorsView(t, i).Executors[0].Pool.BlockedKinds)
	release := make(chan none)
	stuck := coro.Define("stuck", func(f *coro.Frame[none, none]) coro.Step {
		<-release
		return f.Return(none{})
	})
	require.NoError(t, coro.Go(pool, stuck, none{}))
	require.Eventually(t, func() bool {
		b := pool.Stats().BlockedKinds
		return len(b) == 1 && b[0].Stack != ""
	}, time.Minute, time.Millisecond)
	close(release)
	_, err := coro.Run(t.Context(), pool, ended.With(none{}))
	require.NoError(t, err)
	p := operatorsView(t, i).Executors[0].Pool
	require.Len(t, p.BlockedKinds, 1)
	b := p.BlockedKinds[0]
	require.Equal(t, "stuck", b.Kind.Name)
	require.Equal(t, 1, b.Times)
	require.GreaterOrEqual(t, b.LongestMS, 1)
	require.WithinDuration(t, time.Now(), b.Last, time.Hour)
	require.WithinDuration(t, time.Now(), b.LongestBegan, time.Hour)
	require.Contains(t, b.Stack, "TestBlockedStepsAreRemembered")
	require.NotEmpty(t, p.Busy)
	require.Equal(t, "stuck", p.Busy[0].Kind.Name)
	body := get(t, i, "").Body.String()
	require.Contains(t, body, "Steps that took too long")
	require.Contains(t, body, "TestBlockedStepsAreRemembered")
}

// The memory of held parts is shown beside that of the process.
func TestMemory(t *testing.T) {
	pool := sleepingPool(t, 1)
	i := inspect.New(inspect.WithExecutor("main", pool))
	type buffer [500]*int
	holder := coro.DefineHeld("holder", func(f *coro.Frame[none, none], _ *buffer) coro.Step { return coro.Sleep(f, 0, time.Hour) })
	before := operatorsView(t, i).Memory
	for range 100 {
		require.NoError(t, coro.GoHeld(pool, holder, none{}, buffer{}))
	}
	require.Eventually(t, func() bool { return len(pool.Environment().WaitingByKind()) == 2 }, time.Minute, time.Millisecond)
	m := operatorsView(t, i).Memory
	require.GreaterOrEqual(t, m.HeldBytes-before.HeldBytes, 100*4000)
	require.GreaterOrEqual(t, m.HeldSlots-before.HeldSlots, 100)
	require.Equal(t, "holder", m.Held[0].Kind.Name)
	require.Greater(t, m.GoHeap, m.HeldBytes)
	require.GreaterOrEqual(t, m.GoTotal, m.GoHeap)
	require.Equal(t, int(pool.Arena().Stats().MappedBytes), m.Mapped)
	require.Contains(t, get(t, i, "").Body.String(), "slots of held parts")
}
