package coro

import (
	"testing"
	"time"

	"github.com/framearena/framearena/internal/offheap"
	"github.com/framearena/framearena/internal/timerwheel"
)

// BenchmarkTimersLocked adds a timer and removes it, once an iteration, with the lock
// and the real clock.
func BenchmarkTimersLocked(b *testing.B) {
	t := newTimers(newSystemClock(), func(due []offheap.Link[timerwheel.Node]) {})
	defer t.close(errTimersClosed)
	nodes := newTimerNodes(1)
	b.ReportAllocs()
	for b.Loop() {
		t.add(&nodes[0], t.after(time.Second))
		t.remove(&nodes[0])
	}
}
