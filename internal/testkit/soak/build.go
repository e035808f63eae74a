package soak

import (
	"runtime/debug"
	"strings"

	"github.com/framearena/framearena/internal/framecheck"
	"github.com/framearena/framearena/internal/race"
)

// buildFlags returns the flags of this build that matter for repeating a round.
func buildFlags() string {
	var flags []string
	if race.Enabled {
		flags = append(flags, "-race")
	}
	if tags := buildTags(); tags != "" {
		flags = append(flags, "-tags "+tags)
	}
	return strings.Join(flags, " ")
}

func buildTags() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-tags" {
				return s.Value
			}
		}
	}
	if framecheck.Enabled { // the binary of a test does not record its tags
		return "framecheck"
	}
	return ""
}

// buildName describes this build.
func buildName() string {
	var names []string
	if race.Enabled {
		names = append(names, "race")
	}
	if framecheck.Enabled {
		names = append(names, "checked")
	}
	for tag := range strings.SplitSeq(buildTags(), ",") {
		if tag != "" && tag != "framecheck" {
			names = append(names, tag)
		}
	}
	if len(names) == 0 {
		return "plain"
	}
	return strings.Join(names, ", ")
}
