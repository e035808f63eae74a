package closures

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

type meter struct {
	name  string
	count int
}

func (m meter) get() int                                   { return m.count }
func (m *meter) inc() int                                  { m.count++; return m.count }
func (m meter) slow(t *task.T, tr *cases.Trace, k int) int { return value(t, tr, m.count+k) + m.count }
func (m *meter) slowInc(t *task.T, tr *cases.Trace, k int) error {
	m.count += k
	return wait(t, tr, m.name, m.count)
}

type getter interface{ get() int }
type wrapper struct{ *meter }
type holder struct{ meter }

func methodValue(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := meter{"m", 1}
	get := m.get
	m.count = 5
	wait(t, tr, get(), m.get())
	m.count = 7
	a := get()
	get = m.get
	m = meter{"other", 50}
	wait(t, tr, a, get())
	return get()*100 + m.get(), nil
}

func methodValuePointer(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := &meter{"m", 1}
	get, inc := m.get, m.inc
	m.count = 5
	wait(t, tr, get(), inc())
	m = &meter{"other", 50}
	wait(t, tr, get(), inc(), m.count)
	local := meter{"local", 0}
	add := local.inc
	wait(t, tr, add(), local.count)
	local.count += 10
	return add()*1000 + local.count, nil
}

func methodValueOthers(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := &meter{"m", 1}
	w := wrapper{m}
	h := holder{*m}
	var g getter = w
	a, b, c := w.inc, h.get, g.get
	w.meter = &meter{"new", 100}
	h.count = 200
	g = h
	wait(t, tr, a(), b(), c())
	d := h.inc
	wait(t, tr, d())
	return d() + w.get() + g.get() + m.count, nil
}

func methodExpressions(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := meter{"m", 1}
	inc := (*meter).inc
	get := meter.get
	wait(t, tr, get(m))
	inc(&m)
	k := (*meter).get(&m)
	wait(t, tr, inc(&m), k, get(m), getter.get(m))
	a := meter.slow(m, t, tr, 5)
	err := (*meter).slowInc(&m, t, tr, value(t, tr, 2))
	return a*100 + m.count, err
}

func taskMethodValues(t *task.T, tr *cases.Trace, n int) (int, error) {
	m := meter{"m", 1}
	slow, inc := m.slow, m.slowInc
	m.count = 10
	a := slow(t, tr, 1)
	if err := inc(t, tr, 5); err != nil {
		return a, err
	}
	wait(t, tr, m.count)
	if err := (*meter).slowInc(&m, t, tr, slow(t, tr, 2)); err != nil {
		return a, err
	}
	return a*100 + m.count, nil
}
