//go:build framecheck

package framecheck

// Enabled reports whether this is a build with the tag framecheck.
const Enabled = true
