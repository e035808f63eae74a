// Package kept has task functions that keep their t.
package kept

import (
	"context"
	"fmt"
	"time"

	"github.com/framearena/framearena/task"
)

var global *task.T

type server struct {
	t    *task.T
	wait func(time.Duration) error
}

func child(t *task.T, n int) error { return t.Sleep(time.Duration(n)) }

func (s *server) method(t *task.T) error { return child(t, 1) }

func second(ctx context.Context, t *task.T) error { return t.Err() }

func many(all ...*task.T) {}

func stores(t *task.T, s *server, list []*task.T, index map[string]*task.T, set map[*task.T]bool, c chan *task.T) {
	u := t              // want `t is stored in u: it belongs to this call, and is good for nothing but its methods and as the first argument of task functions`
	var v = t           // want `t is stored in v`
	var w, x any = t, 1 // want `t is stored in w`
	global = t          // want `t is stored in global`
	s.t = t             // want `t is stored in s.t`
	list[0] = t         // want `t is stored in list\[0\]`
	index["t"] = (t)    // want `t is stored in index\["t"\]`
	set[t] = true       // want `t is the key of a map`
	c <- t              // want `t is sent to the channel c`
	_ = server{t: t}    // want `t is stored in a composite literal`
	_ = []any{t}        // want `t is stored in a composite literal`
	_ = append(list, t) // want `t is the argument 2 of append: only the first parameter of a task function takes it`
	_ = any(t)          // want `t is converted to any, by which it can be kept`
	_ = &t              // want `t has its address taken`
	_ = *t              // want `t is copied`
	s.wait = t.Sleep    // want `t is kept by the method value t.Sleep`
	_, _, _, _ = u, v, w, x
}

func returns(t *task.T) (*task.T, error) {
	return t, t.Err() // want `t is returned`
}

func passes(t *task.T, s *server) {
	fmt.Println(t)           // want `t is the argument 1 of fmt.Println: only the first parameter`
	second(t.Context(), t)   // want `t is the argument 2 of second`
	many(t)                  // want `t is the argument 1 of many`
	go child(t, 1)           // want `t belongs to this call and not to another goroutine: begin a child with the method Go of a task.Group, or a task with task.Go`
	go t.Yield()             // want `t belongs to this call and not to another goroutine`
	go func(t *task.T) {}(t) // want `t belongs to this call and not to another goroutine`
	(*server).method(s, t)
	defer child(t, 2)
	defer t.Yield()
	(*task.T).Yield(t)
	func(t *task.T) { t.Yield() }(t)
}

func captures(t *task.T) error {
	go func() {
		t.Yield() // want `t belongs to this call and not to another goroutine: begin a child`
		t.Yield()
	}()
	wait := func() error { return child(t, 1) }              // want `t is captured by a literal that is no task function, and may be used when its call has ended: give the literal a first parameter that is a \*task.T`
	task.Block(t, func() (int, error) { return 1, t.Err() }) // want `t is used on the goroutine of task.Block: wait before it or after it, and get what the function needs of t before`
	defer func() {
		t.Yield()
		defer func() { t.Yield() }()
		func() { t.Yield() }() // want `t is captured by a literal`
	}()
	var g task.Group
	g.Go(t, func(u *task.T) error {
		defer func() {
			t.Yield() // want `t is that of another call`
		}()
		return t.Yield() // want `t is that of another call: this task function has a \*task.T of its own, by which it waits`
	})
	g.Go(t, func(t *task.T) error { return child(t, 1) })
	g.Go(t, func(*task.T) error {
		return child(t, 1) // want `t is that of another call`
	})
	defer func(t *task.T) { t.Yield() }(t)
	if err := g.Wait(t); err != nil {
		return err
	}
	return wait()
}

func iterates(t *task.T, c *task.Chan[int]) error {
	for range c.All(t) {
		t.Yield()
	}
	all := c.All(t) // want `t is kept by the iterator of c.All: write the call in the range clause of a loop`
	for range all {
		t.Yield()
	}
	if t == nil {
		_ = t
	}
	return t.Err()
}

func onPurpose(t *task.T) {
	global = t //framearena:ignore it is a test
}

// plain is no task function, and may call one with a T that it has from elsewhere.
func plain(s *server) error {
	t := s.t
	return child(t, 1)
}
