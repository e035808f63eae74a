// Package race has a constant that says whether the program is built with -race.
//
// Code tests the constant where the two builds differ: under -race, slabs come from the Go
// heap, so that the detector sees the frames in them, and counters that other goroutines may
// read are stored atomically.
package race
