package helpers

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/race"
)

type jobFunc func()

func (f jobFunc) Do() { f() }

// countIdle returns the number of idle helpers, or -1 if the list is not as it should be.
func (p *Pool) countIdle() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	var prev *helper
	for h := p.idle; h != nil; prev, h = h, h.next {
		if h.prev != prev || !h.listed {
			return -1
		}
		n++
	}
	if n != p.nIdle || n > p.maxIdle {
		return -1
	}
	return n
}

// awaitIdle waits until n helpers are idle.
func (p *Pool) awaitIdle(n int) {
	for p.countIdle() != n {
		runtime.Gosched()
	}
}

func TestHelpersAreUsedAgain(t *testing.T) {
	p := NewPool(3, time.Hour)
	for range 100 {
		done := make(chan struct{})
		p.Run(jobFunc(func() { close(done) }))
		<-done
		p.awaitIdle(1)
	}
}

func TestFewHelpersAreIdle(t *testing.T) {
	p := NewPool(3, time.Hour)
	var begun, ended sync.WaitGroup
	finish := make(chan struct{})
	for range 10 {
		begun.Add(1)
		ended.Add(1)
		p.Run(jobFunc(func() {
			begun.Done()
			<-finish
			ended.Done()
		}))
	}
	begun.Wait() // all at once
	require.Zero(t, p.countIdle())
	close(finish)
	ended.Wait()
	p.awaitIdle(3)
}

func TestHelpersEnd(t *testing.T) {
	p := NewPool(100, 1)
	rounds := 200
	if race.Enabled || testing.Short() {
		rounds = 20
	}
	for round := range rounds {
		var ended sync.WaitGroup
		for range round % 7 {
			ended.Add(1)
			p.Run(jobFunc(ended.Done)) // also to those that are about to end
		}
		ended.Wait()
		require.GreaterOrEqual(t, p.countIdle(), 0)
	}
	p.awaitIdle(0)
}

func TestHelpersSurviveGoexit(t *testing.T) {
	p := NewPool(100, time.Hour)
	for range 10 {
		done := make(chan struct{})
		p.Run(jobFunc(func() {
			defer close(done)
			runtime.Goexit()
		}))
		<-done
		require.Zero(t, p.countIdle())
	}
}
