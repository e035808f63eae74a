// Package chain has the discipline of frames: a chain of tasks that await each other.
package chain

import (
	"sync"

	"github.com/framearena/framearena/bench/internal/contest"
	"github.com/framearena/framearena/internal/workloads"
)

// counted returns a function that runs the chain and checks how many leaves it has reached.
func counted(run func(iterations int) error) func(int) error {
	return func(iterations int) error {
		before := workloads.ChainLeaves.Load()
		if err := run(iterations); err != nil {
			return err
		}
		return contest.Check("the number of leaves", workloads.ChainLeaves.Load()-before, uint64(iterations)*workloads.LeavesPerIteration)
	}
}

func inGo(name string, role contest.Role, open func() (contest.Runner, error), note string) contest.Contestant {
	return contest.Contestant{Name: name, Lang: "Go", Role: role, Note: note, Sample: contest.Timed(workloads.FramesPerIteration, open)}
}

func stacked(call func(func())) func() (contest.Runner, error) {
	return contest.Do(counted(func(iterations int) error { workloads.ChainOfCalls(call, iterations); return nil }))
}

// Disciplines returns all disciplines.
func Disciplines() []contest.Discipline {
	d := contest.Discipline{
		ID: "chain", Group: "Chains of tasks", Title: "A chain of four tasks, a frame",
		About: "The benchmark of Boost.Capy's page on frame allocators: a task awaits another one 5 times, that the next 3 times, " +
			"that the last 3 times, and this adds 1 to an atomic counter. That is 66 frames an iteration; the time is of one frame: " +
			"to make it, to run in it, and to go back.",
		Metrics: []contest.Metric{contest.Time},
		Contestants: []contest.Contestant{
			inGo("framearena, plain", contest.Ours, tasks(workloads.Chain, inline), "a frame for each task, from the owner's cache"),
			inGo("framearena, elided", contest.Ours, elided, "children in the root's frame"),
			inGo("framearena, plain Go", contest.Ours, compiled(0), "compiled functions, which have no frames as they do not wait"),
			inGo("framearena, plain, on a Pool", contest.Ours, tasks(workloads.Chain, pool), ""),
			inGo("framearena, shared arena", contest.Ours, inArena, "coro.Allocator with an arena.Arena"),
			inGo("framearena, Go heap", contest.Ours, onHeap, "coro.Allocator with an arena.Heap"),
			inGo("by hand, frames from new", contest.Peer, contest.Do(counted(writtenChain{}.run)), "state machines written by hand; they have neither errors nor contexts"),
			inGo("by hand, frames from sync.Pool", contest.Peer, contest.Do(counted(writtenChain{&sync.Pool{New: func() any { return new(written) }}}.run)), "the same"),
			inGo("iter.Pull", contest.Peer, stacked(byPull), "a coroutine for each task"),
			inGo("goroutine and channel", contest.Peer, stacked(workloads.AwaitGoroutine), "a goroutine for each task"),
			inGo("calls of Go functions", contest.Floor, stacked(byCall), "they cannot wait"),
		},
	}
	for _, compiler := range []struct{ name, program string }{{"g++", "chain-gcc"}, {"clang++", "chain-clang"}} {
		for _, mode := range []struct{ mode, title, note string }{
			{"new", "operator new", ""},
			{"recycle", "recycled", "free lists of the thread, which the compiler sees through"},
			{"pmr", "recycled, pmr", "as Boost.Capy does: a memory resource, found in a thread-local and remembered in the frame"},
			{"elided", "elided", "[[clang::coro_await_elidable]]"},
		} {
			if mode.mode == "elided" && compiler.name == "g++" {
				continue // it has no such thing
			}
			d.Contestants = append(d.Contestants, contest.Contestant{
				Name: "C++20, " + compiler.name + ", " + mode.title, Lang: "C++", Role: contest.Peer, Note: mode.note,
				Program: compiler.program, Mode: mode.mode,
			})
		}
	}
	for _, mode := range []struct{ mode, title, note string }{
		{"dynamic", "boxed, dyn", "each future in a box, behind dyn Future"},
		{"boxed", "boxed", "each future in a box, of a type that the compiler knows"},
		{"inlined", "inlined", "all futures in one, which the compiler makes of them; framearena's counterparts are the elided row and that of plain Go"},
	} {
		d.Contestants = append(d.Contestants, contest.Contestant{
			Name: "Rust async, " + mode.title, Lang: "Rust", Role: contest.Peer, Note: mode.note,
			Program: "chain-rust", Mode: mode.mode,
		})
	}
	return []contest.Discipline{d, yielding()}
}
