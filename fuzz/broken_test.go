package fuzz

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/race"
	"github.com/stretchr/testify/require"
)

// brokenAllocators are allocators with one fault each. Check must catch each under the
// invariant that it breaks, before it has done within operations, and reduce the program to
// at most program operations.
var brokenAllocators = []struct {
	name      string
	new       func(testing.TB) arena.FrameAllocator
	promises  Promises
	invariant Invariant
	within    int
	program   int
}{
	{"a published batch keeps a frame in the private list", newBinned(handsOutTwice), binnedPromises, HandedOutTwice, 500, 40},
	{"class of a size that is one over a power of two", newBinned(offByOneClass), binnedPromises, Overlap, 7000, 1},
	{"header that is no multiple of the alignment", newBinned(misaligned), binnedPromises, Misaligned, 10, 1},
	{"last frame of a slab sticks out", newBinned(slabEnd), binnedPromises, Overlap, 500, 1},
	{"batch that finds no room is dropped", newBinned(lostBatch), binnedPromises, Lost, 500, 150},
	{"frame that finds no room is dropped", newBinned(noRoomForOne), binnedPromises, Lost, 500, 40},
	{"large frames are not subtracted", newBinned(staleAccount), binnedPromises, WrongAccount, 3000, 1},
	{"link written into a frame that has a new owner", newBinned(lateLink), binnedPromises, Damaged, 50, 8},
	{"freed to the class above", newBinned(wrongClass), binnedBasics, Overlap, 3000, 4},
	{"refusal keeps its share of the budget", newBinned(leakingRefusal), binnedPromises, WrongRefusal, 2000, 20},
	{"refused once, refused for ever", newBinned(stickyRefusal), binnedPromises, WrongRefusal, 1000, 8},
	{"refusal is not looked at", newBinned(panickingRefusal), binnedPromises, Panicked, 500, 4},
	{"refusal is answered with a live frame", newBinned(refusalReuses), binnedPromises, HandedOutTwice, 1000, 20},
	{"trim of a slab with a live frame", newBinned(trimLive), binnedPromises, Damaged, 3000, 4},
	{"trim wipes what is in use again", newBinned(trimLate), binnedPromises, Damaged, 3000, 8},
	{"recycled frames are not zeroed", newBinned(zeroForgotten), binnedPromises, NotZeroed, 50, 1},
	{"the last bytes are not zeroed", newBinned(zeroShort), binnedPromises, NotZeroed, 3000, 1},
	{"slab is given to another class and carved on for the first", newBinned(trimKeepsOpen), binnedPromises, HandedOutTwice, 3000, 4},
	{"rounding wraps around", newBinned(wraps), binnedPromises, LimitExceeded, 3000, 1},
	{"closed cache keeps its frames", newBinned(cacheKeeps), binnedPromises, Lost, 4000, 4},
	{"budget is compared before the frame is added", newBinned(budgetByOne), binnedPromises, LimitExceeded, 7000, 40},
	{"trim leaves the count of carved frames", newBinned(carvedTwice), binnedPromises, Invalid, 3000, 4},

	{"block is asked for without the header", newWrapper(forgetsHeader), nil, NotUsable, 10, 1},
	{"a byte behind the block is written", newWrapper(writesBehind), nil, OutsideWrite, 500, 1},
	{"block is written after it was given back", newWrapper(writesAfterReturn), nil, OutsideWrite, 50, 1},
	{"block is given back without the header", newWrapper(returnsLess), nil, BadReturn, 50, 1},
	{"block is given back twice", newWrapper(returnsTwice), nil, BadReturn, 50, 1},
	{"second block is refused, first one leaks", newWrapper(leaksWhenRefused), nil, Lost, 1000, 8},
	{"refused frames count as open", newWrapper(countsRefused), nil, Reported, 1000, 8},
	{"refusal is answered with a sentinel", newWrapper(refusesWithASentinel), nil, NotUsable, 500, 8},
	{"refusal keeps the lock", newWrapper(keepsLock), nil, Stuck, 500, 8},
	{"nil is counted as freed", newNilTaking(countsNil), nilPromises, NilFreed, 500, 1},
	{"nil goes into the free list", newNilTaking(listsNil), nil, NilFreed, 500, 1},
	{"nil is freed to the allocator below", newNilTaking(passesNil), nil, NilFreed, 500, 1},
	{"header in front of nil is read", newWrapper(freesNil), nil, NilFreed, 500, 1},
	{"refusal ends the goroutine", newWrapper(endsGoroutine), nil, Panicked, 100, 4},
}

