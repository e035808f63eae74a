package branches

import (
	"github.com/framearena/framearena/internal/compile/cases"
	"github.com/framearena/framearena/task"
)

func selectDefault(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 1)
	for i := range n {
		select {
		case v := <-c:
			tr.Print("received", v)
			value(t, tr, v)
		default:
			value(t, tr, i)
			c <- i
		}
	}
	return len(c), nil
}

func selectReceives(t *task.T, tr *cases.Trace, n int) (int, error) {
	a, b := make(chan int, 3), make(chan string, 3)
	sum := 0
	for i := range n {
		if i%2 == 0 {
			a <- i
		} else {
			b <- "b"
		}
		select {
		case v := <-a:
			v += value(t, tr, 10)
			sum += v
		case s := <-b:
			wait(t, tr, s)
			sum += len(s) * 100
		}
	}
	close(a)
	select {
	case v, ok := <-a:
		value(t, tr, v)
		tr.Print(v, ok)
	}
	return sum, nil
}

func selectSends(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 1)
	k := 0
	for range 2 {
		select {
		case c <- tr.Int(5):
			k += value(t, tr, 1)
		default:
			k += value(t, tr, 10)
		}
	}
	return k + <-c, nil
}

func selectAssigns(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 3)
	c <- 1
	c <- 2
	c <- 3
	var v int
	var ok bool
	list := []int{0, 0}
	select {
	case v = <-c:
		value(t, tr, v)
	}
	select {
	case v, ok = <-c:
		value(t, tr, v)
	}
	select {
	case list[tr.Int(1)] = <-c:
		value(t, tr, list[1])
	}
	tr.Print(v, ok, list)
	return v, nil
}

func channel(t *task.T, tr *cases.Trace, n int) chan int {
	wait(t, tr, "channel", n)
	c := make(chan int, 1)
	if n > 0 {
		c <- n //framearena:ignore it has room
	}
	return c
}

func selectOperands(t *task.T, tr *cases.Trace, n int) (int, error) {
	select { //framearena:ignore one case is ready
	case v := <-channel(t, tr, 1):
		tr.Print("received", v)
	case (*new(chan int)) <- value(t, tr, 2):
		tr.Print("never")
	}
	k := 0
	select { //framearena:ignore one case is ready
	case channel(t, tr, 0) <- value(t, tr, 3):
		k = value(t, tr, 4)
	case <-channel(t, tr, 0):
		tr.Print("never")
	}
	return k, nil
}

func selectJumps(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 10)
	for i := range 6 {
		c <- i
	}
	count := 0
loop:
	for {
		select {
		case v := <-c:
			switch v {
			case 1:
				wait(t, tr, "continue")
				continue
			case 3:
				wait(t, tr, "continue loop")
				continue loop
			}
			if v == 2 {
				wait(t, tr, "break")
				break
			}
			if v == 4 {
				break loop
			}
			count += 10
		default:
			tr.Print("never")
		}
		count++
	}
	return count, nil
}

type source interface {
	next() <-chan int
}

type once struct{ n int }

func (o *once) next() <-chan int {
	c := make(chan int, 1)
	if o.n > 0 {
		c <- o.n
	}
	o.n--
	return c
}

func poll(t *task.T, tr *cases.Trace, s source) (int, bool) {
	select {
	case v := <-s.next():
		wait(t, tr, "polled", v)
		return v, true
	default:
		wait(t, tr, "nothing")
		return 0, false
	}
}

func selectInterface(t *task.T, tr *cases.Trace, n int) (int, error) {
	s := &once{2}
	sum := 0
	for {
		v, ok := poll(t, tr, s)
		if !ok {
			return sum, nil
		}
		sum += v
	}
}

func selectNil(t *task.T, tr *cases.Trace, n int) (int, error) {
	var c chan int
	select {
	case <-c:
		tr.Print("never")
	case c <- value(t, tr, 1):
		tr.Print("never")
	default:
		value(t, tr, 2)
	}
	return n, nil
}

func selectOne(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 1)
	c <- 4
	select {
	case v := <-c:
		x := v
		value(t, tr, x)
		return x, nil
	}
}

func selectInOrder(t *task.T, tr *cases.Trace, n int) (int, error) {
	c := make(chan int, 1)
	first, sent := c, n
	change := func(t *task.T) chan bool {
		first, sent = nil, -1
		value(t, tr, sent)
		return nil
	}
	select { //framearena:ignore one case is ready
	case first <- sent:
		tr.Print("sent", first == nil, sent)
	case <-change(t):
		tr.Print("never")
	}
	return <-c, nil //framearena:ignore it has a value
}

func selectPanics(t *task.T, tr *cases.Trace, n int) (k int, err error) {
	var none *struct{ c chan int }
	defer func() { tr.Print(recover() != nil) }()
	select { //framearena:ignore it panics
	case <-none.c:
	case v := <-channel(t, tr, n):
		tr.Print("never", v)
	}
	return 1, nil
}
