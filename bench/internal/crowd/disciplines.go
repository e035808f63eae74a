// Package crowd has the disciplines of many idle activities. They measure the memory of the
// idle ones, the time of the collector, and the time of requests to the others.
package crowd

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"time"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/internal/testkit/resident"
)

// Group is the title of the disciplines.
const Group = "Many idle activities"

// Metrics are the metrics of all disciplines of this package.
var Metrics = []contest.Metric{
	{Key: "bytes", Title: "memory (RSS) of an idle one", Unit: contest.Bytes},
	{Key: "create", Title: "time to create one", Unit: contest.Nanoseconds},
	{Key: "finish", Title: "time to end one", Unit: contest.Nanoseconds},
	{Key: "gc", Title: "runtime.GC(), all idle", Unit: contest.Nanoseconds},
	{Key: "q50", Title: "request, median", Unit: contest.Nanoseconds},
	{Key: "q99", Title: "request, 99 %", Unit: contest.Nanoseconds},
	{Key: "q999", Title: "request, 99.9 %", Unit: contest.Nanoseconds},
	{Key: "qgc", Title: "collections meanwhile", Unit: contest.Count},
	{Key: "c50", Title: "request while collecting, median", Unit: contest.Nanoseconds},
	{Key: "c99", Title: "request while collecting, 99 %", Unit: contest.Nanoseconds},
	{Key: "c999", Title: "request while collecting, 99.9 %", Unit: contest.Nanoseconds},
	{Key: "cgc", Title: "collections meanwhile", Unit: contest.Count},
}

// Disciplines returns a discipline for each number of activities.
func Disciplines() (all []contest.Discipline) {
	for _, n := range []struct {
		size     int
		title    string
		notQuick bool
	}{
		{1_000, "1,000 activities", false},
		{10_000, "10,000 activities", false},
		{100_000, "100,000 activities", false},
		{1_000_000, "1,000,000 activities", false},
		{10_000_000, "10,000,000 activities", true},
	} {
		all = append(all, contest.Discipline{
			ID: fmt.Sprintf("crowd-%d", n.size), Group: Group, Title: n.title,
			Metrics: Metrics, Size: n.size, QuickSize: n.size, NotQuick: n.notQuick, MaxRounds: 3,
			Contestants: []contest.Contestant{
				{Name: "framearena, tasks on a Pool", Lang: "Go", Role: contest.Ours, Sample: sampled(newTaskCrowd), Needs: needs(200),
					Note: "idle ones wait for a coro.Event, busy ones have a coro.Chan each"},
				{Name: "goroutines", Lang: "Go", Role: contest.Peer, Sample: sampled(newGoroutineCrowd), Needs: needs(3200),
					Note: "idle ones wait for a channel, busy ones have one each"},
				{Name: "structs by hand", Lang: "Go", Role: contest.Peer, Sample: sampled(newStructCrowd), Needs: needs(250),
					Note: "an event loop: state is in structs on the Go heap, and nothing in the code waits"},
			},
		})
	}
	return all
}

func needs(each uint64) func(int) uint64 {
	return func(size int) uint64 { return each * uint64(size) }
}

// sampled returns a function that measures a new crowd.
func sampled(newCrowd func() crowd) func(contest.Plan) (contest.Metrics, error) {
	return func(plan contest.Plan) (contest.Metrics, error) {
		begun.Store(0)
		ended.Store(0)
		endedIDs.Store(0)
		return measure(newCrowd(), plan)
	}
}

// measure measures a crowd of the plan's size. It sends requests for eight times the plan's
// time, and once more for at least that long while the collector runs.
func measure(c crowd, plan contest.Plan) (contest.Metrics, error) {
	n, busy := plan.Size, min(1024, plan.Size)
	m := contest.Metrics{}
	each := func(since time.Time) float64 { return float64(time.Since(since).Nanoseconds()) / float64(n) }
	if err := c.open(busy); err != nil {
		return nil, err
	}
	debug.FreeOSMemory() // the first collections of a process take longer

	before := resident.Bytes()
	start := time.Now()
	if err := c.create(n); err != nil {
		return nil, err
	}
	m["create"] = each(start)
	if after := resident.Bytes(); after > 0 {
		m["bytes"] = float64(after-min(before, after)) / float64(n)
	}
	m["gc"] = collection()

	load := 8 * plan.For
	measureLoad := func(kind string) {
		before := collections()
		p := runLoad(c, busy, load)
		m[kind+"50"], m[kind+"99"], m[kind+"999"] = float64(p.p50), float64(p.p99), float64(p.p999)
		m[kind+"gc"] = collections() - before
	}
	runLoad(c, busy, load/8) // to warm up
	measureLoad("q")
	load = max(load, 2*time.Duration(m["gc"])) // so that there is a whole collection
	whileCollecting(func() { measureLoad("c") })

	start = time.Now()
	c.finish()
	await(&ended, n)
	m["finish"] = each(start)
	if err := c.close(); err != nil {
		return nil, err
	}
	return m, checkEnded(n)
}

// collections returns how many collections there have been.
func collections() float64 {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample) // without stopping the world
	return float64(sample[0].Value.Uint64())
}

// collection returns how long a runtime.GC() takes: the median of three.
func collection() float64 {
	times := make([]float64, 3)
	for i := range times {
		start := time.Now()
		runtime.GC()
		times[i] = float64(time.Since(start).Nanoseconds())
	}
	slices.Sort(times)
	return times[1]
}
