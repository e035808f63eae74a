package tasktree

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
)

func TestBytesAreThoseOfTheTree(t *testing.T) {
	for seed := range uint64(500) {
		tree := Generate(seed, 2+int(seed)%60)
		again := Decode(tree.Bytes(), tree.size)
		require.Equal(t, tree.String(), again.String())
		require.Equal(t, tree.Evaluate(), again.Evaluate())
	}
}

// Trees are no larger than their bound, and the seed decides all of them.
func TestGenerate(t *testing.T) {
	for seed := range uint64(300) {
		for _, size := range []int{1, 8, 40, 200} {
			tree := Generate(seed, size)
			require.LessOrEqual(t, tree.Len(), size+2*maxDepth*maxChildren)
			require.Equal(t, tree.String(), Generate(seed, size).String())
			require.True(t, tree.Evaluate().ends(), "%s", tree)
		}
	}
	require.Equal(t, 1, Decode(nil, 10).Len())
}

// Every operation and every kind of task occurs, and most trees have exactly one right
// outcome.
func TestTreesAreOfAllSorts(t *testing.T) {
	exact, trees := 0, 2000
	var byOp [ops]int
	var byKind [kindCount]int
	var byEnd [Strange]int
	for seed := range uint64(trees) {
		tree := Generate(seed, 30)
		if tree.Evaluate().Exact() {
			exact++
			byEnd[tree.Evaluate().list[0].End]++
		}
		for _, n := range tree.nodes {
			byOp[n.Op]++
			byKind[n.Kind]++
		}
	}
	for op, n := range byOp {
		require.Greater(t, n, trees/20, "%s", Op(op))
	}
	for kind, n := range byKind {
		require.Greater(t, n, trees/20, "%s", kindNames[kind])
	}
	for _, end := range []End{Returned, Failed, Panicked, Exited, Cancelled} {
		require.NotZero(t, byEnd[end], "trees of which the root %s", endNames[end])
	}
	require.Greater(t, exact, trees*8/10)
}

func TestOutcomeOf(t *testing.T) {
	for _, test := range []struct {
		err   error
		right Outcome
	}{
		{nil, Outcome{Returned, 7}},
		{Failure(3), Outcome{Failed, 3}},
		{&coro.PanicError{Value: Failure(4)}, Outcome{Panicked, 4}},
		{&coro.PanicError{Value: coro.ErrGoexit}, Outcome{End: Exited}},
		{&coro.PanicError{Value: "another"}, Outcome{End: Strange}},
		{context.DeadlineExceeded, Outcome{End: Expired}},
		{context.Canceled, Outcome{End: Strange}},
		{coro.ErrGroupDecided, Outcome{End: Decided}},
		{errCancelled, Outcome{End: Cancelled}},
	} {
		require.Equal(t, test.right, outcomeOf(7, test.err), "%v", test.err)
	}
}

// The outcomes of simple trees, worked out by hand.
func TestEvaluate(t *testing.T) {
	leaf := func(op Op, n uint8) []byte { return []byte{byteOf(op), kindTiny, n, 0, 0} }
	node := func(op Op, n, how uint8, children ...[]byte) []byte {
		b := []byte{byteOf(op), kindSmall, n, how, byte(len(children))}
		for _, c := range children {
			b = append(b, c...)
		}
		return b
	}
	for _, test := range []struct {
		name  string
		root  []byte
		right Outcomes
	}{
		{"value", leaf(Value, 5), these(Outcome{Returned, 6})},
		{"nobody would wake it", leaf(Forever, 5), these(Outcome{Returned, 6})},
		{"sequence", node(Seq, 1, 0, leaf(Value, 2), leaf(Yield, 3)), these(Outcome{Returned, (1*31+3)*31 + 4})},
		{"first error", node(Seq, 1, 0, leaf(Value, 2), leaf(Fail, 3), leaf(Panic, 4)), these(Outcome{Failed, 3})},
		{"recovered", node(Recover, 0, 0, leaf(Panic, 4)), these(Outcome{Returned, 2204})},
		{"expired", node(Call, callShort, 0, leaf(Forever, 0)), these(Outcome{End: Expired})},
		{"perhaps", node(Call, callShort, 0, leaf(Sleep, 1)), these(Outcome{Returned, 2}, Outcome{End: Expired})},
		{"shielded", node(Call, callShort, 0, node(Call, callShield, 0, leaf(Sleep, 1))), these(Outcome{Returned, 2})},
		{"raced", node(Spread, firstEnd, 0, leaf(Value, 1), leaf(Forever, 1)), these(Outcome{Returned, 5000 + firstEnd})},
		{"one may fail", node(Spread, firstError, 0, leaf(Fail, 9), leaf(Forever, 1)), these(Outcome{Failed, 9})},
		{"spoken", node(Talk, 3, 0, leaf(Value, 0), leaf(Value, 0)), these(Outcome{Returned, 10})},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree := Decode(append([]byte{0}, test.root...), 20)
			require.Equal(t, test.right.String(), tree.Evaluate().String(), "%s", tree)
			here := newPool(2)
			require.NoError(t, Run(context.Background(), tree, here.Executor, here.Options))
			require.NoError(t, here.Close())
		})
	}
}
