package waiting

import "fmt"

// Form is a way to launch a root, and a thing that the root waits for.
type Form struct {
	Name  string // in JSON: lower case, with dashes
	Title string // in a table
	Group string // one of the groups below

	prepare func(c *Crowd, n int) error // nil if there is nothing to prepare
	launch  func(c *Crowd, i int) error // launches root i
	release func(c *Crowd)              // nil for gate.Set
	bare    bool                        // there are no roots: what is measured is something else
}

// The groups of forms.
const (
	Launches   = "launched with"  // the roots wait for one Event
	Waits      = "waiting in"     // the roots are launched by coro.Go
	Goroutines = "as a goroutine" // the same without this library
)

// Forms has all forms, in the order of the table.
var Forms = func() []*Form {
	var all []*Form
	for _, group := range []struct {
		name  string
		forms []Form
	}{{Launches, launches}, {Waits, waits}, {Goroutines, goroutines}} {
		for _, f := range group.forms {
			f.Group = group.name
			all = append(all, &f)
		}
	}
	return all
}()

// Find returns the form of a name.
func Find(name string) (*Form, error) {
	for _, f := range Forms {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("no form is named %q", name)
}
