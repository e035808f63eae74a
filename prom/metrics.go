package prom

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/printable"
)

// metric is a metric with its labels; it has a series for each combination of their values.
// It is immutable.
type metric struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// all holds every metric. It is immutable once the package is initialized.
var all []*metric

// define makes a metric and adds it to all.
func define(kind prometheus.ValueType, name, help string, labels ...string) *metric {
	m := &metric{prometheus.NewDesc("framearena_"+name, help, labels, nil), kind}
	all = append(all, m)
	return m
}

const (
	gauge   = prometheus.GaugeValue
	counter = prometheus.CounterValue
)

var (
	arenaMapped     = define(gauge, "arena_mapped_bytes", "Memory of slabs in use and of large frames; it counts against the arena's limit.", "arena")
	arenaReserved   = define(gauge, "arena_reserved_bytes", "Address space reserved for slabs.", "arena")
	arenaHandedBack = define(counter, "arena_handed_back_bytes_total", "Memory given back to the system so far.", "arena")
	arenaRefusals   = define(counter, "arena_refusals_total", "Requests for memory that were answered with nil.", "arena")
	arenaLarge      = define(gauge, "arena_large_frames", "Live frames over 64 KiB, each a mapping of its own.", "arena")
	arenaLargeBytes = define(gauge, "arena_large_bytes", "Memory of live frames over 64 KiB.", "arena")
	arenaSlabs      = define(gauge, "arena_slabs", "Slabs of 2 MiB that serve a size class.", "arena", "frame_bytes")
	arenaFrames     = define(gauge, "arena_frames", "Carved frames: live, free in private lists (private), free in public lists (warm), or free in public lists without memory (cold).", "arena", "frame_bytes", "state")

	waitingTasks = define(gauge, "waiting_tasks", "Tasks that wait for something.", "executor", "kind", "root", "operation")

	poolTasks   = define(counter, "pool_tasks_total", "How often a worker has begun to run a task.", "executor")
	poolSteals  = define(counter, "pool_steals_total", "How often a worker took tasks from another one's queue.", "executor")
	poolParks   = define(counter, "pool_parks_total", "How often a worker had nothing to do and became idle.", "executor")
	poolBlocks  = define(counter, "pool_blocks_total", "How often a worker was in one step for longer than the limit.", "executor")
	poolElided  = define(counter, "pool_elided_frames_total", "Frames placed in the frame of the awaiting task.", "executor")
	poolWorkers = define(gauge, "pool_workers", "Workers, by state.", "executor", "state")
	poolQueued  = define(gauge, "pool_queued_tasks", "Tasks that are ready to run, by queue.", "executor", "queue")

	tasksStarted   = define(counter, "tasks_started_total", "Counted tasks that have begun.", "kind")
	tasksEnded     = define(counter, "tasks_ended_total", "Counted tasks that have ended.", "kind")
	tasksElided    = define(counter, "tasks_elided_total", "Counted tasks whose frame was placed in the frame of the awaiting task.", "kind")
	tasksLive      = define(gauge, "tasks_live", "Counted tasks that have begun and have not ended.", "kind")
	tasksLiveBytes = define(gauge, "tasks_live_bytes", "Memory of the frames of live counted tasks, as asked for.", "kind")
)

// sink is the channel that a call of Collect sends to.
type sink chan<- prometheus.Metric

// send sends one value. labels has a value for each label of m.
func (s sink) send(m *metric, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

func (s sink) arena(name string, a arena.Stats) {
	s.send(arenaMapped, float64(a.MappedBytes), name)
	s.send(arenaReserved, float64(a.ReservedBytes), name)
	s.send(arenaHandedBack, float64(a.HandedBackBytes), name)
	s.send(arenaRefusals, float64(a.Refusals), name)
	s.send(arenaLarge, float64(a.Large), name)
	s.send(arenaLargeBytes, float64(a.LargeBytes), name)
	for _, c := range a.Classes {
		if c.Size == 0 {
			continue // the arena is closed
		}
		size := strconv.FormatUint(uint64(c.Size), 10)
		s.send(arenaSlabs, float64(c.Slabs), name, size)
		s.send(arenaFrames, float64(c.Live), name, size, "live")
		s.send(arenaFrames, float64(c.Private), name, size, "private")
		s.send(arenaFrames, float64(c.Public-min(c.Public, c.Cold)), name, size, "warm")
		s.send(arenaFrames, float64(c.Cold), name, size, "cold")
	}
}

// maxWaitingSeries bounds the series of an executor's waiting tasks: groups of waiting tasks
// come and go, and without a bound the number of series would grow.
const maxWaitingSeries = 100

// waiting sends groups of waiting tasks, of which the largest comes first. It adds up groups
// whose names are shown alike.
func (s sink) waiting(name string, groups []coro.WaitingGroup) {
	type series struct{ kind, root, what string }
	sums := make(map[series]int)
	for _, g := range groups { // the largest first
		key := series{printable.Text(g.Kind.Name), printable.Text(g.Root.Name), g.What}
		if _, known := sums[key]; !known && len(sums) >= maxWaitingSeries {
			key = series{"other", "other", "other"}
		}
		sums[key] += g.N
	}
	for key, n := range sums {
		s.send(waitingTasks, float64(n), name, key.kind, key.root, key.what)
	}
}

func (s sink) pool(name string, p *executor.Pool) {
	stats := p.Stats()
	s.send(poolTasks, float64(stats.Tasks), name)
	s.send(poolSteals, float64(stats.Steals), name)
	s.send(poolParks, float64(stats.Parks), name)
	s.send(poolBlocks, float64(stats.Blocks), name)
	s.send(poolElided, float64(p.Elided()), name)
	s.send(poolWorkers, float64(stats.Idle), name, "idle")
	s.send(poolWorkers, float64(stats.Blocked), name, "blocked")
	s.send(poolWorkers, float64(max(0, len(stats.Workers)-stats.Idle-stats.Blocked)), name, "running")
	s.send(poolQueued, float64(max(0, stats.Queued-stats.Injected-stats.High)), name, "local")
	s.send(poolQueued, float64(stats.Injected), name, "shared")
	s.send(poolQueued, float64(stats.High), name, "urgent")
}

// tasks sends the figures of all counted kinds. Those of kinds whose names are shown alike are
// added up: a series must not be sent twice.
func (s sink) tasks() {
	sums := make(map[string]coro.KindStats)
	for k := range coro.Stats() {
		name := printable.Text(k.Name)
		sum := sums[name]
		sum.Started += k.Started
		sum.Ended += k.Ended
		sum.Elided += k.Elided
		sum.LiveBytes += k.LiveBytes
		sums[name] = sum
	}
	for kind, k := range sums {
		s.send(tasksStarted, float64(k.Started), kind)
		s.send(tasksEnded, float64(k.Ended), kind)
		s.send(tasksElided, float64(k.Elided), kind)
		s.send(tasksLive, float64(k.Live()), kind)
		s.send(tasksLiveBytes, float64(k.LiveBytes), kind)
	}
}
