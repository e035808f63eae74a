package coro_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

type fetch struct{ page int }

var errNotFound = errors.New("not found")

// fetching stands for a request that takes time.
var fetching = coro.Define("fetching", func(f *coro.Frame[fetch, int]) coro.Step {
	switch {
	case f.At() == 0:
		return coro.Yield(f, 1)
	case f.Err() != nil: // the group has been decided
		return f.Fail(f.Err())
	case f.State.page == 404:
		return f.Fail(errNotFound)
	}
	return f.Return(f.State.page * 100)
})

type document struct {
	children     coro.Group
	text, images int
}

var load = coro.Define("load", func(f *coro.Frame[document, int]) coro.Step {
	s := &f.State
	if f.At() == 0 {
		coro.Spawn(f, &s.children, fetching, fetch{1}, &s.text)
		coro.Spawn(f, &s.children, fetching, fetch{2}, &s.images)
		return s.children.Wait(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	return f.Return(s.text + s.images)
})

func ExampleSpawn() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, load.With(document{})))
	// Output: 300 <nil>
}

type mirrors struct {
	children coro.Group
	pages    [3]int
}

func ExampleGroup_SetPolicy() {
	fastest := coro.Define("fastest", func(f *coro.Frame[mirrors, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.children.SetPolicy(f, coro.FirstSuccess)
			for i, page := range [...]int{404, 7, 404} {
				coro.Spawn(f, &s.children, fetching, fetch{page}, &s.pages[i])
			}
			return s.children.Wait(f, 1)
		}
		for i := range s.pages {
			if coro.Won(&s.children, &s.pages[i]) {
				return f.Return(s.pages[i])
			}
		}
		return f.Fail(f.Err())
	})
	everything := coro.Define("everything", func(f *coro.Frame[mirrors, int]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.children.SetPolicy(f, coro.FirstError)
			for i, page := range [...]int{404, 7, 8} {
				coro.Spawn(f, &s.children, fetching, fetch{page}, &s.pages[i])
			}
			return s.children.Wait(f, 1)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(s.pages[0] + s.pages[1] + s.pages[2])
	})

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, fastest.With(mirrors{})))
	fmt.Println(coro.Run(context.Background(), pool, everything.With(mirrors{})))
	// Output:
	// 700 <nil>
	// 0 not found
}

type crawl struct {
	children   coro.Group
	next, last int
}

func ExampleGroup_WaitRoom() {
	crawler := coro.Define("crawler", func(f *coro.Frame[crawl, int]) coro.Step {
		s := &f.State
		switch f.At() {
		case 0:
			s.children.SetLimit(f, 10) // at a time
		case 2:
			return f.Return(s.next)
		}
		if s.next == s.last {
			return s.children.Wait(f, 2)
		}
		s.next++
		coro.Spawn(f, &s.children, fetching, fetch{s.next % 100}, nil)
		return s.children.WaitRoom(f, 1)
	})

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, crawler.With(crawl{last: 1000})))
	// Output: 1000 <nil>
}

// pages is a held part.
type pages struct {
	wanted []fetch
	sizes  []int
}

func ExampleAll() {
	total := coro.DefineHeld("total", func(f *coro.Frame[struct{}, int], p *pages) coro.Step {
		if f.At() == 0 {
			p.sizes = make([]int, len(p.wanted))
			return coro.All(f, 1, fetching, p.wanted, p.sizes, coro.Limit(3))
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		sum := 0
		for _, size := range p.sizes {
			sum += size
		}
		return f.Return(sum)
	})

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, total.With(struct{}{}, pages{wanted: []fetch{{1}, {2}, {3}, {4}}})))
	fmt.Println(coro.Run(context.Background(), pool, total.With(struct{}{}, pages{wanted: []fetch{{1}, {404}, {3}}})))
	// Output:
	// 1000 <nil>
	// 0 not found
}

func ExampleAny() {
	fastest := coro.Define("fastest", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Any(f, 1, fetching, []fetch{{404}, {7}}, &f.State)
		}
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		return f.Return(f.State)
	})

	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, fastest.With(0)))
	// Output: 700 <nil>
}

func ExampleShield() {
	ctx, cancel := context.WithCancel(context.Background())
	sign := coro.Define("sign off", func(f *coro.Frame[int, int]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(f.State)
	})
	polite := coro.Define("polite", func(f *coro.Frame[int, int]) coro.Step {
		switch f.At() {
		case 0:
			cancel()
			return coro.Yield(f, 1)
		case 1:
			fmt.Println(f.Err(), "and yet")
			return coro.AwaitCall(f, 2, sign.With(1), &f.State, coro.Shield())
		}
		fmt.Println("signed off:", f.State, f.Err())
		return f.Return(f.State)
	})

	pool := executor.NewPool()
	defer pool.Close()
	_, _ = coro.Run(ctx, pool, polite.With(0))
	// Output:
	// context canceled and yet
	// signed off: 1 <nil>
}
