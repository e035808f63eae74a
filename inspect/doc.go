// Package inspect shows a program's tasks and arenas to its operators: as a page for a
// browser, as JSON, and as a variable of package expvar.
//
// A server mounts it next to net/http/pprof:
//
//	http.Handle("/debug/framearena/", inspect.New(inspect.WithExecutor("main", pool)))
//
// The page shows how many tasks of each kind there are, what they wait for and for how long, which
// mutexes, channels and so on most of them wait for and who has them, what each worker of a pool
// does and which steps took too long, how many frames each size class of an arena has, the memory of
// the process, and a map of the arena's slabs. It loads nothing from other servers and works without JavaScript. These
// paths are below the page:
//
//   - json: everything that the page shows, as one document.
//   - profile: a profile of live frames, for go tool pprof; see
//     [coro.WriteFrameProfile].
//
// An [Inspector] collects its figures when a request arrives, for one request at a time. It
// costs a pool no more than Pool.Stats and an arena no more than Arena.Slabs, and it holds
// no lock of theirs while it writes an answer to a connection. Each list has a bounded
// length, and says how many entries it leaves out.
//
// Like net/http/pprof, the page reveals the inside of the program: names and source files
// of tasks, and addresses. Do not mount it where strangers can reach it.
//
// [docs/operating.md] explains the figures and their cost.
//
// [docs/operating.md]: https://github.com/framearena/framearena/blob/main/docs/operating.md
package inspect
