package main

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// version describes the build of the command. It is the JSON document of framearena version.
// A field is empty if the build did not record it.
type version struct {
	Module       string `json:"module"`
	Version      string `json:"version"`
	Revision     string `json:"vcs_revision"`
	RevisionTime string `json:"vcs_time"`     // in the format of RFC 3339
	Modified     bool   `json:"vcs_modified"` // the sources differed from the revision
	Tags         string `json:"build_tags"`   // separated by commas
	Go           string `json:"go"`
	OS           string `json:"os"`
	Arch         string `json:"arch"`
}

func newVersionCommand(c *streams) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the revision, Go's version and the system",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return errors.New("version: this build has no information about itself")
			}
			v := versionOf(info)
			if err := c.print(v.text()); err != nil {
				return err
			}
			return c.encode(v)
		},
	}
}

// versionOf returns the version that the build information describes.
func versionOf(info *debug.BuildInfo) version {
	v := version{
		Module:  info.Main.Path,
		Version: info.Main.Version,
		Go:      info.GoVersion,
		OS:      runtime.GOOS,
		Arch:    runtime.GOARCH,
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.time":
			v.RevisionTime = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		case "-tags":
			v.Tags = s.Value
		}
	}
	return v
}

// text returns the version in up to three lines.
func (v version) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "framearena %s, %s, %s/%s\n", v.Version, v.Go, v.OS, v.Arch)
	if v.Revision != "" {
		changed := ""
		if v.Modified {
			changed = ", modified"
		}
		fmt.Fprintf(&b, "revision %s of %s%s\n", v.Revision, v.RevisionTime, changed)
	}
	if v.Tags != "" {
		fmt.Fprintf(&b, "build tags %s\n", v.Tags)
	}
	return b.String()
}
