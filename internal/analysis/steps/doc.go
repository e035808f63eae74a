// Package steps finds mistakes in step functions that the compiler accepts and that go wrong
// at run time, some of them in silence: a Step that is not returned, a local variable that
// should have been in the state, a resume point without a case.
//
// A step function is a function that returns a [coro.Step] and has a frame as a parameter. The
// checks of resume points and of Err look only at functions that are given to Define, DefineHeld
// or DefineSeq, because a function that is called by another step function handles a part of
// the resume points only.
//
// The analyzers prefer silence to a false alarm. They look at one function at a time, with the
// functions of the same package that it gives its frame to. To judge what a step at a resume
// point does, they fold f.At() to that number and keep the paths that remain; see [flow].
//
// A line that is wrong on purpose has the comment //framearena:ignore, with the reason behind
// it, on that line or alone on the line before it. In the doc comment of a function it holds for
// the whole function, and before the package clause for the file.
//
// [coro.Step]: https://pkg.go.dev/github.com/framearena/framearena/coro#Step
package steps
