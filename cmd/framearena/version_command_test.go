package main

import (
	"encoding/json"
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	status, stdout, stderr := call(t, "version")
	require.Equal(t, exitSuccess, status, stderr)
	require.Contains(t, stdout, "framearena ")
	require.Contains(t, stdout, runtime.Version()+", "+runtime.GOOS+"/"+runtime.GOARCH)
	require.Empty(t, stderr)

	_, stdout, _ = call(t, "version", "-json")
	var v version
	require.NoError(t, json.Unmarshal([]byte(stdout), &v))
	require.Equal(t, "github.com/framearena/framearena", v.Module)
	require.Equal(t, runtime.Version(), v.Go)
}

func TestVersionOfABuild(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26.0", Main: debug.Module{Path: "example.com/m", Version: "v1.2.3"}}
	v := versionOf(info)
	v.OS, v.Arch = "plan9", "mips"
	require.Equal(t, "framearena v1.2.3, go1.26.0, plan9/mips\n", v.text())

	info.Settings = []debug.BuildSetting{
		{Key: "-tags", Value: "framecheck,purego"},
		{Key: "vcs.revision", Value: "886ab12"},
		{Key: "vcs.time", Value: "2026-11-28T12:00:00Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	v = versionOf(info)
	v.OS, v.Arch = "plan9", "mips"
	require.Equal(t, `framearena v1.2.3, go1.26.0, plan9/mips
revision 886ab12 of 2026-11-28T12:00:00Z, modified
build tags framecheck,purego
`, v.text())
	document, err := json.Marshal(v)
	require.NoError(t, err)
	require.JSONEq(t, `{
		"module": "example.com/m", "version": "v1.2.3",
		"vcs_revision": "886ab12", "vcs_time": "2026-11-28T12:00:00Z", "vcs_modified": true,
		"build_tags": "framecheck,purego", "go": "go1.26.0", "os": "plan9", "arch": "mips"
	}`, string(document))
}
