// Package tasktree makes random trees of tasks, runs them, and compares the outcomes with
// those that a plain recursion over the same tree computes.
//
// A [Tree] is decoded from bytes, any bytes, or generated from a seed. A node stands for what
// a task can do: await, spawn, join, fail, panic, exit the goroutine, sleep, yield, wait for
// locks and events, talk over channels, be cancelled. [Tree.Evaluate] computes the right
// outcomes without any task. [Run] runs the tree on an executor, with an allocator. It
// returns an error if the outcome of a node is not right, if a node began twice or did not
// end, if a frame is live afterwards, or if the allocator's figures differ from those of a
// [Ledger] in front of it.
//
// # Exactly one outcome
//
// The result of a race between tasks depends on the schedule. A node that runs a race checks
// that its result is one of the possible ones, and then returns a number of its own. So the
// nodes above it still have exactly one right outcome. Several outcomes are right only where
// a task is cancelled at an unknown moment: see [Outcomes].
//
// # Use
//
// The tests run seeded trees on every executor with every allocator; FuzzTrees gets its trees
// from the fuzzing engine. A soak does the same for hours:
//
//	tree := tasktree.Generate(seed, 40)
//	if err := tasktree.Run(ctx, tree, ex, tasktree.Options{Allocator: mine}); err != nil {
//		smaller, err := tasktree.Reduce(tree, again)
//		...
//	}
package tasktree
