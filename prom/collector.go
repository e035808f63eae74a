package prom

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/internal/printable"
)

// Collector is a [prometheus.Collector] of an inspector's executors and arenas, and of all
// tasks that are counted. It takes the figures at each call of Collect. Any goroutine may
// use it. It may outlive the executors and arenas: once closed, an arena is empty.
type Collector struct{ inspector *inspect.Inspector }

var _ prometheus.Collector = Collector{}

// NewCollector returns a collector of the executors and arenas of i, which keep the names
// that i has for them. A registry accepts one Collector: a second one would send the same
// metrics of tasks again.
func NewCollector(i *inspect.Inspector) Collector { return Collector{i} }

// Describe sends the descriptions of all metrics.
func (c Collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, m := range all {
		descriptions <- m.desc
	}
}

// Collect takes all figures and sends them.
func (c Collector) Collect(metrics chan<- prometheus.Metric) {
	s := sink(metrics)
	for name, a := range c.inspector.Arenas() {
		s.arena(printable.Text(name), a.Stats())
	}
	for name, ex := range c.inspector.Executors() {
		name = printable.Text(name)
		survey := ex.Environment().Survey(coro.SurveyOptions{Objects: maxObjects})
		s.waiting(name, survey.Groups)
		s.ages(name, survey.Groups)
		s.objects(name, survey.Objects)
		if pool, ok := ex.(*executor.Pool); ok {
			s.pool(name, pool)
		}
	}
	for name, n := range c.inspector.Nets() {
		s.net(printable.Text(name), n)
	}
	s.tasks()
	s.uncompiled()
	s.memory()
}
