package random

import "fmt"

// Program is a source file, whose declarations begin with the program's name.
type Program struct {
	Seed   uint64
	Beside bool   // parts of it run beside each other
	Source string // without the package clause and imports
}

// Name is that of the function that the program begins with, which has the type of cases.Program.Run.
func (p Program) Name() string { return fmt.Sprint("s", p.Seed) }

// header comes before a program's declarations. All that it imports is used by steps.go, in the same package,
// and named here so that no import is without use.
const header = `package programs

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

var (
	_ = errors.New
	_ = fmt.Sprint
	_ = runtime.Goexit
	_ time.Duration
	_ *cases.Trace
	_ *task.T
)

`
