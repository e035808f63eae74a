package generated

// Move stores *from in *to. It is for variables that go vet does not let anybody copy, such as a
// task.Group: a function that is suspended moves them, and nobody uses the old place any more.
func Move[V any](to, from *V) { *to = *from }