// brokenInTheLongRun are allocators with one fault each that needs many live frames, a long
// history, sizes that are about no power of two, or a garbage collection. Check must catch
// each with the options of a user who names nothing but the promises.
var brokenInTheLongRun = []struct {
	name      string
	new       func(testing.TB) arena.FrameAllocator
	promises  Promises
	invariant Invariant
}{
	{"coalescing leaves the right neighbour listed", newExtents(keepsRightNeighbour), extentPromises, HandedOutTwice},
	{heldByIntegerName, newExtents(heldByInteger), extentBasics, Damaged},
	{"class of large sizes is one too small", newExtents(smallAtLargeSizes), extentBasics, Overlap},
	{"rest of a split is not aligned", newExtents(splitMisaligns), extentPromises, Misaligned},
	{"header of the next block is on the last byte of a frame", newExtents(headerTooNear), extentPromises, Damaged},
	{"coalesced memory counts as fresh and is not zeroed", newExtents(staysFresh), extentPromises, NotZeroed},
	{"table that grows copies one half", newExtents(tableCopiesHalf), extentPromises, Lost},
	{"full table drops what is freed", newSlots(tableIsFull), slotPromises, Lost},
	{"indices of a ring wrap", newSlots(ringWraps), slotPromises, HandedOutTwice},
	{"link goes into a slot that is in use again, after 12,000 frees", newSlots(linksLate), slotPromises, Damaged},
	{"quarantine forgets what it displaces", newSlots(quarantineForgets), slotPromises, Lost},
	{"hash table has gaps after a removal", newSlots(tableHasGaps), slotPromises, WrongAccount},
	{"bits without a slot in the last word of a bitmap", newSlots(lastWord), slotPromises, HandedOutTwice},
	{"list that spills keeps a slot", newSlots(spillKeepsOne), slotPromises, HandedOutTwice},
	{"generation wraps", newSlots(generationWraps), slotPromises, HandedOutTwice},
}

const heldByIntegerName = "chunks that only an integer holds"

// lostMemoryChild is set in the child process of requireLostMemoryIsFound.
const lostMemoryChild = "FRAMEARENA_TEST_LOST_MEMORY"

// requireLostMemoryIsFound runs the case heldByIntegerName in a child process: the Go runtime
// may find the lost memory before the kit does, and then it ends the process.
func requireLostMemoryIsFound(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^TestAllocatorsThatBreakInTheLongRunAreCaught$/^chunks_that_only_an_integer_holds$")
	cmd.Env = append(os.Environ(), lostMemoryChild+"=1")
	output, err := cmd.CombinedOutput()
	if !strings.Contains(string(output), "found bad pointer in Go heap") {
		require.NoError(t, err, "%s", output)
		require.Contains(t, string(output), "which its owner did not write")
	}
}

func TestAllocatorsThatBreakInTheLongRunAreCaught(t *testing.T) {
	for _, b := range brokenInTheLongRun {
		t.Run(b.name, func(t *testing.T) {
			if b.name == heldByIntegerName && os.Getenv(lostMemoryChild) == "" {
				requireLostMemoryIsFound(t)
				return
			}
			c := newConfig(b.promises)
			c.reduceTime = 0
			// A collection at another moment than the program's may end the process: what the
			// kit reads may be memory that was freed.
			percent := debug.SetGCPercent(-1)
			runtime.GC() // one may be running
			f := c.check(t, b.new)
			debug.SetGCPercent(percent)
			require.NotNil(t, f, "not caught in %d operations", defaultOperations)
			if b.invariant == Damaged && strings.Contains(f.violation.text, "the header of a block was overwritten") {
				f.violation.invariant = Damaged // which of the two neighbours is written last depends on addresses
			}
			require.Equal(t, b.invariant, f.violation.invariant, f.violation.text)
			require.LessOrEqual(t, f.done, defaultOperations)
			if len(f.program) > maxPrinted {
				require.Contains(t, f.text(), "fuzz.Check(t, newAllocator, promises, // what the failed test promised\n\t\tfuzz.Operations(350000), fuzz.Seed(1))")
			}
			t.Logf("%d operations: %s", f.done, f.violation.text)
		})
	}
}

