package generated_test

import (
	"context"
	"fmt"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/workloads"
	"github.com/framearena/framearena/task"
	"github.com/framearena/framearena/task/generated"
)

// The chain of the seed in plain Go, and what framearena gen makes of it, written by hand: here the
// functions of this package are tested without the compiler.

var (
	leaves    int
	leafEvery int // a leaf yields if its number is a multiple; 0: none does
)

func leaf(t *task.T) error {
	leaves++
	if leafEvery != 0 && leaves%leafEvery == 0 {
		return t.Yield()
	}
	return nil
}

func level(t *task.T, depth, n int) (sum int, err error) {
	for i := 0; i < n; i++ {
		if depth == 1 {
			if err := leaf(t); err != nil {
				return sum, err
			}
			sum++
			continue
		}
		k, err := level(t, depth-1, 3)
		if err != nil {
			return sum, err
		}
		sum += k
	}
	return sum, nil
}

// ---- what the compiler makes of them

type (
	levelArgs struct{ depth, n int }
	levelAt1  struct{ depth, n, i, sum int }
	levelAt2  struct{ depth, n, i, sum, result int }
)

const levelSize = (max(unsafe.Sizeof(levelArgs{}), unsafe.Sizeof(levelAt1{}), unsafe.Sizeof(levelAt2{})) + 7) &^ 7

var (
	leafKind  *generated.Kind
	levelKind *generated.Kind
)

func init() {
	leafKind = generated.Define("leaf", "chain_test.go", 27, 0, generated.Result[struct{}](), leafStep)
	levelKind = generated.Define("level", "chain_test.go", 35, levelSize, generated.Result[int](), levelStep)
	generated.Bind(leaf, leafStart, nil)
	generated.Bind(level, levelStart, func(depth, n int) coro.Call[int] {
		c := generated.NewCall[int](levelKind)
		*generated.CallState[levelArgs](c) = levelArgs{depth, n}
		return c
	})
}

func leafStart(t *task.T) error {
	leaves++
	if leafEvery != 0 && leaves%leafEvery == 0 {
		err := t.Yield()
		if generated.Suspended(t) {
			generated.Spill(t, leafKind, 1)
			return nil
		}
		return err
	}
	return nil
}

func leafStep(f *generated.Frame) generated.Step {
	return generated.Return(f, struct{}{}, generated.Err(f))
}

func levelStart(t *task.T, depth, n int) (sum int, err error) {
	for i := 0; i < n; i++ {
		if depth == 1 {
			err := leafStart(t)
			if generated.Suspended(t) {
				s := generated.At[levelAt1](generated.Spill(t, levelKind, 1))
				s.depth, s.n, s.i, s.sum = depth, n, i, sum
				return 0, nil
			}
			if err != nil {
				return sum, err
			}
			sum++
			continue
		}
		k, err := levelStart(t, depth-1, 3)
		if generated.Suspended(t) {
			s := generated.At[levelAt2](generated.Spill(t, levelKind, 2))
			s.depth, s.n, s.i, s.sum = depth, n, i, sum
			generated.ResultTo(t, &s.result)
			return 0, nil
		}
		if err != nil {
			return sum, err
		}
		sum += k
	}
	return sum, nil
}

func levelStep(f *generated.Frame) generated.Step {
	t := generated.Resume(f)
	var (
		depth, n, i, sum, k int
		err, err1, err2     error
	)
	switch f.At() {
	case 0:
		s := generated.At[levelArgs](f)
		depth, n = s.depth, s.n
	case 1:
		s := generated.At[levelAt1](f)
		depth, n, i, sum = s.depth, s.n, s.i, s.sum
		err1 = generated.ChildErr(f)
		goto resume1
	case 2:
		s := generated.At[levelAt2](f)
		depth, n, i, sum, k = s.depth, s.n, s.i, s.sum, s.result
		err2 = generated.ChildErr(f)
		goto resume2
	default:
		return f.BadResume()
	}
	i = 0
loop:
	if i >= n {
		goto end
	}
	if depth != 1 {
		goto inner
	}
	err1 = leafStart(t)
	if generated.Suspended(t) {
		s := generated.At[levelAt1](f)
		s.depth, s.n, s.i, s.sum = depth, n, i, sum
		return generated.Wait(f, t, 1)
	}
resume1:
	if err1 != nil {
		err = err1
		goto end
	}
	sum++
	goto next
inner:
	k, err2 = levelStart(t, depth-1, 3)
	if generated.Suspended(t) {
		s := generated.At[levelAt2](f)
		s.depth, s.n, s.i, s.sum = depth, n, i, sum
		generated.ResultToStep(t, &s.result)
		return generated.Wait(f, t, 2)
	}
resume2:
	if err2 != nil {
		err = err2
		goto end
	}
	sum += k
next:
	i++
	goto loop
end:
	return generated.Return(f, sum, err)
}

// The same with a suspension in every leaf, as steps written by hand.
var (
	yieldingLeaf = coro.Define("leaf by hand", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		if f.At() == 0 {
			return coro.Yield(f, 1)
		}
		return f.Return(struct{}{})
	})
	yieldingMiddle = repeat("middle by hand", 3, yieldingLeaf, struct{}{})
	yieldingTop    = repeat("top by hand", 3, yieldingMiddle, struct{ left int }{3})
	yieldingLoop   = repeat("loop by hand", 3, yieldingTop, struct{ left int }{3})
)

func repeat[S any](name string, n int, child *coro.Kind[S, struct{}], args S) *coro.Kind[struct{ left int }, struct{}] {
	return coro.Define(name, func(f *coro.Frame[struct{ left int }, struct{}]) coro.Step {
		if f.State.left == 0 {
			return f.Return(struct{}{})
		}
		f.State.left--
		return coro.Await(f, 0, child, args, nil)
	})
}

func TestChainByHand(t *testing.T) {
	ex := executor.NewInline()
	defer func() { require.NoError(t, ex.Close()) }()
	for every := range 8 {
		t.Run(fmt.Sprint("a suspension in every ", every), func(t *testing.T) {
			leaves, leafEvery = 0, every
			sum, err := task.Run(context.Background(), ex, task.Call2(level, 4, 5))
			require.NoError(t, err)
			require.Equal(t, 135, sum)
			require.Equal(t, 135, leaves)
		})
	}
}

func BenchmarkChainByHand(b *testing.B) {
	ex := executor.NewInline()
	defer ex.Close()
	const frames = 5 * (1 + 3*(1+3))
	for _, every := range []int{0, 1, 10, 100} {
		b.Run(fmt.Sprint("every=", every), func(b *testing.B) {
			b.ReportAllocs()
			leafEvery = every
			_, err := task.Run(context.Background(), ex, task.Call2(level, 3, 5*b.N))
			require.NoError(b, err)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/frames, "ns/frame")
		})
	}
	b.Run("plain Go", func(b *testing.B) {
		leafEvery = 0
		_, err := level(nil, 3, 5*b.N)
		require.NoError(b, err)
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/frames, "ns/frame")
	})
	b.Run("coro, a suspension in every leaf", func(b *testing.B) {
		require.NoError(b, coro.Go(ex, yieldingLoop, struct{ left int }{5 * b.N}))
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/frames, "ns/frame")
	})
	b.Run("coro", func(b *testing.B) {
		require.NoError(b, coro.Go(ex, workloads.Chain, workloads.Repeat{Left: b.N}))
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/workloads.FramesPerIteration, "ns/frame")
	})
}
