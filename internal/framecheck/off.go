//go:build !framecheck

package framecheck

// Enabled is true in builds with the tag framecheck.
const Enabled = false
