package groups

import (
	"testing"

	"github.com/framearena/framearena/internal/compile/cases"
)

func TestPrograms(t *testing.T) { cases.Check(t, programs) }
