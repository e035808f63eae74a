// Package inspect shows a program's tasks and arenas to the people who run it: as a
// page for a browser, as JSON, and as a variable of package expvar.
//
// A server mounts it next to net/http/pprof:
//
//	http.Handle("/debug/framearena/", inspect.New(inspect.WithExecutor("main", pool)))
//
// The page says which tasks there are, by kind, and what they wait for, what each
// worker of a pool does, and what each size class of an arena has; and it draws the
// arena as a map of slabs. It needs nothing from elsewhere, and no JavaScript. These
// are below the page:
//
//   - json: all that the page shows, as one document.
//   - profile: a profile of live frames, for go tool pprof; see
//     [coro.WriteFrameProfile].
//
// Everything is looked at when it is asked for. A pool and an arena do not notice
// more than they do of Pool.Stats and Arena.Slabs: no lock of theirs is held while an
// answer is written to a connection, and no more than one request looks at a time.
// Each list has a bounded length, and says how much it leaves out.
//
// Like net/http/pprof it tells anyone who may ask about the insides of the program:
// names and source files of tasks, and addresses. Do not mount it where strangers can
// reach it.
//
// [docs/operating.md] says what to look at, and what it costs.
//
// [docs/operating.md]: https://github.com/framearena/framearena/blob/main/docs/operating.md
package inspect
