package plain

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/framearena/framearena/task"
)

// ErrTree is the error of the functions of a tree that fail.
var ErrTree = errors.New("plain: a function of the tree fails")

// Tree counts what the functions of random trees do.
type Tree struct{ Begun, Deferred, Failed, Cancelled atomic.Int64 }

// Grow is a function of a random tree: what it does follows from seed. It begins children until depth
// is 0, waits in several ways, and fails now and then. However it ends, its deferred call runs.
func Grow(t *task.T, tree *Tree, seed uint64, depth int) (n int, err error) {
	tree.Begun.Add(1)
	defer func() {
		tree.Deferred.Add(1)
		if errors.Is(err, ErrTree) {
			tree.Failed.Add(1)
		} else if err != nil {
			tree.Cancelled.Add(1)
		}
	}()
	r := seed
	next := func(n uint64) uint64 {
		r = r*6364136223846793005 + 1442695040888963407
		return r >> 33 % n
	}
	if next(3) == 0 {
		if err := t.Yield(); err != nil {
			return 0, err
		}
	}
	if depth == 0 {
		if next(2) == 0 {
			if err := t.Sleep(time.Duration(next(50)) * time.Microsecond); err != nil {
				return 0, err
			}
		}
		if next(100) == 0 {
			return 0, ErrTree
		}
		return 1, nil
	}
	var g task.Group
	switch next(4) {
	case 0:
		g.SetPolicy(task.FirstError)
	case 1:
		g.SetLimit(2)
	}
	var sum atomic.Int64
	for range 1 + next(4) {
		seed := next(1 << 30)
		g.Go(t, func(t *task.T) error {
			n, err := Grow(t, tree, seed, depth-1)
			sum.Add(int64(n))
			return err
		})
		if next(4) == 0 {
			if err := t.Yield(); err != nil {
				break
			}
		}
	}
	err = g.Wait(t)
	if next(2) == 0 {
		timeout := time.Duration(next(200)) * time.Microsecond
		err = errors.Join(err, task.Timeout(t, timeout, func(t *task.T) error {
			k, err := Grow(t, tree, r, depth-1)
			sum.Add(int64(k))
			return err
		}))
	}
	return int(sum.Load()), err
}
