//go:build framearena_explore && linux && !netio_portable

package netio

import (
	"testing"

	"github.com/framearena/framearena/internal/interleave"
)

// modelNet returns a Net for one execution, and gives its page back at the end.
func modelNet(r *interleave.Run, atEnd func(n *Net)) *Net {
	n := &Net{}
	r.End(func() {
		atEnd(n)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.closed, n.ended = true, true
		n.releasePages()
	})
	return n
}

// openModel returns a connection whose descriptor there is not: closing it has no effect.
func openModel(r *interleave.Run, n *Net, fd int32) handle {
	h, err := n.take(socket{fd})
	r.Require(err == nil, "the error is %v", err)
	return h
}

// What the system has for a connection is read, however its reports come between the reader's calls.
func waitModel(r *interleave.Run) {
	var h handle
	n := modelNet(r, func(*Net) { _ = h.close() })
	h = openModel(r, n, -2)
	var data interleave.Int32 // that the system has
	r.Thread("reader", func() {
		for sum := int32(0); sum < 2; {
			_, err := h.enter(reading)
			r.Require(err == nil, "the error is %v", err)
			got := data.Swap(0)
			h.leave(reading, got > 0, false)
			if sum += got; got == 0 {
				h.block(reading)
			}
		}
	})
	for _, name := range []string{"peer", "another one"} {
		r.Thread(name, func() {
			data.Add(1)
			h.changed(true, false, false)
		})
	}
}

// Closing wakes what waits, whenever it comes.
func closeModel(r *interleave.Run) {
	n := modelNet(r, func(*Net) {})
	h := openModel(r, n, -2)
	r.Thread("reader", func() {
		for {
			if _, err := h.enter(reading); err != nil {
				return
			}
			h.leave(reading, false, false)
			h.block(reading)
		}
	})
	r.Thread("writer", func() {
		if _, err := h.enter(writing); err == nil {
			h.leave(writing, true, true)
		}
	})
	r.Thread("closer", func() {
		err := h.close() // there is no descriptor, so there is another error
		r.Require(err != errClosed, "the error is %v", err)
		err = h.close()
		r.Require(err == errClosed, "the error of a second close is %v", err)
	})
}

// A descriptor is not closed while it is used, and nothing that was meant for a connection comes to the next one that
// has its slot.
func reuseModel(r *interleave.Run) {
	var next handle
	n := modelNet(r, func(*Net) {
		s := next.lock()
		r.Require(s.flags&reading.bit(flagReady) == 0, "a report of the old connection has come to the new one")
		s.mu.Unlock()
		_ = next.close()
	})
	h := openModel(r, n, -2)
	var closed interleave.Bool
	r.Thread("user", func() {
		late := closed.Load()
		k, err := h.enter(writing)
		if err != nil {
			return
		}
		r.Require(!late, "a closed connection was used")
		r.Require(k.fd == -2, "the descriptor is %d", k.fd)
		s := slotOf(h.number())
		s.mu.Lock()
		fd := s.socket.fd
		s.mu.Unlock()
		r.Require(fd == -2, "the slot has the descriptor %d while the old one is used", fd)
		h.leave(writing, true, false)
	})
	r.Thread("poller", func() { h.changed(true, false, false) })
	r.Thread("closer", func() {
		err := h.close()
		r.Require(err != errClosed, "the error is %v", err)
		closed.Store(true)
		next = openModel(r, n, -3)
		_, err = next.enter(reading)
		r.Require(err == nil, "the error is %v", err)
		next.leave(reading, false, false)
	})
}

func TestInterleavingsOfWaits(t *testing.T)  { interleave.Check(t, waitModel) }
func TestInterleavingsOfCloses(t *testing.T) { interleave.Check(t, closeModel) }
func TestInterleavingsOfReuse(t *testing.T)  { interleave.Check(t, reuseModel) }

func TestInterleavingsOfConnectionsBroken(t *testing.T) {
	tests := []struct {
		name  string
		model func(*interleave.Run)
		fault interleave.Fault
	}{
		{"reports wake nobody", waitModel, interleave.Fault{In: "netio.(*woken).wake", Op: "try to send", Does: interleave.Skipped}},
		{"closing wakes nobody", closeModel, interleave.Fault{In: "netio.(*woken).wake", Op: "try to send", Does: interleave.Skipped}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { interleave.Catch(t, tt.model, interleave.Break(tt.fault)) })
	}
}
