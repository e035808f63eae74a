// Package random makes task programs at random, as tests of the compiler: what such a program does on a
// goroutine it must do when it is compiled, wherever it suspends. Package cases runs and compares them.
//
// A program depends on its seed alone. It ends, and what it prints does not depend on the scheduler, nor
// on an order of evaluation that the language leaves open: a variable is not read in a statement in which
// a call may change it, unless the order of the two is specified.
//
// # Reading order
//
//   - source.go: what a program is
//   - generator.go, function.go: declarations, and what the generator knows of them
//   - expressions.go, statements.go, loops.go, jumps.go, defers.go, literals.go, beside.go: what is in a function
//   - effects.go: what may change while an expression is evaluated
//   - workspace.go: a module in which programs are compiled, built and run
//   - reduce.go: smaller programs that fail, too
package random
