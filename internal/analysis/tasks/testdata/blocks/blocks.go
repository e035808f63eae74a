// Package blocks has task functions that block their worker.
package blocks

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/framearena/framearena/task"
)

func sleeps(t *task.T, d time.Duration) error {
	time.Sleep(d) // want `time.Sleep blocks the worker that runs the task: use t.Sleep`
	if d > time.Second {
		<-time.After(2 * time.Second) // want `a receive from time.After\(2 \* time.Second\) blocks the worker that runs the task: use t.Sleep`
	}
	switch {
	case d > 0:
		time.Sleep(1) // want `time.Sleep blocks`
	}
	go time.Sleep(d)
	return nil
}

type point struct{ x, y int }

// results has values other than the error to return.
func results(t *task.T) (int, string, *point, point, error) {
	time.Sleep(time.Second) // want `time.Sleep blocks`
	return 1, "", nil, point{}, nil
}

// unwritable has results whose zero values are not written by the fix.
func unwritable[E any](t *task.T) (e E, s struct{ x int }, err error) {
	time.Sleep(time.Second) // want `time.Sleep blocks`
	return e, s, nil
}

// silent has no error to return, so there is no fix.
func silent(t *task.T) {
	time.Sleep(time.Second)       // want `time.Sleep blocks`
	defer time.Sleep(time.Second) // want `time.Sleep blocks`
}

// shadowed has another t where it sleeps.
func shadowed(t *task.T) error {
	for t := range 3 {
		time.Sleep(time.Duration(t)) // want `time.Sleep blocks`
	}
	return nil
}

func (p *point) channels(t *task.T, in <-chan int, out chan int, done chan struct{}) (n int, err error) {
	n = <-in       // want `a receive from in blocks the worker that runs the task: use task.RecvFrom, or a task.Chan`
	n, ok := <-in  // want `a receive from in blocks`
	<-done         // want `a receive from done blocks`
	out <- n       // want `a send to out blocks the worker that runs the task: use task.SendTo, or a task.Chan`
	out <- 7       // want `a send to out blocks`
	for range in { // want `a range over in blocks the worker that runs the task: use a loop with task.RecvFrom`
		if ok {
			out <- n // want `a send to out blocks`
		}
	}
	<-t.Context().Done() // want `a receive from t.Context\(\).Done\(\) blocks the worker that runs the task: use task.RecvFrom, or rely on the waits of t: they end when its context does`
	return n, nil
}

func boxed(t *task.T, out chan any, n int) error {
	out <- n // want `a send to out blocks`
	return nil
}

func selects(t *task.T, in, out chan int, timer *time.Timer) {
	select { // want `a select without default blocks the worker that runs the task: use task.Select with task.Chans, or task.Block`
	case n := <-in:
		out <- n // want `a send to out blocks`
	case out <- 1:
	}
	select {
	case <-in:
		time.Sleep(1) // want `time.Sleep blocks`
	case out <- 1:
	default:
	}
	select { // want `use task.RecvFrom, which also returns when the context of t ends`
	case <-in:
	case <-t.Context().Done():
	}
	select { // want `use task.SendTo, which also returns when the context of t ends`
	case out <- 1:
	case <-t.Context().Done():
	}
	select { // want `use t.Sleep, which also returns when the context of t ends`
	case <-timer.C:
	case <-t.Context().Done():
	}
	select {} // want `a select without default blocks`
}

func locks(t *task.T, group *sync.WaitGroup, cond *sync.Cond) {
	group.Wait() // want `group.Wait blocks the worker that runs the task: use task.WaitGroup, or a task.Group`
	cond.Wait()  // want `cond.Wait blocks the worker that runs the task: use task.Cond`
	group.Add(1)
	cond.Signal()
}

type peer struct {
	net.Conn
	log *os.File
}

