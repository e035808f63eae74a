package coro

import "unsafe"

// A Waker is the address of a chunk, and a number: which entry of the chunk, and which use of that
// entry. The entry is where a Waker and a task meet. It has 8 bytes: the address of the task that
// waits, if one does, how many uses of the entry have ended, and whether the Waker was woken.
// Where chunks come from is in waker_chunks.go.
//
// A Waker may outlive its task and the use of the entry: the entry is used again by other Wakers,
// and the frame by other tasks. A use begins with NewWaker, which takes a free entry, and ends, in
// take, when the task has been woken, withdrawn, or refused to wait; take adds 1 to the entry's
// id, and frees the entry. So each use has a number that no other use of the entry has, and a
// Waker is valid while its number is the entry's. Wake compares the two under the chunk's lock
// before it does anything. A Waker that comes late finds another number and does nothing,
// whatever the entry and the frame are used for by then. An id has 16 bits and does not wrap: an
// entry whose id is the last one is not used again.
//
// Wake and Suspend may come in either order. Under the lock, the first one leaves its mark
// (entryWoken, or the task), and the second finds it; neither can come between the other's look
// and its mark. Of several calls of Wake, only the first finds the number valid and no mark of
// another Wake.
//
// A Select that the Waker is a case of leaves the use open if another case wins: the entry has no
// task again, and the Waker is good for another wait. If the Waker is woken after the other case
// was claimed, entryWoken remembers it. If such a Waker, or one that was never used, is forgotten,
// its entry is not used again. The collector frees it with its chunk.
//
// A chunk is the waitable of all its entries, with one lock. Entries of one chunk may have tasks of
// several trees and executors. So it may be in the waitables of several executors at the same time. A
// visit shows the tasks of one executor. A closer looks at all entries of a chunk, of which there
// are few; a canceller finds the entry in the waitNode.
//
// TestWakersOfThePast and TestInterleavingsOfWaits try late Wakers, and
// TestInterleavingsOfWrongWakers shows what is wrong with Wakers without a lock.

// Waker wakes one task, once. It is made by [NewWaker], and given to [Suspend], or to a
// [Select] by its WaitCase, and to whatever is to wake the task: a callback, a goroutine,
// another task. It is a small value that may be copied and kept without limit: after its task
// has continued or ended, a Waker does nothing. The zero Waker is never woken. A Waker holds a Go
// pointer, so it cannot be kept in a frame's state.
type Waker struct {
	chunk  *wakerChunk
	number uint64 // id<<numberShift, and the entry's place in the chunk
}

// An entry has, from the lowest bit on: entryWoken, the address of the frame or proxy of the task
// that waits, whose lowest bits are 0, and the id.
type entry uint64

const (
	entryWoken   = 1 // the Waker was woken, and no task has waited for that
	entryIDShift = 48
	entryTask    = 1<<entryIDShift - 4 // the bits of the address
	entryLastID  = 1<<(64-entryIDShift) - 1

	numberShift = 8
)

// task returns the frame or the proxy of the task that waits, or nil.
func (e entry) task() *header {
	l := link[header](e & entryTask)
	return l.get()
}

func (e entry) id() uint64 { return uint64(e >> entryIDShift) }

// place returns the place of w's entry in the chunk.
func (w Waker) place() int { return int(w.number & (1<<numberShift - 1)) }

// validFor reports whether w is the Waker of the present use of e.
func (w Waker) validFor(e entry) bool { return e.id() == w.number>>numberShift }

// Suspend waits until w has been woken, and resumes f's task at the resume point at. If w was
// woken before, the task continues at once. If f.Err is not nil then, the tree's context has
// ended, and w does nothing any more. The task panics if w was given to a Suspend before.
//
// A task that waits so has no memory but its frame and 8 or 9 bytes of the Go heap, in which the
// collector does not look.
func Suspend(f AnyFrame, at int, w Waker) Step {
	h := f.anyFrame()
	step := h.waitFor(at, w.chunk)
	h.worker.get().args.waker = w.number
	if w.chunk == nil {
		panicWakerMisused(h)
	}
	return step
}

// panicWakerMisused panics in the step of h. The caller holds no lock.
func panicWakerMisused(h *header) {
	panic("coro: task " + quote(h.kind.get().name) + ": a Waker is good for one Suspend, or the Select that it wakes: make another one with NewWaker")
}

