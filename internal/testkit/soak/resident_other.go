//go:build !linux

package soak

// residentBytes returns 0: the system does not say.
func residentBytes() uint64 { return 0 }
