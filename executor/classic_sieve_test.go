package executor_test

import (
	"sync"
	"testing"

	"github.com/framearena/framearena/coro"
)

// Sieve of channels: the numbers below n go through a chain of filters, one for each prime
// that came out at its end. The result is how many primes that were, and their sum.
var sieve = program[primes]{
	tasks: func(ex coro.Executor, n int) (primes, error) {
		return run(ex, sieveTask.With(sieving{n: n}, sieveHeld{}))
	},
	goroutines: func(n int) (found primes) {
		var filters sync.WaitGroup
		out := make(chan int)
		numbers := out
		filters.Go(func() {
			for i := 2; i < n; i++ {
				numbers <- i
			}
			close(numbers)
		})
		for {
			prime, ok := <-out
			if !ok {
				break
			}
			found.count++
			found.sum += prime
			in, next := out, make(chan int)
			filters.Go(func() {
				for v := range in {
					if v%prime != 0 {
						next <- v
					}
				}
				close(next)
			})
			out = next
		}
		filters.Wait()
		return found
	},
}

type primes struct{ count, sum int }

type sieving struct {
	filters  coro.Group
	n, prime int
	found    primes
}

// sieveHeld has the end of the chain.
type sieveHeld struct{ out *coro.Chan[int] }

var sieveTask = coro.DefineHeld("sieve", func(f *coro.Frame[sieving, primes], held *sieveHeld) coro.Step {
	s := &f.State
	switch {
	case f.At() == 0:
		held.out = coro.NewChan[int](0)
		coro.SpawnCall(f, &s.filters, numbers.With(counted{2, s.n}, held.out), nil)
		return held.out.Recv(f, 1, &s.prime)
	case f.At() == 1 && f.Err() == coro.ErrChanClosed:
		return s.filters.Wait(f, 2)
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 2:
		return f.Return(s.found)
	}
	s.found.count++
	s.found.sum += s.prime
	next := coro.NewChan[int](0)
	coro.SpawnCall(f, &s.filters, filter.With(filtering{prime: s.prime}, filterHeld{held.out, next}), nil)
	held.out = next
	return next.Recv(f, 1, &s.prime)
})

type counted struct{ next, n int }

// numbers sends the numbers below n.
var numbers = coro.DefineHeld("numbers", func(f *coro.Frame[counted, none], out **coro.Chan[int]) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if s.next >= s.n {
		(*out).Close()
		return f.Return(none{})
	}
	s.next++
	return (*out).Send(f, 0, s.next-1)
})

type filtering struct{ prime, v int }

type filterHeld struct{ in, out *coro.Chan[int] }

var filter = coro.DefineHeld("filter", func(f *coro.Frame[filtering, none], held *filterHeld) coro.Step {
	s := &f.State
	switch {
	case f.Err() == coro.ErrChanClosed:
		held.out.Close()
		return f.Return(none{})
	case f.Err() != nil:
		return f.Fail(f.Err())
	case f.At() == 1 && s.v%s.prime != 0:
		return held.out.Send(f, 0, s.v)
	default:
		return held.in.Recv(f, 1, &s.v)
	}
})

func TestSieve(t *testing.T) { sieve.test(t, 0, 3, 10, scaled(2000)) }

// BenchmarkSieve's operation is a number that goes through a chain of filters, which is
// the longer the more numbers there are: 303 of them for 2000.
func BenchmarkSieve(b *testing.B) { sieve.benchOf(b, 2000, 2000) }
