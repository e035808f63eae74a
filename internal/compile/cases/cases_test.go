package cases_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/internal/compile"
)

// TestCurrent requires that the compiled forms of all programs are what the compiler writes.
func TestCurrent(t *testing.T) {
	result, err := compile.Run(compile.Config{Context: context.Background(), Patterns: []string{"./..."}})
	require.NoError(t, err)
	require.Empty(t, result.Diagnostics)
	for _, o := range result.Outputs {
		require.True(t, o.IsCurrent(), "%s is not current: run framearena gen", o.Name)
	}
}
