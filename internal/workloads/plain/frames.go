package plain

import (
	"errors"
	"net"

	"github.com/framearena/framearena/task"
)

// ErrRefused is an error that functions have in their variables while they wait.
var ErrRefused = errors.New("refused")

// Idle waits for an event with 72 bytes of variables, all of them arguments, and reports whether they
// are what [Words] returns.
func Idle(t *task.T, words [9]uint64, until *task.Event) (bool, error) {
	if err := until.Wait(t); err != nil {
		return false, err
	}
	return words == Words(words[0]), nil
}

// IdleBelow calls [Idle], and passes its result on.
func IdleBelow(t *task.T, first uint64, until *task.Event) (bool, error) {
	return Idle(t, Words(first), until)
}

// Words returns the numbers from first on.
func Words(first uint64) (w [9]uint64) {
	for i := range w {
		w[i] = first + uint64(i)
	}
	return w
}

// Blocks has five blocks one after the other, each with 72 bytes of variables of its own across a wait.
func Blocks(t *task.T, n uint64) (bool, error) {
	{
		a := Words(n)
		if err := t.Yield(); err != nil || a != Words(n) {
			return false, err
		}
	}
	{
		b := Words(n + 1)
		if err := t.Yield(); err != nil || b != Words(n+1) {
			return false, err
		}
	}
	{
		c := Words(n + 2)
		if err := t.Yield(); err != nil || c != Words(n+2) {
			return false, err
		}
	}
	{
		d := Words(n + 3)
		if err := t.Yield(); err != nil || d != Words(n+3) {
			return false, err
		}
	}
	e := Words(n + 4)
	if err := t.Yield(); err != nil || e != Words(n+4) {
		return false, err
	}
	return true, nil
}

// Talk asks n times over conn, and has a string, a slice, an error and a connection in its variables
// while it waits, as have the functions that it calls. It reports whether they were what they should be.
func Talk(t *task.T, conn net.Conn, names []string, n int) (ok bool, err error) {
	ok = true
	for i := range n {
		name, rest := names[i%len(names)], names[i%len(names):]
		refused := error(nil)
		if i%2 == 0 {
			refused = ErrRefused
		}
		said, got, err := ask(t, conn, name, rest, refused)
		if err != nil {
			return false, err
		}
		ok = ok && said == name && got == refused && rest[0] == name
	}
	return ok, nil
}

func ask(t *task.T, conn net.Conn, name string, rest []string, refused error) (string, error, error) {
	if err := t.Yield(); err != nil {
		return "", nil, err
	}
	said, err := hear(t, conn, rest)
	if err != nil {
		return "", nil, err
	}
	if said != name {
		return "", nil, nil
	}
	return said, refused, nil
}

func hear(t *task.T, conn net.Conn, rest []string) (string, error) {
	if err := t.Yield(); err != nil {
		return "", err
	}
	if _, err := conn.Write(nil); err != nil { //framearena:ignore its connections discard what is written
		return "", err
	}
	return rest[0], nil
}
