package tasktree

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each input is a tree, one of the executors, one of the allocators, and when to close the
// executor: 0 closes it after the tree has ended. A tree that fails is reduced node by node,
// in addition to what the fuzzing engine does with the bytes, and is printed with its bytes.
func FuzzTrees(f *testing.F) {
	worlds, memories := Worlds(), Memories()
	for seed := range uint64(3 * len(worlds)) {
		f.Add(Generate(seed, 5+int(seed)).Bytes(), uint8(seed), uint8(seed*7), uint8(0))
		f.Add(Generate(seed, 40).Bytes(), uint8(seed), uint8(seed*5), uint8(seed*seed))
	}
	for _, op := range weights { // each operation near the root
		f.Add([]byte{1, byteOf(Recover), kindTidy, 0, 0, 1, byteOf(op), kindHeld, 3, 5, 3}, uint8(op), uint8(op), uint8(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, world, memory, closed uint8) {
		run := func(tree *Tree) error {
			here := worlds[int(world)%len(worlds)].New()
			there := requireMemory(t, memories[int(memory)%len(memories)])
			if closed != 0 {
				if err := RunClosing(tree, here, here.With(there), time.Duration(closed)*5*time.Microsecond); err != nil {
					return err
				}
			} else if err := Run(context.Background(), tree, here.Executor, here.With(there)); err != nil {
				return err
			} else {
				require.NoError(t, here.Close())
			}
			require.NoError(t, there.Close())
			return nil
		}
		tree := Decode(data, 40)
		if err := run(tree); err != nil {
			if _, again := Reduce(tree, run); again != nil {
				err = again
			}
			t.Fatalf("on %s, with the memory %s: %v", worlds[int(world)%len(worlds)].Name, memories[int(memory)%len(memories)].Name, err)
		}
	})
}
