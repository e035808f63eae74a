package coro

import (
	"math/rand/v2"
	"sync"
)

// seededRandom is a generator of random numbers that are the same in each run. Any goroutine may
// use it.
type seededRandom struct {
	mu        sync.Mutex
	generator *rand.Rand // guarded by mu
}

func newSeededRandom(seed uint64) *seededRandom {
	return &seededRandom{generator: rand.New(rand.NewPCG(seed, 0))}
}

// below returns a number from 0 to n-1. A nil r is package rand's generator.
func (r *seededRandom) below(n int) int {
	if r == nil {
		return rand.IntN(n)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.generator.IntN(n)
}
