package arena

import (
	"fmt"
	"strings"
)

// Close gives all memory back to the system. While frames are live it only returns an error
// that wraps [ErrLeak] and says how many frames of which sizes are live. The arena then
// stays open, and Close may be called again.
//
// No other method of the arena or of its caches may run at the same time. After Close has
// succeeded their use panics, except for [Cache.Close], [Arena.Stats] and [Arena.Slabs].
// Closing again returns nil.
func (a *Arena) Close() error {
	closed, err := a.close()
	if closed {
		a.trimmer.end()
	}
	return err
}

// close is Close without the end of the background trim. It reports whether it closed the
// arena: it may have done so although the system returned an error.
func (a *Arena) close() (closed bool, err error) {
	if ch := a.checker; ch != nil {
		ch.mu.Lock()
		defer ch.mu.Unlock()
	}
	a.trimming.Lock() // a trim that has a class's frames makes figures inexact
	defer a.trimming.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed.Load() {
		return false, nil
	}
	if a.checker != nil {
		a.checker.mustAllBeUntouched()
	}
	if err := a.leak(); err != nil {
		return false, err
	}
	a.closed.Store(true)
	for _, c := range *a.caches.Load() {
		c.drop()
	}
	a.caches.Store(&[]*Cache{a.shared})
	a.empties.TakeAll()
	a.chunks = nil
	a.trimMemory = trimMemory{}
	if err := a.store.Close(); err != nil {
		return true, fmt.Errorf("arena: close: %w", err)
	}
	return true, nil
}

// mustBeOpen panics if the arena is closed.
func (a *Arena) mustBeOpen(method string) {
	if a.closed.Load() {
		panic("arena: " + method + " on a closed arena: close it after its last user, not before")
	}
}

// leak returns an error that lists the live frames, or nil if there are none. In checked
// mode the caller holds the checker's mu.
func (a *Arena) leak() error {
	s := a.Stats()
	if s.Total.Live == 0 && s.Large == 0 {
		return nil
	}
	var parts []string
	for _, c := range s.Classes {
		if c.Live > 0 {
			parts = append(parts, fmt.Sprintf("%d of %d bytes", c.Live, c.Size))
		}
	}
	if s.Large > 0 {
		parts = append(parts, fmt.Sprintf("%d large, of %d bytes together", s.Large, s.LargeBytes))
	}
	err := fmt.Errorf("%w: %s", ErrLeak, strings.Join(parts, ", "))
	if a.checker != nil {
		err = fmt.Errorf("%w\n%s", err, a.checker.liveFrames())
	}
	return err
}
