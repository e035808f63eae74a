// Package tasktree makes random trees of tasks, runs them, and compares what comes out with
// what a plain recursion over the same tree says.
//
// A [Tree] is decoded from bytes, any bytes, or generated from a seed. Its nodes are what
// tasks do: await, spawn, join, fail, panic, exit the goroutine, sleep, yield, wait for
// locks and events, talk over channels, be cancelled. [Tree.Evaluate] says which outcomes
// are right, without any task. [Run] runs the tree on an executor, with an allocator, and
// returns an error if an outcome of any node is another, if a node began twice or did not
// end, if a frame is live afterwards, or if the allocator's figures are not those of a
// [Ledger] in front of it.
//
// # Exactly one outcome
//
// What a race of several tasks comes to depends on who is first. A node of that sort looks
// whether what it got is one of the outcomes that it may get, and then returns a number of
// its own, so that what is above it has one right outcome all the same. Only where
// something is cancelled at a moment that nobody knows, several outcomes are right: see
// [Outcomes].
//
// # Use
//
// The tests run seeded trees on every executor with every allocator; FuzzTrees has the
// trees from the fuzzing engine. A program that soaks does the same for hours:
//
//	tree := tasktree.Generate(seed, 40)
//	if err := tasktree.Run(ctx, tree, ex, tasktree.Options{Allocator: mine}); err != nil {
//		smaller, err := tasktree.Reduce(tree, again)
//		...
//	}
package tasktree
