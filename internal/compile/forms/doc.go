// Package forms has task functions with all that Go has, for the tests of the compiler: what a
// function does on a goroutine it does when it is compiled, wherever it suspends.
package forms
