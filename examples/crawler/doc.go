// Crawler follows the links of a site, with a task for each page, and reports what it found:
//
//	go run ./examples/crawler
//	go run ./examples/crawler -pages 2000 -per-host 16
//	go run ./examples/crawler -deadline 200ms
//	go run ./examples/crawler -as tasks
//
// The program makes the site and serves it, on several ports of this machine. Some pages
// fail once or twice, some always, and some do not answer at first. The program knows the
// site, so it knows what the crawl must find, and checks whether it has found that.
//
// # How it works
//
// The crawler is plain.go, in plain Go that is compiled, and the same with steps by hand in crawl.go, whose
// operations are named below. The task
// of a page spawns a task for each new link, and does not end before they do. So the crawl has ended
// when the first task has, and the context of the first task ends all of them.
//
//   - The limit for each host is a [coro.Semaphore]. A page that waits for a permit is a
//     frame in its queue, of which there may be thousands.
//   - Requests are functions of [coro.Blocking], because net/http blocks. There are only as
//     many goroutines as requests that have a permit.
//   - The timeout of a request is a [coro.Timeout] of [coro.AwaitCall]. It also ends the
//     context of the request.
//   - Before a retry the task waits with [coro.Sleep], twice as long each time, without a
//     permit.
//   - The task gives its permit back however it ends, even if its step panics:
//     [coro.HasCleanup].
//
// The tests have a clock of their own, so they check the time of each retry without waiting.
package main
