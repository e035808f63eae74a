package prom

import (
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/printable"
	"github.com/framearena/framearena/internal/resident"
	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
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

	waitingOldest = define(gauge, "waiting_oldest_seconds", "For how long the longest of the waits lasts, at least: since a scrape, or a look at package inspect's page, found the task waiting.", "executor", "kind", "root", "operation")
	waitingByAge  = define(gauge, "waiting_tasks_by_age", "Tasks that have waited for at least so many seconds, as far as scrapes have seen it.", "executor", "kind", "operation", "at_least_seconds")
	waitedObject  = define(gauge, "waited_object_tasks", "Tasks that wait for one object, such as a mutex: of the objects that most tasks wait for, those that the program has named, and the first of the others.", "executor", "operation", "object")

	poolTasks   = define(counter, "pool_tasks_total", "How often a worker has begun to run a task.", "executor")
	poolSteals  = define(counter, "pool_steals_total", "How often a worker took tasks from another one's queue.", "executor")
	poolParks   = define(counter, "pool_parks_total", "How often a worker had nothing to do and became idle.", "executor")
	poolBlocks  = define(counter, "pool_blocks_total", "How often a worker was in one step for longer than the limit.", "executor")
	poolElided  = define(counter, "pool_elided_frames_total", "Frames placed in the frame of the awaiting task.", "executor")
	poolWorkers = define(gauge, "pool_workers", "Workers, by state.", "executor", "state")
	poolQueued  = define(gauge, "pool_queued_tasks", "Tasks that are ready to run, by queue.", "executor", "queue")
	poolBusy    = define(counter, "pool_busy_seconds_total", "Time that workers have spent with chains that began with a task of the kind: an estimate from samples.", "executor", "kind")

	poolBlockedLongest = define(gauge, "pool_blocked_longest_seconds", "The longest step of a worker that took longer than the limit, at least; of the 16 kinds that were found last.", "executor", "kind")
	poolBlockedLast    = define(gauge, "pool_blocked_last_timestamp_seconds", "When a worker was found in such a step the last time.", "executor", "kind")

	tasksStarted   = define(counter, "tasks_started_total", "Counted tasks that have begun.", "kind")
	tasksEnded     = define(counter, "tasks_ended_total", "Counted tasks that have ended.", "kind")
	tasksElided    = define(counter, "tasks_elided_total", "Counted tasks whose frame was placed in the frame of the awaiting task.", "kind")
	tasksWakes     = define(counter, "tasks_wakes_total", "How often counted tasks have resumed because what they waited for had happened.", "kind")
	tasksLive      = define(gauge, "tasks_live", "Counted tasks that have begun and have not ended.", "kind")
	tasksLiveBytes = define(gauge, "tasks_live_bytes", "Memory of the frames of live counted tasks, as asked for.", "kind")

	uncompiledStarted = define(counter, "uncompiled_calls_total", "Calls of a task function that is not compiled: each ran on a goroutine.", "function")
	uncompiledLive    = define(gauge, "uncompiled_calls_live", "Calls of a task function that is not compiled, which have not ended.", "function")

	netOpen       = define(gauge, "net_open", "Open connections, sockets for datagrams among them (connection), and listeners (listener) of a Net.", "net", "what")
	netWaiting    = define(gauge, "net_waiting", "Connections and listeners with a task that waits to read or to accept (read), or to write (write).", "net", "direction")
	netConnected  = define(counter, "net_connections_total", "Connections that were accepted (accept) and made (dial) so far.", "net", "by")
	netHandshakes = define(gauge, "net_handshakes", "Handshakes of TLS that run on a goroutine.", "net")
	netShaken     = define(counter, "net_handshakes_total", "Handshakes of TLS so far, by result: done, failed.", "net", "result")
	netLeased     = define(gauge, "net_leased_bytes", "Memory of the leases that are out.", "net")
	netBudget     = define(gauge, "net_budget_bytes", "Memory that leases may have at the same time.", "net")
	netPolls      = define(counter, "net_polls_total", "How often the poller has looked.", "net")
	netEvents     = define(counter, "net_events_total", "What the poller has found.", "net")

	heapBytes   = define(gauge, "heap_bytes", "Memory of the Go heap that tasks have beside their frames, in slots in use and free ones: held parts (held), and records of groups, timers and so on (records).", "purpose")
	heldBytes   = define(gauge, "held_bytes", "Memory of the Go heap in slots for the held parts of a kind.", "kind")
	goHeapBytes = define(gauge, "go_heap_bytes", "Memory of all objects on the Go heap of the program.")
	residentRAM = define(gauge, "process_resident_bytes", "Memory of the process that is in RAM.")
)

// sink is the channel that a call of Collect sends to.
type sink chan<- prometheus.Metric

// send sends one value. labels has a value for each label of m.
func (s sink) send(m *metric, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(m.desc, m.kind, value, labels...)
}