// Wake wakes the task that is suspended with w. If there is none yet, the task that comes
// later does not wait. Wake reports whether it was the first to do so and the wait had not
// ended for another reason; otherwise it does nothing. It may be called from any goroutine.
func (w Waker) Wake() bool {
	c := w.chunk
	if c == nil {
		return false
	}
	var woken wakeList
	i := w.place()
	c.lock.mu.Lock()
	e := c.entries[i]
	first := w.validFor(e) && e&entryWoken == 0 // no other call was before this one
	var listing listing
	if first {
		if h := e.task(); h == nil {
			c.entries[i] |= entryWoken // Suspend finds it
		} else if h.layout&flagProxy != 0 && !h.proxy().claim() {
			c.setTask(i, nil) // its Select has chosen another case
			c.entries[i] |= entryWoken
		} else {
			listing = c.take(i)
			// wakeClaimed says no if the executor is being closed: then the closer has the
			// task, and Wake came too late.
			first = wakeClaimed(h, flagWoken, &woken)
		}
	}
	c.lock.mu.Unlock()
	listing.apply(c)
	post(&woken)
	return first
}

// Pending reports whether Wake would do something: w was not woken, and its wait has not begun or has
// not ended. It may be called from any goroutine; what it says may be over when it returns.
func (w Waker) Pending() bool {
	c := w.chunk
	if c == nil {
		return false
	}
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	e := c.entries[w.place()]
	return w.validFor(e) && e&entryWoken == 0
}

// setTask makes h the task that waits for the entry i; nil: none does. The caller holds the lock.
func (c *wakerChunk) setTask(i int, h *header) {
	if c.entries[i]&entryTask != 0 {
		c.waiting--
	}
	if h != nil {
		c.waiting++
	}
	c.entries[i] = c.entries[i]&^entryTask | entry(uintptr(unsafe.Pointer(h)))
}

// take ends this use of the entry i, and frees the entry. The caller holds the lock, and calls
// listing.apply after it has released that.
func (c *wakerChunk) take(i int) listing {
	c.setTask(i, nil)
	c.entries[i] &^= entryWoken
	c.entries[i] += 1 << entryIDShift
	return c.free(i)
}

func (c *wakerChunk) park(w *Worker, h *header) parking {
	waker := Waker{c, w.args.waker}
	i := waker.place()
	if uint64(uintptr(unsafe.Pointer(h)))&^entryTask != 0 {
		panic("coro: an address that an entry of a Waker has no room for") // no system gives such
	}
	c.lock.mu.Lock()
	e := c.entries[i]
	if !waker.validFor(e) || e&entryTask != 0 { // the Waker was used, or a task waits for it
		c.lock.mu.Unlock()
		panicWakerMisused(h)
	}
	p := parkDone
	var listing listing
	if e&entryWoken == 0 {
		p = c.lock.admit(c, h)
	}
	switch p {
	case parked:
		c.setTask(i, h)
		if h.layout&flagListed != 0 {
			h.node().word = uintptr(i)
		}
	case parkUnarmed: // park is called again
	default: // the wait has ended, and the use of the entry with it
		listing = c.take(i)
	}
	c.lock.mu.Unlock()
	listing.apply(c)
	return p
}

// withdraw ends the uses of the entries, unless a Select waits: then the Waker stays valid.
func (c *wakerChunk) withdraw(rt *execRuntime, woken *wakeList) {
	c.lock.mu.Lock()
	var all listing
	for i, left := 0, c.waiting; left > 0; i++ {
		h := c.entries[i].task()
		if h == nil {
			continue
		}
		if left--; h.env.get().runtime != rt {
			continue
		}
		if h.layout&flagProxy != 0 {
			c.setTask(i, nil)
		} else {
			all = c.take(i)
		}
		wake(h, 0, woken)
	}
	c.lock.mu.Unlock()
	all.apply(c)
}

// cancel ends the use of the entry.
func (c *wakerChunk) cancel(h *header, woken *wakeList) {
	listing := c.take(int(h.node().word))
	wake(h, 0, woken)
	c.lock.mu.Unlock()
	listing.apply(c)
}

// forget also says no while a Select refers to the chunk.
func (c *wakerChunk) forget(rt *execRuntime) bool {
	if c.lock.entered == rt {
		c.lock.entered = nil // also if tasks wait: then the next one enters it again
	}
	return c.waiting == 0 && c.cases.visits == 0
}

func (c *wakerChunk) visit(v *visitor) bool {
	for i := 0; i < len(c.entries); {
		c.lock.mu.Lock()
		if c.waiting == 0 {
			i = len(c.entries)
		}
		for links := 0; links < visitLinks && i < len(c.entries); i++ {
			if h := c.entries[i].task(); h != nil {
				links += v.see(h, "Suspend")
			}
		}
		c.lock.mu.Unlock()
		if !v.sink.flush() {
			return false
		}
	}
	return true
}
