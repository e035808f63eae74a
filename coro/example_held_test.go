package coro_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// counted is a state: it lies in the frame, where the collector does not look.
type counted struct{ lines int }

// conversation is a held part: it lies on the Go heap, in a slot of the task's own.
type conversation struct {
	in     *bufio.Scanner
	out    io.Writer
	answer string // receives the child's result
}

var errNothingSaid = errors.New("nothing said")

var Answer = coro.DefineHeld("answer", func(f *coro.Frame[struct{}, string], question *string) coro.Step {
	if *question == "" {
		return f.Fail(errNothingSaid)
	}
	return f.Return(strings.ToUpper(*question) + "!")
})

var Converse = coro.DefineHeld("converse", func(f *coro.Frame[counted, int], held *conversation) coro.Step {
	s := &f.State
	if f.At() == 1 {
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		s.lines++
		fmt.Fprintln(held.out, held.answer)
	}
	if !held.in.Scan() {
		return f.Return(s.lines)
	}
	return coro.AwaitHeld(f, 1, Answer, struct{}{}, held.in.Text(), &held.answer)
})

func ExampleDefineHeld() {
	ex := executor.NewInline()
	defer ex.Close()

	for _, said := range []string{"hello\nworld\n", "hello\n\n"} {
		held := conversation{in: bufio.NewScanner(strings.NewReader(said)), out: os.Stdout}
		lines, err := coro.Run(context.Background(), ex, Converse.With(counted{}, held))
		fmt.Println(lines, err)
	}

	// Output:
	// HELLO!
	// WORLD!
	// 2 <nil>
	// HELLO!
	// 0 nothing said
}

// A result that holds a Go pointer goes to a field of the held part. The child may
// be of either sort.
func ExampleAwaitHeld() {
	name := coro.Define("name", func(f *coro.Frame[int, string]) coro.Step {
		return f.Return([...]string{"zero", "one", "two"}[f.State])
	})
	join := coro.DefineHeld("join", func(f *coro.Frame[struct{}, string], words *[]string) coro.Step {
		return f.Return(strings.Join(*words, " and "))
	})
	type names struct{ first, second, both string }
	both := coro.DefineHeld("both", func(f *coro.Frame[struct{}, string], held *names) coro.Step {
		switch f.At() {
		case 0:
			return coro.Await(f, 1, name, 1, &held.first)
		case 1:
			return coro.Await(f, 2, name, 2, &held.second)
		case 2:
			return coro.AwaitHeld(f, 3, join, struct{}{}, []string{held.first, held.second}, &held.both)
		default:
			return f.Return(held.both)
		}
	})
	ex := executor.NewInline()
	defer ex.Close()

	fmt.Println(coro.Run(context.Background(), ex, both.With(struct{}{}, names{})))

	// Output:
	// one and two <nil>
}

func ExampleGoHeld() {
	repeat := coro.DefineHeld("repeat", func(f *coro.Frame[int, struct{}], word *string) coro.Step {
		if f.State == 0 {
			return f.Return(struct{}{})
		}
		f.State--
		fmt.Println(*word)
		return coro.Yield(f, 0)
	})
	ex := executor.NewInline()
	defer ex.Close()

	if err := coro.GoHeld(ex, repeat, 2, "hello"); err != nil {
		fmt.Println(err)
	}

	// Output:
	// hello
	// hello
}

// A task with a held part that awaits others of its own kind.
func ExampleHeldKindOf() {
	type part struct{ text, left, right string }
	reverse := coro.DefineHeld("reverse", func(f *coro.Frame[struct{}, string], held *part) coro.Step {
		middle := len(held.text) / 2
		switch kind := coro.HeldKindOf(f, held); {
		case len(held.text) < 2:
			return f.Return(held.text)
		case f.At() == 0:
			return coro.AwaitHeld(f, 1, kind, struct{}{}, part{text: held.text[:middle]}, &held.left)
		case f.At() == 1:
			return coro.AwaitHeld(f, 2, kind, struct{}{}, part{text: held.text[middle:]}, &held.right)
		default:
			return f.Return(held.right + held.left)
		}
	})
	ex := executor.NewInline()
	defer ex.Close()

	fmt.Println(coro.Run(context.Background(), ex, reverse.With(struct{}{}, part{text: "recycled"})))

	// Output:
	// delcycer <nil>
}

type session struct {
	id   int
	peer struct{ buf []byte }
}

// Define looks through the state and names the first field that breaks the rule.
func Example_pointerRule() {
	defer func() { fmt.Println(recover()) }()
	coro.Define("session", func(f *coro.Frame[session, int]) coro.Step {
		return f.Return(f.State.id + len(f.State.peer.buf))
	})

	// Output:
	// coro: task "session": state field .peer.buf ([]byte) holds a Go pointer; move it to the held part
}

// An address that may be gone before the child returns is refused.
//
//framearena:ignore it shows mistakes
func Example_misplacedResult() {
	child := coro.Define("child", func(f *coro.Frame[struct{}, string]) coro.Step { return f.Return("text") })
	parent := coro.DefineHeld("parent", func(f *coro.Frame[struct{}, string], held *string) coro.Step {
		var text string // gone when this step returns
		return coro.Await(f, 1, child, struct{}{}, &text)
	})
	ex := executor.NewInline()
	defer ex.Close()

	_, err := coro.Run(context.Background(), ex, parent.With(struct{}{}, ""))
	var panicked *coro.PanicError
	if errors.As(err, &panicked) {
		fmt.Println(panicked.Value)
	}

	// Output:
	// coro: task "parent": the result of "child" must go to a field of the awaiting task's held part (or to nil), since its result type (string) holds a Go pointer
}
