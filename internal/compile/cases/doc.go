// Package cases compares programs of package task with themselves: what a program does on a
// goroutine it does when it is compiled, wherever it suspends, wherever its frames lie, and however
// it ends.
//
// The programs are in packages below this one, one for each part of the language, so that what the
// compiler refuses blocks one package. Each has its programs in a table, their compiled forms beside
// them, and a test that calls [Check] with the table.
//
// # Reading order
//
//   - program.go: what a program is, and what can be seen of it
//   - plan.go: which operations suspend, and what happens at one of them
//   - run.go: one run of a program, on a goroutine or compiled
//   - check.go: all runs of a program, which must agree
package cases
