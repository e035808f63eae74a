package coro

import "time"

// Of the Afters of a Select that waits, only the soonest can happen. So a Select has one timer,
// and an After is nothing but its time:
//
//   - An After whose time has passed already can happen at once: it is tried like other cases.
//   - If all cases are Afters, the task sleeps: its timer is an afterSleeper (sleep.go).
//   - Otherwise the timer is part of the selection (select_proxy.go), beside the proxies of the
//     other cases.

// After is the case that the time d has passed since the task began to wait; see [Select]. It
// costs no goroutine and no memory of the Go heap. A d that is not positive has passed already.
// An After that is not used costs nothing, and one may be used in any number of Selects.
//
//	return coro.Select(f, 1, &s.chosen, jobs.RecvCase(&s.job), coro.After(time.Second))
//
// If a Select has several Afters, the one with the least d is due first.
func After(d time.Duration) Case { return Case{on: afterCase{}, sort: caseOfTime, number: uint64(d)} }

// afterCase is what an After is about. Only one whose time has passed is in selecting.cases, and
// so no Select that waits has one there.
type afterCase struct{ plainCase }

// duration returns the time of an After.
func (c *Case) duration() time.Duration { return time.Duration(c.number) }

func (afterCase) try(*Case, *wakeList) parking { return parkDone }

func (afterCase) waitable() (waitable, *lock) { panic("coro: an After has no lock") }
func (afterCase) push(*proxy, *Case)          { panic("coro: an After has no proxy") }
func (afterCase) drop(*proxy)                 { panic("coro: an After has no proxy") }