func TestBrokenAllocatorsAreCaught(t *testing.T) {
	for _, b := range brokenAllocators {
		t.Run(b.name, func(t *testing.T) {
			c := newConfig(b.promises)
			if c.reduceTime = time.Hour; race.Enabled { // without -race the result must not depend on the speed of the machine
				c.reduceTime = 0
			}
			if b.invariant == Stuck {
				c.programTime, b.program = 2*time.Second, b.within // check does not reduce it
			}
			f := c.check(t, b.new)
			require.NotNil(t, f, "not caught")
			text := f.text()
			require.Equal(t, b.invariant, f.violation.invariant, text)
			require.LessOrEqual(t, f.done, b.within, text)
			require.True(t, f.steady)
			if !race.Enabled {
				require.LessOrEqual(t, len(f.program), b.program, text)
			}
			require.Contains(t, text, "fuzz: "+string(b.invariant)+": ")
			t.Logf("%d operations, reduced to %d", f.done, len(f.program))

			again := c.execute(t, b.new, f.program)
			require.NotNil(t, again.violation, "the program does not reproduce it")
			require.Equal(t, b.invariant, again.violation.invariant)
		})
	}
}

// stressWithin bounds the operations of Stress before it catches each of brokenUnderStress.
const stressWithin = 100_000

// brokenUnderStress are faults that need several goroutines. Each leaves a window in which
// other goroutines run.
var brokenUnderStress = []struct {
	name      string
	fault     lockFreeFault
	invariant Invariant
}{
	{"ABA: the head is the same again", aba, HandedOutTwice},
	{"stack grows before the frame is in it", missingPublication, HandedOutTwice},
	{"taken by load and store", takeInTwoSteps, HandedOutTwice},
	{"pushed by load and store", pushInTwoSteps, HandedOutTwice},
	{"counted by load and store", countInTwoSteps, WrongAccount},
}

func TestBrokenAllocatorsAreCaughtUnderStress(t *testing.T) {
	for _, b := range brokenUnderStress {
		t.Run(b.name, func(t *testing.T) {
			c := newConfig(CheckOption(lockFreePromises), Operations(stressWithin))
			c.alwaysLedger = true // otherwise two users may write to one frame, and the detector fails the test
			f := c.stress(t, newLockFree(b.fault))
			require.NotNil(t, f, "not caught")
			require.Equal(t, b.invariant, f.violation.invariant, f.text())
			require.LessOrEqual(t, f.done, stressWithin)
			require.Contains(t, f.text(), "fuzz.Stress(t, newAllocator, promises, ")
			t.Logf("%d operations: %s", f.done, f.text())
		})
	}
}

// Without a fault the same allocators pass: they are caught for their faults only.
func TestFaultlessAllocatorsPass(t *testing.T) {
	for name, c := range map[string]struct {
		new      func(testing.TB) arena.FrameAllocator
		promises Promises
	}{
		"binned":    {newFaultless, binnedPromises},
		"wrapper":   {newWrapper(wrapsWell), nil},
		"lock-free": {newLockFree(publishesWell), lockFreePromises},
		"extents":   {newExtents(noExtentFault), extentPromises},
		"slots":     {newSlots(noSlotFault), slotPromises},
	} {
		t.Run(name, func(t *testing.T) {
			if race.Enabled {
				Check(t, c.new, c.promises, Operations(40_000)) // ten times as slow
			} else {
				Check(t, c.new, c.promises)
			}
			if newConfig(c.promises).concurrent {
				Stress(t, c.new, c.promises)
			}
		})
	}
}

func TestEachInvariantIsProved(t *testing.T) {
	proved := make(map[Invariant]bool)
	for _, b := range brokenAllocators {
		proved[b.invariant] = true
	}
	for _, i := range Invariants() {
		require.True(t, proved[i], "no broken allocator is caught by %s", i)
		require.Equal(t, strings.TrimSpace(string(i)), string(i))
	}
}
