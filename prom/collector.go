package prom

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// Collector is a [prometheus.Collector] of the executors and arenas that it was made
// with, and of all tasks that are counted. Everything is looked at when Prometheus asks.
// Any goroutine may use it, and it may outlive what it collects from. One collector in a
// registry is enough: a second one would count tasks again.
type Collector struct {
	executors []namedExecutor
	arenas    []namedArena
}

var _ prometheus.Collector = (*Collector)(nil)

type namedExecutor struct {
	name     string
	executor coro.Executor
	pool     *executor.Pool // nil if the executor is none
}

type namedArena struct {
	name  string
	arena *arena.Arena
}

// Option says what a [Collector] collects from. No two executors, and no two arenas,
// have the same name.
type Option func(*Collector)

// NewCollector returns a collector. Without options it is of counted tasks alone.
func NewCollector(opts ...Option) *Collector {
	c := new(Collector)
	for _, o := range opts {
		o(c)
	}
	return c
}

// Pool is for a pool and for its arena, which has the same name, unless an option
// before has named it.
func Pool(name string, p *executor.Pool) Option {
	return func(c *Collector) {
		c.addExecutor(namedExecutor{name, p, p})
		c.addArena(name, p.Arena())
	}
}

// Executor is for an executor that is no pool, and for its arena, if it has a method
// Arena, as all of package executor do.
func Executor(name string, ex coro.Executor) Option {
	if p, ok := ex.(*executor.Pool); ok {
		return Pool(name, p)
	}
	return func(c *Collector) {
		c.addExecutor(namedExecutor{name: name, executor: ex})
		if has, ok := ex.(interface{ Arena() *arena.Arena }); ok {
			c.addArena(name, has.Arena())
		}
	}
}

// Arena is for an arena. It comes before the options of executors that share it.
func Arena(name string, a *arena.Arena) Option {
	return func(c *Collector) { c.addArena(name, a) }
}

func (c *Collector) addExecutor(e namedExecutor) {
	for _, other := range c.executors {
		if other.name == e.name {
			panic(fmt.Sprintf("prom: two executors are called %q: give each a name of its own", e.name))
		}
	}
	c.executors = append(c.executors, e)
}

func (c *Collector) addArena(name string, a *arena.Arena) {
	for _, other := range c.arenas {
		if other.arena == a {
			return
		}
		if other.name == name {
			panic(fmt.Sprintf("prom: two arenas are called %q: give each a name of its own", name))
		}
	}
	c.arenas = append(c.arenas, namedArena{name, a})
}

// Describe sends the descriptions of all metrics.
func (c *Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, m := range all {
		descriptions <- m.desc
	}
}

// Collect looks at everything and sends what it has found.
func (c *Collector) Collect(metrics chan<- prometheus.Metric) {
	s := sink(metrics)
	for _, a := range c.arenas {
		s.arena(a.name, a.arena.Stats())
	}
	for _, e := range c.executors {
		s.waiting(e.name, e.executor.Environment().WaitingByKind())
		if e.pool != nil {
			s.pool(e.name, e.pool)
		}
	}
	s.tasks()
}
