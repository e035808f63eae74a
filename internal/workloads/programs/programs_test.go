package programs_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/workloads/programs"
)

func TestPrograms(t *testing.T) {
	for _, p := range programs.Programs {
		for _, tasks := range []bool{true, false} {
			t.Run(p.Name, func(t *testing.T) {
				found, err := programs.Find(p.Name)
				require.NoError(t, err)
				require.Same(t, p, found)
				var calls []string
				note := func(name string) func(uintptr) { return func(uintptr) { calls = append(calls, name) } }
				require.NoError(t, p.Run(100, tasks, note("ready"), note("full")))
				require.Equal(t, []string{"ready", "full"}, calls)
			})
		}
	}
	_, err := programs.Find("web server")
	require.EqualError(t, err, `no program is named "web server"`)
}
