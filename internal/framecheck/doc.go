// Package framecheck says whether checked mode is forced on, by the build tag
// framecheck. It is a constant tested in the code.
package framecheck
