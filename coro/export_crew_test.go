package coro

import "time"

// Crew is the goroutines that work for tasks.
type Crew struct{ c *helperPool }

// TheCrew is that of the package.
var TheCrew = Crew{&helpers}

func NewCrew(maxIdle int, stay time.Duration) Crew {
	return Crew{&helperPool{maxIdle: maxIdle, stay: stay}}
}

type assignmentFunc func()

func (f assignmentFunc) do() { f() }

func (c Crew) Assign(f func()) { c.c.run(assignmentFunc(f)) }

// Idle returns the number of idle goroutines, or -1 if the list is not as it should be.
func (c Crew) Idle() int {
	c.c.mu.Lock()
	defer c.c.mu.Unlock()
	n := 0
	var prev *helper
	for h := c.c.idle; h != nil; prev, h = h, h.next {
		if h.prev != prev || !h.listed {
			return -1
		}
		n++
	}
	if n != c.c.nIdle || n > c.c.maxIdle {
		return -1
	}
	return n
}
