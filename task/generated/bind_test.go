package generated_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

// Function values with the same code have variables of their own.
func TestLiteralsOfOneCode(t *testing.T) {
	numbered := func(n int) func(*task.T) (int, error) {
		return generated.Literal(func(*task.T) (int, error) { return n, nil })
	}
	numbered(1)
	n, err := generated.StartOf(numbered(2))(nil)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}
