package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

type none = struct{}

// bank is what the customers share. It belongs to the goroutine that drives the loop.
type bank struct {
	loop    *executor.Loop
	tellers *coro.Semaphore
	desks   *task.Semaphore // the tellers, for customers in plain Go
	result  result
	err     error // of the first customer that failed
}

// fail is the error handler of the loop. It keeps the first error.
func (b *bank) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// customer is the state of visit.
type customer struct {
	comes   time.Duration // the time of arrival, from the beginning of the simulation
	service time.Duration // the time that a teller needs
}

// These are the resume points of visit besides 0.
const (
	atDoor = iota + 1
	atTeller
	atEnd
)

// visit is what a customer does: arrive, wait for a teller, be served, leave.
var visit = coro.DefineHeld("visit", func(f *coro.Frame[customer, none], held **bank) coro.Step {
	c, b := &f.State, *held
	if f.Err() != nil { // for example, there was no memory for a timer
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

// result has the figures of a simulation.
type result struct {
	customers int
	waited    int               // customers that had to wait
	wait      float64           // sum of all waiting times, in seconds
	service   float64           // sum of all service times, in seconds
	end       time.Duration     // when the last customer went
	minutes   [minutesShown]int // customers by the whole minutes that they waited; the last are those who waited for longer
	digest    uint64            // of who was served when
}

// minutesShown is the number of bins for waiting times.
const minutesShown = 12

// served records that a teller begins to serve c now.
func (r *result) served(now time.Duration, c customer) {
	wait := now - c.comes
	r.customers++
	if wait > 0 {
		r.waited++
	}
	r.wait += wait.Seconds()
	r.service += c.service.Seconds()
	r.minutes[min(int(wait/time.Minute), minutesShown-1)]++

	const prime = 1099511628211 // of the FNV hash
	r.digest = (r.digest ^ uint64(c.comes)) * prime
	r.digest = (r.digest ^ uint64(now)) * prime
}

// longer returns the share of customers that waited for at least so many minutes, from 0 to 1.
func (r *result) longer(minutes int) float64 {
	n := 0
	for _, customers := range r.minutes[minutes:] {
		n += customers
	}
	return float64(n) / float64(r.customers)
}

// scenario describes a simulation.
type scenario struct {
	customers int
	tellers   int
	load      float64       // the share of their time in which tellers are to be busy
	service   time.Duration // mean time of service
	seed      uint64
	plain     bool // customers are calls of call, not of visit
}

// open returns a bank with all of its customers, which sleep until they arrive. opts are
// options of the loop. The caller must close the loop.
func (s scenario) open(opts ...executor.LoopOption) (*bank, error) {
	b := &bank{tellers: coro.NewSemaphore(int64(s.tellers)), desks: task.NewSemaphore(int64(s.tellers))}
	b.loop = executor.NewLoop(append(opts, executor.WithVirtualTime(), executor.WithErrorHandler(b.fail))...)
	random := rand.New(rand.NewPCG(s.seed, 0))
	between := s.service.Seconds() / (s.load * float64(s.tellers)) // mean time between two arrivals
	comes := 0.0
	for n := range s.customers {
		comes += random.ExpFloat64() * between
		c := customer{seconds(comes), seconds(random.ExpFloat64() * s.service.Seconds())}
		if err := s.launch(b, c); err != nil {
			return nil, errors.Join(fmt.Errorf("customer %d: %w", n+1, err), b.loop.Close())
		}
	}
	b.loop.RunFor(0) // each customer begins to sleep
	return b, nil
}

// launch launches the task of a customer.
func (s scenario) launch(b *bank, c customer) error {
	if s.plain {
		return task.Go(b.loop, task.Do2(call, b, c))
	}
	return coro.GoHeld(b.loop, visit, c, b)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// run runs the simulation until the last customer has left.
func (b *bank) run() (result, error) {
	b.loop.RunUntilIdle()
	return b.result, b.err
}
