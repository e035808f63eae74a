// Package programs has random programs. This file has what all of them use.
package programs

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

const hour = time.Hour

var errStep = errors.New("step")

// value may suspend, and returns n.
func value(t *task.T, tr *cases.Trace, n int) int {
	tr.Print("value", n)
	t.Yield()
	return n
}

// pass may suspend, and returns v.
func pass[E any](t *task.T, tr *cases.Trace, v E) E {
	tr.Print("pass", v)
	t.Yield()
	return v
}

// wait may suspend, and returns an error if the context has ended.
func wait(t *task.T, tr *cases.Trace, note ...any) error {
	tr.Print(note...)
	return t.Yield()
}

// waitsForever waits until its context ends.
func waitsForever(t *task.T, tr *cases.Trace) error {
	defer tr.Enter()()
	var never task.Event
	return never.Wait(t)
}

// full returns a channel with one value and no more room.
func full(v int) *task.Chan[int] {
	c := task.NewChan[int](1)
	c.TrySend(v)
	return c
}

// clip keeps strings short that loops add to.
func clip(s string) string {
	if len(s) > 12 {
		return s[:12]
	}
	return s
}

// each yields what is in the list.
func each[E any](tr *cases.Trace, list ...E) iter.Seq[E] {
	return func(yield func(E) bool) {
		defer tr.Print("each ends")
		for _, v := range list {
			if !yield(v) {
				return
			}
		}
	}
}

// upTo yields the numbers below n, and their texts.
func upTo(n int) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i := range n {
			if !yield(i, fmt.Sprint("#", i)) {
				return
			}
		}
	}
}
