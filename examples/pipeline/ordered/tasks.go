package ordered

import (
	"context"
	"time"

	"github.com/framearena/framearena/coro"
)

// Tasks is Plain with steps that are written by hand, on ex. It returns when all results are out, or when an
// item has failed.
func (p *Pipeline) Tasks(ex coro.Executor, up *coro.Event) error {
	room := coro.NewSemaphore(int64(p.Window))
	items := coro.NewChan[*coro.Handle[int]](p.Window) // in order; there is always room
	last, err := coro.Start(ex, collect.With(0, collected{items: items, room: room, output: p.Output}))
	if err != nil {
		return err
	}
	source := feeding{n: p.Items, latency: p.Latency}
	_, err = coro.Run(context.Background(), ex, feed.With(source, fed{ex: ex, items: items, room: room, up: up}))
	if err != nil { // items that were launched still end by themselves
		last.Cancel(err)
		return err
	}
	items.Close()
	p.Started()
	_, err = last.Wait(context.Background())
	return err
}

// feeding is the state of feed.
type feeding struct {
	i, n    int
	latency time.Duration
}

// fed is the held part of feed, on the Go heap: it holds pointers.
type fed struct {
	ex    coro.Executor
	items *coro.Chan[*coro.Handle[int]]
	room  *coro.Semaphore
	up    *coro.Event
}

// feed launches an item each time that there is room.
var feed = coro.DefineHeld("feed", func(f *coro.Frame[feeding, none], held *fed) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	if f.At() == 1 { // there is room
		h, err := coro.Start(held.ex, item.With(working{s.i, s.latency}, held.up))
		if err != nil {
			return f.Fail(err)
		}
		held.items.TrySend(h)
		s.i++
	}
	if s.i == s.n {
		return f.Return(none{})
	}
	return held.room.Acquire(f, 1, 1)
})

// collected is the held part of collect.
type collected struct {
	items  *coro.Chan[*coro.Handle[int]]
	room   *coro.Semaphore
	output func(int)
	item   *coro.Handle[int] // the one that is next
	result int
}

// collect gives the results out, in the order of the items. Its state is the number of results.
var collect = coro.DefineHeld("collect", func(f *coro.Frame[int, int], held *collected) coro.Step {
	switch f.At() {
	case 0:
		return held.items.Recv(f, 1, &held.item)
	case 1:
		if f.Err() == coro.ErrChanClosed {
			return f.Return(f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return held.item.Await(f, 2, &held.result)
	case 2:
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		held.output(held.result)
		held.room.Release(1)
		f.State++
		return held.items.Recv(f, 1, &held.item)
	default:
		return f.BadResume()
	}
})

// working is the state of item.
type working struct {
	i       int
	latency time.Duration
}

// item works on one item. Its held part is the event that the service is up.
var item = coro.DefineHeld("item", func(f *coro.Frame[working, int], up **coro.Event) coro.Step {
	s := &f.State
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	switch f.At() {
	case 0:
		return (*up).Wait(f, 1)
	case 1: // ask the service
		return coro.Sleep(f, 2, latency(s.i, s.latency))
	case 2:
		return f.Return(work(s.i))
	default:
		return f.BadResume()
	}
})

type none = struct{}
