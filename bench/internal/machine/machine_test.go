package machine

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

type versions map[string]string

func (v versions) Versions(context.Context) map[string]string { return v }

func TestDescribe(t *testing.T) {
	m := Describe(t.Context(), versions{"cc": "1"})
	require.NotEmpty(t, m.CPU)
	require.NotEmpty(t, m.System)
	require.Positive(t, m.CPUs)
	require.Equal(t, runtime.Version(), m.Go)
	require.Equal(t, map[string]string{"cc": "1"}, m.Versions)
	if runtime.GOOS == "linux" {
		require.Greater(t, m.Memory, uint64(1<<20))
		require.NotEmpty(t, m.Kernel)
		require.Len(t, m.Loads, 1)
		m.AddLoad()
		require.Len(t, m.Loads, 2)
		available, ok := Available()
		require.True(t, ok)
		require.LessOrEqual(t, available, m.Memory)
	}
}

func TestFields(t *testing.T) {
	const cpuinfo = "processor\t: 0\nmodel name\t: Example 9000 @ 3.70GHz\nflags\t\t: fpu hypervisor\n\nprocessor\t: 1\nmodel name\t: other\n"
	require.Equal(t, "Example 9000 @ 3.70GHz", field(cpuinfo, "model name"))
	require.Equal(t, "fpu hypervisor", field(cpuinfo, "flags"))
	require.Empty(t, field(cpuinfo, "bogomips"))
	require.Equal(t, uint64(24<<20), kibibytes("24576 kB"))
	require.Zero(t, kibibytes("many"))
	require.Equal(t, `"Some Linux 1"`, assigned("NAME=x\nPRETTY_NAME=\"Some Linux 1\"\n", "PRETTY_NAME"))
	require.Empty(t, assigned("NAME=x\n", "PRETTY_NAME"))
	require.Empty(t, read("/no/such/file"))
}
