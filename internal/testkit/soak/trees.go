package soak

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/tasktree"
)

// runTrees is the trees' load: it runs some trees one after the other, some at the same time,
// and some on an executor that is closed while they run.
func (s *soaker) runTrees(r *rand.Rand, round int) error {
	worlds := tasktree.Worlds()
	for range s.share(50) {
		world := worlds[r.IntN(len(worlds))]
		how, random := r.IntN(4), rand.New(rand.NewPCG(r.Uint64(), 0))
		if s.stopped.Load() {
			return nil
		}
		here := world.New()
		_, driven := here.Executor.(*executor.Loop) // a Loop is driven by its tree, so it has one tree at a time
		var err error
		switch {
		case how == 0:
			err = s.closingTree(random, here)
		case how == 1 && !driven:
			err = s.treesTogether(random, here)
		default:
			err = s.treesInTurn(random, here, round)
		}
		if err != nil {
			return err
		}
		if how != 0 {
			if err := here.Close(); err != nil {
				return err
			}
		}
	}
	return nil
}

// aTree returns a random tree.
func aTree(r *rand.Rand) *tasktree.Tree { return tasktree.Generate(r.Uint64(), 8+r.IntN(60)) }

// aMemory returns a memory with a random sort of allocator.
func aMemory(r *rand.Rand) (tasktree.Memory, error) {
	memories := tasktree.Memories()
	return memories[r.IntN(len(memories))].New()
}

func (s *soaker) ranTree(t *tasktree.Tree) { s.tallies[loadTrees].add(1, t.Len(), 0) }

func (s *soaker) treesInTurn(r *rand.Rand, here tasktree.World, round int) error {
	there, err := aMemory(r)
	if err != nil {
		return err
	}
	opts := here.With(there)
	opts.Patience = s.patience
	if plantedIn(WrongTree, round) {
		opts = tasktree.Sabotaged(opts)
	}
	for range 4 {
		tree := aTree(r)
		if err := tasktree.Run(context.Background(), tree, here.Executor, opts); err != nil {
			return err
		}
		s.ranTree(tree)
	}
	return there.Close()
}

func (s *soaker) treesTogether(r *rand.Rand, here tasktree.World) error {
	const trees = 6
	ends := make(chan error, trees)
	for range trees {
		there, err := aMemory(r)
		if err != nil {
			return err
		}
		opts := here.With(there)
		opts.Patience = s.patience
		opts.Arena = nil // other trees have frames there
		tree := aTree(r)
		go func() {
			err := tasktree.Run(context.Background(), tree, here.Executor, opts)
			s.ranTree(tree)
			if err == nil {
				err = there.Close()
			}
			ends <- err
		}()
	}
	for range trees {
		if err := <-ends; err != nil {
			return err
		}
	}
	return nil
}

func (s *soaker) closingTree(r *rand.Rand, here tasktree.World) error {
	there, err := aMemory(r)
	if err != nil {
		return err
	}
	opts := here.With(there)
	opts.Patience = s.patience
	tree := aTree(r)
	if err := tasktree.RunClosing(tree, here, opts, time.Duration(r.IntN(500))*time.Microsecond); err != nil {
		return err
	}
	s.ranTree(tree)
	return there.Close()
}
