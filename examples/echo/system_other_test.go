//go:build !linux

package main

import "testing"

// openFiles returns 0, as the systems have no common way to count them.
func openFiles(*testing.T) int { return 0 }
