// Package corpus tests the compiler with programs that nobody of this project has written: it
// rewrites them so that they suspend, and compares what they do as tasks with what they do on a
// goroutine. The programs stay where they are installed, and what is made of them lies in a temporary
// directory.
//
//	go test ./internal/compile/corpus -v          # some of the programs
//	go test ./internal/compile/corpus -v -every 1 # all of them, and why some are left out
package corpus
