package fuzz

import (
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// run is one execution of a program on a new allocator. It belongs to the goroutine that
// executes the program. While FreeElsewhere waits for its goroutine, it belongs to that one.
type run struct {
	c       *config
	tb      *recorder
	main    arena.FrameAllocator
	caches  map[int]openedCache // by number
	frames  map[int]*frame      // the live frames, by number
	ledger  ledger
	serial  uint64  // of the last write
	refuses bool    // memory is being refused
	served  uintptr // the largest size that was served; again asks for it at the end

	// done counts the operations that have begun. The goroutine of the program writes it.
	// execute reads it when the program has ended, or takes too long and still runs: so it
	// is atomic. It orders nothing else.
	done atomic.Int64

	afterNil bool   // nil was freed, and what the allocator served before that is asked for again
	touching *frame // the frame that is being read or written; a fault is about this frame
}

// openedCache is a cache that the program has opened and not closed.
type openedCache struct {
	frames arena.FrameAllocator
	end    func() // closes the cache
}

// maxNeighbour is the size of the largest frame that allocate verifies when it gets a frame
// beside it.
const maxNeighbour = 8 << 10

// outcome is how a program has ended.
type outcome struct {
	violation *violation // nil if no invariant was broken
	done      int        // operations that have begun
	skipped   string     // why the constructor skips the test, or ""
}

// execute runs a program on a new allocator, from the constructor to the cleanups.
func (c *config) execute(t testing.TB, new func(testing.TB) arena.FrameAllocator, p Program) outcome {
	r := &run{c: c, tb: &recorder{TB: t}, caches: make(map[int]openedCache), frames: make(map[int]*frame)}
	end := isolate(func() { r.main = new(r.tb) })
	if r.tb.skipped {
		r.tb.clean()
		return outcome{skipped: "skipped: " + r.tb.log.String()}
	}
	v := r.checkConstructor(end)
	if v == nil {
		var inside *violation
		var ended bool
		if end, ended = isolateFor(c.programTime, func() { inside = r.program(p) }); !ended {
			// No cleanups: the operation that is stuck still uses what they would close.
			return outcome{violation: violated(Stuck, "the last operation of the program has not returned after %v", c.programTime), done: r.begunOperations()}
		}
		if v = inside; v == nil && !end.returned {
			v = r.cutShort(end)
		}
	}
	if atEnd := r.tb.clean(); v == nil {
		v = atEnd
	}
	return outcome{violation: v, done: r.begunOperations()}
}

func (r *run) begunOperations() int { return int(r.done.Load()) }

// checkConstructor returns the violation of a constructor that has failed, or nil.
func (r *run) checkConstructor(end ending) *violation {
	switch {
	case end.panicked != nil:
		return violated(Panicked, "the constructor panicked: %v\n%s", end.panicked, end.stack)
	case r.tb.failed:
		return r.tb.verdict()
	case r.main == nil:
		return violated(Reported, "the constructor returned no allocator")
	}
	return nil
}

// cutShort returns the violation of a program that has ended in the middle of an operation.
func (r *run) cutShort(end ending) *violation {
	switch {
	case r.afterNil:
		return violated(NilFreed, "after Deallocate of nil, which an allocator ignores, it panicked or ended the goroutine that called it: %v\n%s", end.panicked, end.stack)
	case end.panicked == nil:
		return violated(Panicked, "the allocator ended the goroutine that called it")
	case r.touching != nil:
		return violated(NotUsable, "reading or writing frame %d, of %d bytes at %p, panicked: %v", r.touching.number, r.touching.size, r.touching.p(), end.panicked)
	}
	return violated(Panicked, "the allocator panicked: %v\n%s", end.panicked, end.stack)
}

// program executes p. It returns the first violation, or nil.
func (r *run) program(p Program) *violation {
	for _, op := range p {
		r.done.Add(1)
		v := r.operation(op)
		if v == nil {
			v = r.accounts()
		}
		if v == nil {
			v = r.tb.verdict()
		}
		if v != nil {
			return v
		}
	}
	return r.end()
}

// operation executes op. It does nothing if op names a frame or a cache that does not exist.
func (r *run) operation(op Op) *violation {
	switch f := r.frames[op.Frame]; op.Do {
	case Allocate:
		if f == nil {
			return r.allocate(op)
		}
	case Free:
		if f != nil {
			return r.free(f, r.through(op.Cache))
		}
	case FreeElsewhere:
		if f != nil {
			var v *violation
			if end := isolate(func() { v = r.free(f, r.through(op.Cache)) }); v == nil && !end.returned {
				v = r.cutShort(end)
			}
			return v
		}
	case Write:
		if f != nil {
			if v := r.verify(f); v != nil {
				return v
			}
			r.write(f)
		}
	case Verify:
		if op.Frame == 0 {
			return r.verifyAll()
		}
		if f != nil {
			return r.verify(f)
		}
	case OpenCache:
		if _, open := r.caches[op.Cache]; !open && r.c.openCache != nil && op.Cache != 0 {
			frames, end := r.c.openCache(r.main)
			r.caches[op.Cache] = openedCache{frames, end}
		}
	case CloseCache:
		if c, open := r.caches[op.Cache]; open {
			delete(r.caches, op.Cache)
			c.end()
			return r.verifyAll()
		}
	case Trim:
		if r.c.trim != nil {
			r.c.trim(r.main)
			r.ledger.forgetAddresses()
			return r.verifyAll()
		}
	case Collect:
		return r.collect()
	case Refuse:
		r.refuse(op.Size)
	case Grant:
		r.grant()
		return r.verifyAll()
	}
	return nil
}

// collect runs a garbage collection, overwrites the memory that it has freed, and verifies all
// frames. So memory on the Go heap that the allocator holds by an integer alone is noticed.
func (r *run) collect() *violation {
	// While frames may lie in memory that was freed, no collection may find a pointer there.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	runtime.GC()
	for size := 4 << 10; size <= 1<<20; size *= 4 {
		for range 4 << 20 / size {
			fill(make([]byte, size), dirtByte)
		}
	}
	return r.verifyAll()
}

const dirtByte = 0xE1

// through returns the cache of a number, or the allocator itself if no such cache is open.
func (r *run) through(cache int) arena.FrameAllocator {
	if c, open := r.caches[cache]; open {
		return c.frames
	}
	return r.main
}

// refuse makes every Memory refuse after so many bytes, and turns the switch of Refusals on.
func (r *run) refuse(after uintptr) {
	for _, m := range r.tb.memories {
		m.refuseAfter(after)
		r.refuses = true
	}
	if r.c.refuse != nil {
		r.c.refuse(r.main, true)
		r.refuses = true
	}
}

// grant ends the effect of refuse.
func (r *run) grant() {
	r.refuses = false
	for _, m := range r.tb.memories {
		m.grant()
	}
	if r.c.refuse != nil {
		r.c.refuse(r.main, false)
	}
}

// allocate allocates a frame, checks the answer and the frame, and fills it.
func (r *run) allocate(op Op) *violation {
	p := r.through(op.Cache).Allocate(op.Size)
	if v := r.c.checkAnswer(p, op.Size, &r.ledger, r.refuses); v != nil || p == nil {
		return v
	}
	f := newFrame(op.Frame, p, op.Size)
	if v := r.c.checkPlace(f, &r.ledger); v != nil {
		return v
	}
	if v := r.inMemory(f); v != nil {
		return v
	}
	if r.c.zeroed {
		r.touching = f
		i := f.firstNonZero()
		r.touching = nil
		if i >= 0 {
			return violated(NotZeroed, "byte %d of the new frame %d, of %d bytes, is not zero", i, f.number, f.size)
		}
	}
	r.ledger.add(f, r.c.cost(f.size))
	r.frames[f.number] = f
	r.write(f)
	r.served = max(r.served, f.size)
	for _, n := range r.ledger.neighbours(f) {
		if n != nil && n.size <= maxNeighbour {
			if v := r.verify(n); v != nil {
				return v
			}
		}
	}
	return r.c.grown(&r.ledger)
}

// checkAnswer checks whether the allocator was right to serve a request or to refuse it: p is
// its answer, nil for a refusal. The new frame is not in the ledger yet.
func (c *config) checkAnswer(p unsafe.Pointer, size uintptr, l *ledger, refuses bool) *violation {
	cost := c.cost(size)
	over := c.budgeted && (cost < size || cost > c.budget || l.cost > c.budget-cost)
	tooLarge := c.limited && size > c.maxSize
	impossible := size > ^uintptr(0)>>1
	switch {
	case p != nil && impossible:
		return violated(LimitExceeded, "a frame of %#x bytes was handed out, and no machine has that much", size)
	case p != nil && tooLarge:
		return violated(LimitExceeded, "a frame of %d bytes was handed out, and the largest size is %d", size, c.maxSize)
	case p != nil && over:
		return violated(LimitExceeded, "a frame that takes %d bytes was handed out, %d were taken before, and the budget is %d", cost, l.cost, c.budget)
	case p != nil || impossible || tooLarge || over || refuses || size == 0:
		return nil
	case c.mayRefuse && l.live > 0:
		return nil
	}
	return violated(WrongRefusal, "a frame of %d bytes was refused without a reason, while %d frames were live and took %d bytes", size, l.live, l.cost)
}

// checkPlace checks the address of a new frame, which is not in the ledger yet.
func (c *config) checkPlace(f *frame, l *ledger) *violation {
	if f.end() < f.begin() {
		return violated(NotUsable, "frame %d, of %d bytes at %p, goes beyond the last address", f.number, f.size, f.p())
	}
	if align := c.align(f.size); f.begin()&(align-1) != 0 {
		return violated(Misaligned, "frame %d, of %d bytes, is at %p, and should be aligned to %d", f.number, f.size, f.p(), align)
	}
	if other := l.conflict(f); other != nil {
		if other.address == f.address {
			return violated(HandedOutTwice, "frame %d, of %d bytes at %p, is frame %d, which is live and has %d bytes", f.number, f.size, f.p(), other.number, other.size)
		}
		return violated(Overlap, "frame %d, of %d bytes at %p, shares bytes with frame %d, of %d bytes at %p", f.number, f.size, f.p(), other.number, other.size, other.p())
	}
	return nil
}

// inMemory checks that a frame lies inside a block, if the allocator has a Memory below it.
func (r *run) inMemory(f *frame) *violation {
	if len(r.tb.memories) == 0 {
		return nil
	}
	for _, m := range r.tb.memories {
		if m.contains(f) {
			return nil
		}
	}
	return violated(NotUsable, "frame %d, of %d bytes at %p, is not inside a live block of the Memory below", f.number, f.size, f.p())
}

// grown checks that freed frames are used again.
func (c *config) grown(l *ledger) *violation {
	if n := l.grown(); c.recycles && l.size <= c.recycled && n > c.slack {
		return violated(Lost, "at most %d frames of %d bytes were live at once, and they were handed out at %d different addresses, %d more: freed frames are not used again", l.peak, l.size, len(l.addresses), n)
	}
	return nil
}

func (r *run) write(f *frame) {
	r.touching = f
	r.serial++
	f.write(r.serial)
	r.touching = nil
}

// verify compares the contents of a live frame with the last write.
func (r *run) verify(f *frame) *violation {
	r.touching = f
	i := f.damage()
	r.touching = nil
	return damagedAt(f, i)
}

// damagedAt returns the violation for damage at the offset i of f, or nil if i is negative.
func damagedAt(f *frame, i int) *violation {
	if i < 0 {
		return nil
	}
	return violated(Damaged, "byte %d of frame %d, of %d bytes at %p, is %#02x, which its owner did not write", i, f.number, f.size, f.p(), f.bytes()[i])
}

func (r *run) verifyAll() *violation {
	for _, f := range r.ledger.byAddress {
		if v := r.verify(f); v != nil {
			return v
		}
	}
	return nil
}

// free verifies a frame and frees it. The ledger forgets it first: from then on the allocator
// may do with it what it likes.
func (r *run) free(f *frame, through arena.FrameAllocator) *violation {
	if v := r.verify(f); v != nil {
		return v
	}
	r.ledger.remove(f, r.c.cost(f.size))
	delete(r.frames, f.number)
	through.Deallocate(f.p(), f.size)
	return nil
}

func (r *run) accounts() *violation { return r.c.accounts(r.main, &r.ledger) }

// accounts compares the allocator's figures with the ledger. No goroutine uses the allocator.
func (c *config) accounts(m arena.FrameAllocator, l *ledger) *violation {
	if c.liveFrames != nil {
		if n := c.liveFrames(m); n != l.live {
			return violated(WrongAccount, "%d frames are live, and the allocator says %d", l.live, n)
		}
	}
	if c.liveBytes != nil {
		if n := c.liveBytes(m); n != l.cost {
			return violated(WrongAccount, "the %d live frames take %d bytes, and the allocator says %d", l.live, l.cost, n)
		}
	}
	return nil
}

// end frees all frames and closes all caches. Then it checks that the allocator is as it was
// at the beginning: it has no live frames, and serves what it has served before.
func (r *run) end() *violation {
	r.grant()
	if v := r.verifyAll(); v != nil {
		return v
	}
	if v := r.validate(); v != nil {
		return v
	}
	if v := r.freeNil(); v != nil {
		return v
	}
	for i := 0; len(r.frames) > 0; i++ {
		var f *frame
		if n := len(r.ledger.byAddress); n > 0 { // the lowest and the highest address in turn
			f = r.ledger.byAddress[(n-1)*(i%2)]
		} else { // frames of size 0
			f = r.frames[slices.Min(slices.Collect(maps.Keys(r.frames)))]
		}
		if v := r.free(f, r.main); v != nil {
			return v
		}
	}
	for _, n := range slices.Sorted(maps.Keys(r.caches)) {
		c := r.caches[n]
		delete(r.caches, n)
		c.end()
	}
	if v := r.accounts(); v != nil {
		return v
	}
	if v := r.again(); v != nil {
		v.text = "after the end of the program, when everything was freed and was allocated again: " + v.text
		return v
	}
	if v := r.probe(); v != nil {
		return v
	}
	if v := r.freeNil(); v != nil {
		return v
	}
	r.afterNil = true
	if v := r.probe(); v != nil {
		if v.invariant == WrongRefusal {
			return violated(NilFreed, "after Deallocate of nil, which an allocator ignores: %s", v.text)
		}
		return v
	}
	r.afterNil = false
	for _, m := range r.tb.memories {
		if v := m.check(); v != nil {
			return v
		}
	}
	return r.validate()
}

// sizesOfNil are the sizes with which a nil is freed.
var sizesOfNil = [...]uintptr{0, 1, 16, 128, 129, 4096, 64 << 10, 64<<10 + 1, 1 << 20, 1 << 31, ^uintptr(0) >> 1, ^uintptr(0) - 15, ^uintptr(0)}

// freeNil frees nil through the allocator and through each open cache, with each of
// sizesOfNil and the largest size that was served, and checks that nothing has changed. It
// returns the violation of a Memory, if one has a fault from before.
func (r *run) freeNil() *violation {
	for _, m := range r.tb.memories {
		if v := m.check(); v != nil {
			return v
		}
	}
	through := []arena.FrameAllocator{r.main}
	for _, n := range slices.Sorted(maps.Keys(r.caches)) {
		through = append(through, r.caches[n].frames)
	}
	var size uintptr // the last with which nil was freed
	var v *violation
	end := isolate(func() {
		for _, a := range through {
			for _, size = range append(sizesOfNil[:], r.served) {
				a.Deallocate(nil, size)
				if v = r.accounts(); v == nil {
					v = r.tb.verdict()
				}
				if v != nil {
					return
				}
			}
		}
		if v = r.verifyAll(); v == nil {
			v = r.validate()
		}
	})
	switch {
	case end.panicked != nil:
		return violated(NilFreed, "Deallocate of nil, with size %d, panicked: %v\n%s", size, end.panicked, end.stack)
	case !end.returned:
		return violated(NilFreed, "Deallocate of nil, with size %d, ended the goroutine that called it", size)
	case v != nil && v.invariant == Damaged: // nil is not the cause: no frame was given
		return v
	case v != nil:
		return violated(NilFreed, "after Deallocate of nil, with size %d, which an allocator ignores: %s: %s", size, v.invariant, v.text)
	}
	return nil
}

// probe allocates a frame of the largest size that was served, and frees it. It is called
// before nil is freed and afterwards, so that a request which is refused only then is refused
// because of that.
func (r *run) probe() *violation {
	if r.served == 0 {
		return nil
	}
	if v := r.allocate(Op{Do: Allocate, Frame: -1, Size: r.served}); v != nil {
		return v
	}
	if f := r.frames[-1]; f != nil {
		if v := r.free(f, r.main); v != nil {
			return v
		}
	}
	return r.accounts()
}

// again allocates a frame of the largest size that was served and, if there is a budget, as
// many as the budget allows. Earlier refusals must not have used up any memory or budget. It
// does nothing if no frame was served.
func (r *run) again() *violation {
	if r.served == 0 {
		return nil
	}
	for n := 1; n <= maxLive; n++ {
		if v := r.allocate(Op{Do: Allocate, Frame: -n, Size: r.served}); v != nil {
			return v
		}
		if cost := r.c.cost(r.served); !r.c.budgeted || r.ledger.cost > r.c.budget-cost {
			break
		}
	}
	if v := r.accounts(); v != nil {
		return v
	}
	for n := 1; r.frames[-n] != nil; n++ {
		if v := r.free(r.frames[-n], r.main); v != nil {
			return v
		}
	}
	return r.accounts()
}

// validate calls the function of Validates, if there is one.
func (r *run) validate() *violation {
	if r.c.validate == nil {
		return nil
	}
	if err := r.c.validate(r.main); err != nil {
		return violated(Invalid, "%v", err)
	}
	return nil
}
