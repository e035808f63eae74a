package fuzz_test

import (
	"testing"

	"github.com/framearena/framearena/fuzz"
	"github.com/framearena/framearena/internal/race"
	"github.com/framearena/framearena/internal/testkit/allocators"
)

func TestOurAllocators(t *testing.T) {
	for _, a := range allocators.All() {
		t.Run(a.Name, func(t *testing.T) {
			if race.Enabled {
				fuzz.Check(t, a.New, a.Promises, fuzz.Operations(40_000)) // ten times as slow
				return
			}
			fuzz.Check(t, a.New, a.Promises)
		})
	}
}

func TestOurAllocatorsUnderStress(t *testing.T) {
	for _, a := range allocators.All() {
		if a.Concurrent {
			t.Run(a.Name, func(t *testing.T) { fuzz.Stress(t, a.New, a.Promises) })
		}
	}
}
