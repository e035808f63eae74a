// Package group has Groups that nobody waits for.
package group

import "github.com/framearena/framearena/task"

func child(t *task.T) error { return t.Yield() }

func forgets(t *task.T) error {
	var g task.Group
	g.SetLimit(3)
	for range 3 {
		g.Go(t, child) // want `g.Go begins a child, and nothing waits for it: call g.Wait, and return or handle its error`
	}
	g.Go(t, child)
	return nil
}

func forgetsOne(t *task.T) error {
	var a, b task.Group
	a.Go(t, child)
	b.Go(t, child) // want `b.Go begins a child, and nothing waits for it`
	return a.Wait(t)
}

func literal(t *task.T) error {
	g := task.Group{}
	return func(t *task.T) error {
		g.Go(t, child) // want `g.Go begins a child`
		return nil
	}(t)
}

func waits(t *task.T) error {
	var g task.Group
	g.Go(t, func(t *task.T) error {
		g.Go(t, child)
		return nil
	})
	return g.Wait(t)
}

func waitsAtEnd(t *task.T) error {
	var g task.Group
	defer g.Wait(t)
	g.Go(t, child)
	return nil
}

func waitsInLiteral(t *task.T) (err error) {
	var g task.Group
	defer func() { err = (g).Wait(t) }()
	g.Go(t, child)
	return nil
}

func elsewhere(t *task.T) error {
	var g task.Group
	begin(t, &g)
	g.Go(t, child)
	return nil
}

func begin(t *task.T, g *task.Group) { g.Go(t, child) }

type server struct{ children task.Group }

func (s *server) serve(t *task.T) { s.children.Go(t, child) }

func none(t *task.T) error {
	var g task.Group
	g.SetPolicy(task.FirstError)
	return nil
}

func onPurpose(t *task.T) {
	var g task.Group
	g.Go(t, child) //framearena:ignore it is a test
}

// plain gives the Group away.
func plain(run func(func(t *task.T) error), wait func(*task.Group)) {
	var g task.Group
	run(func(t *task.T) error {
		g.Go(t, child)
		return nil
	})
	wait(&g)
}
