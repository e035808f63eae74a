package coro_test

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

// awaitIdle waits until a crew has n idle goroutines.
func awaitIdle(c coro.Crew, n int) {
	for c.Idle() != n {
		runtime.Gosched()
	}
}

func TestCrewIsUsedAgain(t *testing.T) {
	c := coro.NewCrew(3, time.Hour)
	for range 100 {
		done := make(chan none)
		c.Assign(func() { close(done) })
		<-done
		awaitIdle(c, 1)
	}
}

func TestCrewKeepsFewIdle(t *testing.T) {
	c := coro.NewCrew(3, time.Hour)
	var begun, ended sync.WaitGroup
	finish := make(chan none)
	for range 10 {
		begun.Add(1)
		ended.Add(1)
		c.Assign(func() {
			begun.Done()
			<-finish
			ended.Done()
		})
	}
	begun.Wait() // all at once
	require.Zero(t, c.Idle())
	close(finish)
	ended.Wait()
	awaitIdle(c, 3)
}

func TestCrewEnds(t *testing.T) {
	c := coro.NewCrew(100, 1)
	for round := range scaled(200) {
		var ended sync.WaitGroup
		for range round % 7 {
			ended.Add(1)
			c.Assign(ended.Done) // also to those that are about to end
		}
		ended.Wait()
		require.GreaterOrEqual(t, c.Idle(), 0)
	}
	awaitIdle(c, 0)
}

func TestCrewSurvivesGoexit(t *testing.T) {
	c := coro.NewCrew(100, time.Hour)
	for range 10 {
		done := make(chan none)
		c.Assign(func() {
			defer close(done)
			runtime.Goexit()
		})
		<-done
		require.Zero(t, c.Idle())
	}
}
