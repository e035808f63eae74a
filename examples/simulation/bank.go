package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type none = struct{}

// bank is what customers share. The goroutine that drives the loop owns it.
type bank struct {
	loop    *executor.Loop
	tellers *coro.Semaphore
	result  result
	err     error // of the first customer who failed
}

func (b *bank) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// customer is the state of a task.
type customer struct {
	comes   time.Duration // when, from the beginning
	service time.Duration // how long a teller will need
}

// Resume points of visit, beside 0.
const (
	atDoor = iota + 1
	atTeller
	atEnd
)

// visit is a customer's life.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[customer, none], held **bank) coro.Step {
	c, b := &f.State, *held
	if f.Err() != nil { // such as that there is no memory for a timer
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 0:
		return coro.Sleep(f, atDoor, c.comes)
	case atDoor:
		return b.tellers.Acquire(f, atTeller, 1)
	case atTeller:
		b.result.served(b.loop.Now(), *c)
		return coro.Sleep(f, atEnd, c.service)
	case atEnd:
		b.tellers.Release(1)
		b.result.end = b.loop.Now()
		return f.Return(none{})
	default:
		return f.BadResume()
	}
})

// result is what a simulation has found.
type result struct {
	customers int
	waited    int               // those who had to wait
	wait      float64           // of all together, in seconds
	service   float64           // the same of being served
	end       time.Duration     // when the last customer went
	minutes   [minutesShown]int // customers by the whole minutes that they waited; the last are those who waited for longer
	digest    uint64            // of who was served when
}

const minutesShown = 12

// served notes that a customer's turn has come.
func (r *result) served(now time.Duration, c customer) {
	wait := now - c.comes
	r.customers++
	if wait > 0 {
		r.waited++
	}
	r.wait += wait.Seconds()
	r.service += c.service.Seconds()
	r.minutes[min(int(wait/time.Minute), minutesShown-1)]++

	const prime = 1099511628211 // that of FNV
	r.digest = (r.digest ^ uint64(c.comes)) * prime
	r.digest = (r.digest ^ uint64(now)) * prime
}

// longer returns the part of the customers who waited for so many minutes at least.
func (r *result) longer(minutes int) float64 {
	n := 0
	for _, customers := range r.minutes[minutes:] {
		n += customers
	}
	return float64(n) / float64(r.customers)
}

// scenario is what is simulated.
type scenario struct {
	customers int
	tellers   int
	load      float64       // the part of their time that tellers shall be busy
	service   time.Duration // the mean
	seed      uint64
}

// open returns a bank and all of its customers, who are asleep until they come. The caller
// closes the loop, whose options opts are.
func (s scenario) open(opts ...executor.LoopOption) (*bank, error) {
	b := &bank{tellers: coro.NewSemaphore(int64(s.tellers))}
	b.loop = executor.NewLoop(append(opts, executor.WithVirtualTime(), executor.WithErrorHandler(b.fail))...)
	random := rand.New(rand.NewPCG(s.seed, 0))
	between := s.service.Seconds() / (s.load * float64(s.tellers)) // two arrivals, on the average
	comes := 0.0
	for n := range s.customers {
		comes += random.ExpFloat64() * between
		c := customer{seconds(comes), seconds(random.ExpFloat64() * s.service.Seconds())}
		if err := coro.GoHeld(b.loop, visit, c, b); err != nil {
			return nil, errors.Join(fmt.Errorf("customer %d: %w", n+1, err), b.loop.Close())
		}
	}
	b.loop.RunFor(0) // as far as they get at the time 0, which is to bed
	return b, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// run has all customers come, be served, and go.
func (b *bank) run() (result, error) {
	b.loop.RunUntilIdle()
	return b.result, b.err
}
