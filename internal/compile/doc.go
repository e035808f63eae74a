// Package compile turns task functions, which are plain Go, into functions whose tasks are frames.
//
// A task function is any function, method or literal whose first parameter is a *task.T. For
// session.go the compiler writes session_task.go beside it. It redeclares nothing: for each task
// function it adds a start form and a step form, and binds them to the function in init.
//
// The start form has the statements of the source and runs on the goroutine's stack. After each
// call that may suspend it looks whether something below has. If so it makes a frame, stores the
// variables that are live there, and returns; so do its callers. The step form is a step function
// as package coro has them: it begins at a resume point, where it loads what has been stored.
//
// # Reading order
//
//   - compile.go: one run, from packages to files; load.go, diagnostics.go, report.go
//   - function.go, plain_functions.go, colour.go: which functions are task functions, which calls
//     suspend; generic.go
//   - variables.go: whose address is taken, what literals capture; names.go: names in the output
//   - ir.go: the structured form between the source and both outputs
//   - lower.go, lower_expr.go, lower_loop.go, lower_range.go, lower_iterator.go, lower_branch.go,
//     lower_switch.go, jumps.go: from syntax to that form; rewrite.go, local_types.go
//   - flow.go, liveness.go: the flat form of the step function, and what lives across its waits
//   - layout.go: state, held part and their slots
//   - defers.go, defers_lower.go, defers_native.go, defers_emit.go: deferred calls
//   - render.go, typetext.go, imports.go: syntax and types as text
//   - emit_file.go, emitter.go, emit_start.go, emit_step.go, emit_choice.go, emit_return.go,
//     emit_spill.go, emit_call.go, emit_values.go, emit_group.go: the output
package compile
