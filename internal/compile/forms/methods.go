package forms

import (
	"fmt"

	"github.com/framearena/framearena/internal/compile/forms/other"
	"github.com/framearena/framearena/task"
)

// adder is what types have that embed others.
type adder interface {
	addTo(t *task.T, s *script, n int) (int, error)
	name(t *task.T) string
}

type inner struct{ sum int }

func (i *inner) addTo(t *task.T, s *script, n int) (int, error) {
	k, err := value(t, s, n)
	i.sum += k
	return i.sum, err
}

func (i inner) name(t *task.T) string { return fmt.Sprint("inner ", i.sum) }

func (i inner) show(t *task.T, s *script, words ...string) string {
	return fmt.Sprint(i.sum, must(t, s, len(words)), words)
}

// These have the methods of inner at different depths: from a value, from a pointer, from an interface,
// and from a type of another package.
type (
	holdsValue     struct{ inner }
	holdsPointer   struct{ *inner }
	holdsTwo       struct{ holdsPointer }
	holdsInterface struct {
		more string
		adder
	}
	holdsWorker struct{ other.Worker }
	holdsMutex  struct{ task.Mutex }
)

type logger interface {
	Log(t *task.T, s string) string
}

type locker interface {
	Lock(t *task.T) error
	Unlock()
}

// promoted calls methods that types have by embedding, through interfaces.
func promoted(t *task.T, s *script, n int) (string, error) {
	all := ""
	for _, a := range []adder{&holdsValue{}, holdsPointer{&inner{1}}, &holdsPointer{&inner{2}}, holdsTwo{holdsPointer{&inner{3}}}, holdsInterface{"", &inner{4}}, &holdsInterface{"", &holdsValue{inner{5}}}} {
		k, err := a.addTo(t, s, must(t, s, n))
		if err != nil {
			return all, err
		}
		all += fmt.Sprint(k, a.name(t), " ")
	}
	for _, l := range []logger{&holdsWorker{other.Worker{Name: "w"}}, &holdsWorker{}, &other.Worker{Name: "v"}} {
		all += l.Log(t, "logged")
	}
	var l locker = &holdsMutex{}
	if err := l.Lock(t); err != nil {
		return all, err
	}
	must(t, s, 1)
	l.Unlock()
	return all, l.Lock(t)
}

// generic is a type whose methods are taken as values.
type generic[V any] struct{ v V }

func (g *generic[V]) get(t *task.T, s *script) (V, int) { return g.v, must(t, s, 1) }

func getter[V any](g *generic[V]) func(*task.T, *script) (V, int) { return g.get } //framearena:ignore it is to run there

func getLater[V any](t *task.T, s *script, v V) string {
	g := &generic[V]{v}
	get := g.get
	g.v = *new(V)
	v, k := get(t, s)
	return fmt.Sprint(v, k)
}

// methodValues takes methods as values, whose receivers are evaluated then.
func methodValues(t *task.T, s *script, n int) (string, error) {
	p := &inner{1}
	v := inner{2}
	addTo, show, name := p.addTo, v.show, p.name
	p, v.sum = &inner{100}, 200
	k, err := addTo(t, s, n)
	all := fmt.Sprint(k, show(t, s, "a", "b"), show(t, s), name(t), " ")
	var a adder = &holdsValue{inner{7}}
	throughInterface, embedded := a.addTo, holdsTwo{holdsPointer{p}}.addTo
	a = nil
	for _, f := range []func(*task.T, *script, int) (int, error){throughInterface, embedded, throughInterface} {
		k, err := f(t, s, must(t, s, n))
		if err != nil {
			return all, err
		}
		all += fmt.Sprint(k, " ")
	}
	worker := other.Worker{Name: "w"}
	log := worker.Log
	worker.Name = "other"
	all += log(t, "x")
	all += getLater(t, s, "text") + getLater(t, s, n)
	all += func() string {
		defer func() { recover() }()
		_ = a.addTo
		return "not reached"
	}()
	var mu task.Mutex
	lock := mu.Lock
	if err := lock(t); err != nil {
		return all, err
	}
	mu.Unlock()
	return all, err
}

// runner has a method for groups and launches.
type runner struct {
	s    *script
	runs int
}

func (r *runner) run(t *task.T) error {
	r.runs++
	return t.Yield()
}

func (r *runner) twice(t *task.T, n int) (int, error) {
	r.runs += n
	return 2 * n, t.Yield()
}

func (r runner) byValue(t *task.T, n int) (int, error) { return r.runs + n, t.Yield() }

func groupOfMethods(t *task.T, s *script, n int) (string, error) {
	var g task.Group
	runners := make([]runner, n+1)
	for i := range n {
		g.Go(t, runners[i].run)
	}
	err := g.Wait(t)
	if err == nil {
		err = task.Shield(t, runners[n].run)
	}
	runs := 0
	for i := range runners {
		runs += runners[i].runs
	}
	return fmt.Sprint(runs), err
}
