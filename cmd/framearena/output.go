package main

import (
	"io"
	"sync"
)

// output is standard output. It keeps the first error of a Write, because package cobra ignores
// the errors of writing help. Any goroutine may use it.
type output struct {
	w io.Writer

	mu    sync.Mutex // guards first; it is not held while w writes
	first error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.first == nil {
			o.first = err
		}
	}
	return n, err
}

// err returns the first error of a Write, or nil.
func (o *output) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.first
}