func (p *peer) network(t *task.T, l net.Listener, c *net.TCPConn, d net.Dialer, b []byte) error {
	p.Read(b)                                         // want `p.Read blocks the worker that runs the task: use task.Block with a function that does it`
	c.Write(b)                                        // want `c.Write blocks`
	l.Accept()                                        // want `l.Accept blocks`
	net.Dial("tcp", ":1")                             // want `net.Dial blocks`
	d.DialContext(context.Background(), "tcp", ":1")  // want `d.DialContext blocks`
	http.Get("http://localhost")                      // want `http.Get blocks`
	http.DefaultClient.Do(nil)                        // want `http.DefaultClient.Do blocks`
	os.ReadFile("file")                               // want `os.ReadFile blocks`
	p.log.WriteString("x")                            // want `p.log.WriteString blocks`
	exec.CommandContext(t.Context(), "true").Output() // want `exec.CommandContext\(t.Context\(\), "true"\).Output blocks`
	os.Stderr.WriteString("x")
	return p.Close()
}

func copies(t *task.T, c net.Conn, tcp *net.TCPConn, f *os.File, r io.Reader, answer *http.Response) {
	io.Copy(c, r)            // want `io.Copy blocks the worker that runs the task: use task.Block with a function that does it`
	io.Copy(os.Stdout, tcp)  // want `io.Copy blocks`
	io.ReadAll(f)            // want `io.ReadAll blocks`
	io.ReadAll(answer.Body)  // want `io.ReadAll blocks`
	fmt.Fprintln(c, "hello") // want `fmt.Fprintln blocks`
	fmt.Fprintln(os.Stderr, "hello", c)
	fmt.Fprintln(os.Stderr, "hello")
	io.ReadAll(r)
	for range time.Tick(time.Second) { // want `a range over time.Tick\(time.Second\) blocks the worker that runs the task: use a loop with t.Sleep`
	}
}

// launched waits for another task as goroutines do.
func launched(t *task.T, h task.Handle[int], db *sql.DB) {
	<-h.Done()                                            // want `a receive from h.Done\(\) blocks the worker that runs the task: use the method Wait of the handle`
	h.WaitContext(t.Context())                            // want `h.WaitContext blocks the worker that runs the task: use its method Wait`
	task.Run(t.Context(), nil, task.Do1(errorOfChild, 1)) // want `task.Run blocks the worker that runs the task: use a call of the function itself, with t`
	db.QueryRowContext(t.Context(), "SELECT 1")           // want `db.QueryRowContext blocks`
}

func errorOfChild(t *task.T, n int) error { return t.Yield() }

// elsewhere blocks where that is right.
func elsewhere(t *task.T, in chan int) error {
	text, err := task.Block(t, func() ([]byte, error) { return os.ReadFile("file") })
	go func() { in <- len(text) }()
	wait := func() { time.Sleep(time.Second) }
	go wait()
	var g task.Group
	g.Go(t, func(t *task.T) error {
		time.Sleep(time.Second) // want `time.Sleep blocks`
		return nil
	})
	time.Sleep(time.Second) //framearena:ignore it is a test
	return errorOf(g.Wait(t), err)
}

// errorOf is no task function.
func errorOf(errs ...error) error {
	time.Sleep(time.Second)
	return errs[0]
}

// private has channels that no other function uses.
func private(t *task.T, n int) int {
	queue := make(chan int, 8)
	queue <- n
	queue <- <-queue
	task.SendTo(t, queue, 1)
	close(queue)
	var never chan int
	select {
	case <-queue:
	case never <- 1:
	}
	for v := range queue {
		n += v
	}
	return n + len(queue)
}

type pipe struct{ c chan int }

// public has channels that others use, too.
func public(t *task.T, p *pipe, all []chan int) chan int {
	a := p.c
	a <- 1 // want `a send to a blocks`
	b := make(chan int)
	b <- 1 // want `a send to b blocks`
	go func() { <-b }()
	for _, c := range all {
		c <- 1 // want `a send to c blocks`
	}
	d := make(chan int)
	d <- 1   // want `a send to d blocks`
	select { // want `a select without default blocks`
	case <-d:
	case <-a:
	}
	return d
}
