package netio

import (
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/task"
)

// Lease is a buffer that [Net.Lease] or [Conn.ReadLease] has lent, until End. It is used by one task or
// goroutine at a time, and must not be copied. The zero Lease has no bytes.
type Lease struct {
	// Bytes may be used until End, and may be cut. They are outside of the Go heap: who keeps them for
	// longer reads what others write there.
	Bytes []byte

	n      *Net
	memory unsafe.Pointer // in n's arena, with the size of the whole buffer
	size   int
}

// budget is how many bytes may be lent at the same time, and where they come from.
type budget struct {
	size  int64          // not changed
	free  task.Semaphore // has the bytes that are left
	arena *arena.Arena   // not changed

	mu     sync.Mutex
	leased int64 // guarded by mu, as closed
	closed bool  // the last lease closes the arena
}

func (b *budget) start(size int64) (err error) {
	b.size = size
	b.free.Release(size)
	b.arena, err = arena.New()
	return err
}

// close makes the memory go back to the system when the last lease has ended.
func (b *budget) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.leased > 0 {
		return nil
	}
	return b.arena.Close()
}

// bytes returns how many bytes are lent.
func (b *budget) bytes() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.leased
}

// Lease lends a buffer of size bytes, whose contents are undefined. Its End must be called:
//
//	l, err := n.Lease(t, 4096)
//	if err != nil {
//		return err
//	}
//	defer l.End()
//
// While the Net's budget does not allow for it, Lease waits, and what its task would read stays with the
// peer: first come, first served. The error is the cause of the end of t's context, [ErrTooLarge], or
// arena.ErrExhausted.
func (n *Net) Lease(t *task.T, size int) (Lease, error) {
	if size <= 0 {
		return Lease{}, ErrEmptyBuffer
	}
	if int64(size) > n.budget.size {
		return Lease{}, ErrTooLarge
	}
	if err := n.budget.free.Acquire(t, int64(size)); err != nil {
		return Lease{}, err
	}
	return n.lend(size)
}

// lend makes a lease, for which the budget has room already.
func (n *Net) lend(size int) (Lease, error) {
	b := &n.budget
	b.mu.Lock()
	closed := b.closed
	if !closed {
		b.leased += int64(size)
	}
	b.mu.Unlock()
	if closed {
		b.free.Release(int64(size))
		return Lease{}, errNetClosed
	}
	memory := b.arena.Allocate(uintptr(size))
	if memory == nil {
		b.giveBack(size)
		return Lease{}, arena.ErrExhausted
	}
	return Lease{unsafe.Slice((*byte)(memory), size), n, memory, size}, nil
}

// giveBack takes a lease off the account.
func (b *budget) giveBack(size int) {
	b.mu.Lock()
	b.leased -= int64(size)
	last := b.closed && b.leased == 0
	b.mu.Unlock()
	b.free.Release(int64(size))
	if last {
		_ = b.arena.Close() // no frame is left, so there is nothing that it could report
	}
}

// End gives the buffer back. A second End of the same Lease does nothing.
func (l *Lease) End() {
	if l.n == nil {
		return
	}
	b := &l.n.budget
	b.arena.Deallocate(l.memory, uintptr(l.size))
	b.giveBack(l.size)
	*l = Lease{}
}

// ReadLease waits until there is something to read, without a buffer, and then reads it into one of size
// bytes: the Bytes of the Lease are what was read. Its End must be called if there is no error. At the
// end of the data the error is io.EOF.
func (c Conn) ReadLease(t *task.T, size int) (Lease, error) {
	n := c.h.net()
	if n == nil {
		return Lease{}, c.h.opError("read", errClosed)
	}
	for {
		if err := c.Readable(t); err != nil {
			return Lease{}, err
		}
		l, err := n.Lease(t, size)
		if err != nil {
			return Lease{}, err
		}
		k, err := c.TryRead(l.Bytes)
		if err == nil {
			l.Bytes = l.Bytes[:k]
			return l, nil
		}
		l.End()
		if err != ErrNotReady {
			return Lease{}, err
		}
	}
}
