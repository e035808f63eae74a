// Crawler follows the links of a site, a task for each page, and tells what it found:
//
//	go run ./examples/crawler
//	go run ./examples/crawler -pages 2000 -per-host 16
//	go run ./examples/crawler -deadline 200ms
//
// The site is one that it makes and serves itself, on several ports of this machine. Some
// of its pages fail once or twice, some always, some do not answer at first. As the site is
// known, so is what the crawl must find, and the program says whether it has.
//
// # How
//
// The crawler is crawl.go. The task of a page spawns one for each link that is new, and
// does not end before they do. So the crawl has ended when the first task has, and its
// context ends all of them.
//
//   - A limit for each host: a [coro.Semaphore]. Pages that wait for it are frames in its
//     queue, thousands if need be.
//   - Requests: [coro.Blocking], since net/http blocks. There are as many goroutines as the
//     semaphores let requests through, and not as many as pages.
//   - A timeout for each request: [coro.AwaitCall] with [coro.Timeout]. It ends the
//     context of the request, too.
//   - Retries: [coro.Sleep], twice as long each time, without the permit.
//   - The permit is given back on each way to the end of a task, also if its step
//     panics: [coro.HasCleanup].
//
// The test drives time with a clock of its own, so it sees each retry at its moment and
// waits for none.
package main