func (s sink) net(name string, n *netio.Net) {
	stats := n.Stats()
	toRead, toWrite := n.Waiting()
	s.send(netOpen, float64(stats.Open-stats.Listeners), name, "connection")
	s.send(netOpen, float64(stats.Listeners), name, "listener")
	s.send(netWaiting, float64(toRead), name, "read")
	s.send(netWaiting, float64(toWrite), name, "write")
	s.send(netConnected, float64(stats.Accepted), name, "accept")
	s.send(netConnected, float64(stats.Dialed), name, "dial")
	s.send(netHandshakes, float64(stats.Handshakes), name)
	s.send(netShaken, float64(stats.HandshakesDone), name, "done")
	s.send(netShaken, float64(stats.HandshakesFailed), name, "failed")
	s.send(netLeased, float64(stats.Leased), name)
	s.send(netBudget, float64(stats.Budget), name)
	s.send(netPolls, float64(stats.Polls), name)
	s.send(netEvents, float64(stats.Events), name)
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

// maxAgedKinds bounds the series of framearena_waiting_tasks_by_age: so many kinds and operations of an
// executor, each with one series for each age.
const maxAgedKinds = 20

// maxObjects is how many objects that tasks wait for an executor's series are about.
const maxObjects = 10

// waiting sends groups of waiting tasks, of which the largest comes first. It adds up groups
// whose names are shown alike.
func (s sink) waiting(name string, groups []coro.SurveyedGroup) {
	type series struct{ kind, root, what string }
	type sum struct {
		n      int
		oldest time.Duration
	}
	sums := make(map[series]sum)
	for _, g := range groups { // the largest first
		key := series{printable.Text(g.Kind.Name), printable.Text(g.Root.Name), g.What}
		if _, known := sums[key]; !known && len(sums) >= maxWaitingSeries {
			key = series{"other", "other", "other"}
		}
		v := sums[key]
		sums[key] = sum{v.n + g.N, max(v.oldest, g.Ages.Oldest)}
	}
	for key, v := range sums {
		s.send(waitingTasks, float64(v.n), name, key.kind, key.root, key.what)
		s.send(waitingOldest, v.oldest.Seconds(), name, key.kind, key.root, key.what)
	}
}

// ages sends how many tasks have waited for how long, by kind and operation.
func (s sink) ages(name string, groups []coro.SurveyedGroup) {
	type series struct{ kind, what string }
	steps := coro.WaitAgeSteps()
	sums := make(map[series][]int)
	for _, g := range groups { // the largest first
		key := series{printable.Text(g.Kind.Name), g.What}
		if _, known := sums[key]; !known && len(sums) >= maxAgedKinds {
			key = series{"other", "other"}
		}
		if sums[key] == nil {
			sums[key] = make([]int, len(steps))
		}
		for i, n := range g.Ages.AtLeast {
			sums[key][i] += n
		}
	}
	for key, counts := range sums {
		for i, n := range counts {
			s.send(waitingByAge, float64(n), name, key.kind, key.what, strconv.FormatFloat(steps[i].Seconds(), 'f', -1, 64))
		}
	}
}

// objects sends how many tasks wait for single objects. Addresses are no labels: the number of series
// would grow. So objects without a name are one series, which is about the one with the most tasks.
func (s sink) objects(name string, objects []coro.WaitedObject) {
	type series struct{ what, object string }
	most := make(map[series]int)
	for _, o := range objects {
		key := series{o.What, "unnamed"}
		if o.Name != "" {
			key.object = printable.Text(o.Name)
		}
		most[key] = max(most[key], o.Waiting)
	}
	for key, n := range most {
		s.send(waitedObject, float64(n), name, key.what, key.object)
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
	busy := make(map[string]time.Duration)
	for _, b := range stats.Busy {
		busy[printable.Text(b.Kind.Name)] += b.For
	}
	for kind, d := range busy {
		s.send(poolBusy, d.Seconds(), name, kind)
	}
	type blocked struct {
		longest time.Duration
		last    time.Time
	}
	kinds := make(map[string]blocked)
	for _, b := range stats.BlockedKinds { // the last first
		kind := printable.Text(b.Kind.Name)
		v, known := kinds[kind]
		if !known {
			v.last = b.Last
		}
		kinds[kind] = blocked{max(v.longest, b.Longest), v.last}
	}
	for kind, b := range kinds {
		s.send(poolBlockedLongest, b.longest.Seconds(), name, kind)
		s.send(poolBlockedLast, float64(b.last.UnixMilli())/1000, name, kind)
	}
}

// memory sends the memory that is in no arena, and that of the process.
func (s sink) memory() {
	heap := coro.HeapStatistics()
	s.send(heapBytes, float64(heap.Held.Bytes), "held")
	s.send(heapBytes, float64(heap.Records.Bytes), "records")
	held := make(map[string]uint64)
	for _, h := range heap.HeldByKind {
		held[printable.Text(h.Kind.Name)] += h.Bytes
	}
	for kind, n := range held {
		s.send(heldBytes, float64(n), kind)
	}
	objects := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(objects)
	s.send(goHeapBytes, float64(objects[0].Value.Uint64()))
	if n := resident.Bytes(); n > 0 {
		s.send(residentRAM, float64(n))
	}
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
		sum.Wakes += k.Wakes
		sum.LiveBytes += k.LiveBytes
		sums[name] = sum
	}
	for kind, k := range sums {
		s.send(tasksStarted, float64(k.Started), kind)
		s.send(tasksEnded, float64(k.Ended), kind)
		s.send(tasksElided, float64(k.Elided), kind)
		s.send(tasksWakes, float64(k.Wakes), kind)
		s.send(tasksLive, float64(k.Live()), kind)
		s.send(tasksLiveBytes, float64(k.LiveBytes), kind)
	}
}

// uncompiled sends the calls of functions that are not compiled. It adds up those whose names are shown
// alike.
func (s sink) uncompiled() {
	sums := make(map[string]task.Uncompiled)
	for f := range task.UncompiledFunctions() {
		name := printable.Text(f.Function.Name)
		sum := sums[name]
		sum.Started += f.Started
		sum.Live += f.Live
		sums[name] = sum
	}
	for function, f := range sums {
		s.send(uncompiledStarted, float64(f.Started), function)
		s.send(uncompiledLive, float64(f.Live), function)
	}
}
