// Package framecheck has a constant that says whether the build tag framecheck is set. The
// tag turns checked mode on in every arena.
package framecheck
