package fuzz

import (
	"strings"
	"testing"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// Each broken allocator is caught by the invariant that it breaks, within so many
// operations, and with a program of so many.
var brokenAllocators = []struct {
	name      string
	new       func(testing.TB) arena.FrameAllocator
	promises  []Option
	invariant Invariant
	within    int
	program   int
}{
	{"a published batch keeps a frame in the private list", newBinned(handsOutTwice), binnedPromises, HandedOutTwice, 20_000, 100},
	{"class of a size that is one over a power of two", newBinned(offByOneClass), binnedPromises, Overlap, 20_000, 100},
	{"header that is no multiple of the alignment", newBinned(misaligned), binnedPromises, Misaligned, 20_000, 100},
	{"last frame of a slab sticks out", newBinned(slabEnd), binnedPromises, Overlap, 20_000, 100},
	{"batch that finds no room is dropped", newBinned(lostBatch), binnedPromises, Lost, 20_000, 100},
	{"frame that finds no room is dropped", newBinned(noRoomForOne), binnedPromises, Lost, 20_000, 100},
	{"large frames are not subtracted", newBinned(staleAccount), binnedPromises, WrongAccount, 20_000, 100},
	{"link written into a frame that has a new owner", newBinned(lateLink), binnedPromises, Damaged, 20_000, 100},
	{"freed to the class above", newBinned(wrongClass), binnedBasics, Overlap, 20_000, 100},
	{"refusal keeps its share of the budget", newBinned(leakingRefusal), binnedPromises, WrongRefusal, 20_000, 100},
	{"refused once, refused for ever", newBinned(stickyRefusal), binnedPromises, WrongRefusal, 20_000, 100},
	{"refusal is not looked at", newBinned(panickingRefusal), binnedPromises, Panicked, 20_000, 100},
	{"refusal is answered with a live frame", newBinned(refusalReuses), binnedPromises, HandedOutTwice, 20_000, 100},
	{"trim of a slab with a live frame", newBinned(trimLive), binnedPromises, Damaged, 20_000, 100},
	{"trim wipes what is in use again", newBinned(trimLate), binnedPromises, Damaged, 20_000, 100},
	{"recycled frames are not zeroed", newBinned(zeroForgotten), binnedPromises, NotZeroed, 20_000, 100},
	{"the last bytes are not zeroed", newBinned(zeroShort), binnedPromises, NotZeroed, 20_000, 100},
	{"slab is given to another class and carved on for the first", newBinned(trimKeepsOpen), binnedPromises, HandedOutTwice, 20_000, 100},
	{"rounding wraps around", newBinned(wraps), binnedPromises, LimitExceeded, 20_000, 100},
	{"closed cache keeps its frames", newBinned(cacheKeeps), binnedPromises, Lost, 20_000, 100},
	{"budget is compared before the frame is added", newBinned(budgetByOne), binnedPromises, LimitExceeded, 20_000, 100},
	{"trim leaves the count of carved frames", newBinned(carvedTwice), binnedPromises, Invalid, 20_000, 100},

	{"block is asked for without the header", newWrapper(forgetsHeader), nil, NotUsable, 20_000, 100},
	{"a byte behind the block is written", newWrapper(writesBehind), nil, OutsideWrite, 20_000, 100},
	{"block is written after it was given back", newWrapper(writesAfterReturn), nil, OutsideWrite, 20_000, 100},
	{"block is given back without the header", newWrapper(returnsLess), nil, BadReturn, 20_000, 100},
	{"block is given back twice", newWrapper(returnsTwice), nil, BadReturn, 20_000, 100},
	{"second block is refused, first one leaks", newWrapper(leaksWhenRefused), nil, Lost, 20_000, 100},
	{"refused frames count as open", newWrapper(countsRefused), nil, Reported, 20_000, 100},
	{"header is added to nil", newWrapper(refusesWithAnOffset), nil, NotUsable, 20_000, 100},
	{"refusal ends the goroutine", newWrapper(endsGoroutine), nil, Panicked, 20_000, 100},
}

func TestBrokenAllocatorsAreCaught(t *testing.T) {
	for _, b := range brokenAllocators {
		t.Run(b.name, func(t *testing.T) {
			f := newConfig(b.promises).check(t, b.new, len(b.promises) > 0)
			require.NotNil(t, f, "not caught")
			text := f.text()
			require.Equal(t, b.invariant, f.violation.invariant, text)
			require.LessOrEqual(t, f.done, b.within, text)
			require.True(t, f.steady)
			require.LessOrEqual(t, len(f.program), b.program, text)
			require.Contains(t, text, "fuzz: "+string(b.invariant)+": ")
			t.Logf("%d operations, reduced to %d", f.done, len(f.program))

			fuzzed := newConfig(b.promises).runOnce(t, b.new, f.program, true)
			require.NotNil(t, fuzzed, "the program does not reproduce it")
			require.Equal(t, b.invariant, fuzzed.violation.invariant)
		})
	}
}

// Those that only several goroutines can break. Each window is open until another
// goroutine has run.
var brokenUnderStress = []struct {
	name      string
	fault     publicFault
	invariant Invariant
	within    int
}{
	{"ABA: the head is the same again", aba, HandedOutTwice, 20_000},
	{"stack grows before the frame is in it", missingPublication, HandedOutTwice, 20_000},
	{"taken by load and store", takeInTwoSteps, HandedOutTwice, 20_000},
	{"pushed by load and store", pushInTwoSteps, HandedOutTwice, 20_000},
	{"counted by load and store", countInTwoSteps, WrongAccount, 20_000},
}

func TestBrokenAllocatorsAreCaughtUnderStress(t *testing.T) {
	for _, b := range brokenUnderStress {
		t.Run(b.name, func(t *testing.T) {
			f := newConfig(publicPromises).stress(t, newPublic(b.fault), true)
			require.NotNil(t, f, "not caught")
			require.Equal(t, b.invariant, f.violation.invariant, f.text())
			require.LessOrEqual(t, f.done, b.within)
			require.Contains(t, f.text(), "fuzz.Stress(t, newAllocator, opts...)")
			t.Logf("%d operations: %s", f.done, f.text())
		})
	}
}

// They are caught for their faults: without one they pass.
func TestFaultlessAllocatorsPass(t *testing.T) {
	for name, c := range map[string]struct {
		new      func(testing.TB) arena.FrameAllocator
		promises []Option
	}{
		"binned":  {newFaultless, binnedPromises},
		"wrapper": {newWrapper(wrapsWell), nil},
		"public":  {newPublic(publishesWell), publicPromises},
	} {
		t.Run(name, func(t *testing.T) {
			Check(t, c.new, c.promises...)
			if name != "wrapper" {
				Stress(t, c.new, c.promises...)
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
