package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
)

// Collector is a [prometheus.Collector] of the executors and arenas that an inspector
// shows, and of all tasks that are counted. Everything is looked at when Prometheus
// asks. Any goroutine may use it, and it may outlive what it collects from.
type Collector struct{ inspector *inspect.Inspector }

var _ prometheus.Collector = Collector{}

// NewCollector returns a collector of what an inspector shows, by the same names. A
// registry takes one: a second one would count tasks again.
func NewCollector(i *inspect.Inspector) Collector { return Collector{i} }

// Describe sends the descriptions of all metrics.
func (c Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, m := range all {
		descriptions <- m.desc
	}
}

// Collect looks at everything and sends what it has found.
func (c Collector) Collect(metrics chan<- prometheus.Metric) {
	s := sink(metrics)
	for name, a := range c.inspector.Arenas() {
		s.arena(name, a.Stats())
	}
	for name, ex := range c.inspector.Executors() {
		s.waiting(name, ex.Environment().WaitingByKind())
		if pool, ok := ex.(*executor.Pool); ok {
			s.pool(name, pool)
		}
	}
	s.tasks()
}
