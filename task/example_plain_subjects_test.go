package task_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// The programs of docs/tasks.md, one after the other.

var errNegative = errors.New("no root of a negative number")

// root returns the integer part of the square root of n.
func root(t *task.T, n int) (int, error) {
	if n < 0 {
		return 0, fmt.Errorf("%d: %w", n, errNegative)
	}
	r := 0
	for (r+1)*(r+1) <= n {
		r++
	}
	return r, t.Yield()
}

// distance returns the root of the difference of two squares.
func distance(t *task.T, a, b int) (int, error) {
	r, err := root(t, a*a-b*b)
	if err != nil {
		return 0, fmt.Errorf("distance: %w", err)
	}
	return r, nil
}

func Example_errors() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	fmt.Println(task.Run(ctx, pool, task.Call2(distance, 5, 3)))
	_, err := task.Run(ctx, pool, task.Call2(distance, 3, 5))
	fmt.Println(err, errors.Is(err, errNegative))
	// Output:
	// 4 <nil>
	// distance: -16: no root of a negative number true
}

func hello(_ *task.T, n int) error {
	fmt.Println("hello", n)
	if n == 2 {
		return errors.New("nothing to say")
	}
	return nil
}

func Example_launching() {
	ex := executor.NewInline()
	defer ex.Close()
	ctx := context.Background()

	if err := task.Go(ex, task.Do1(hello, 1)); err != nil { // do not wait
		fmt.Println(err)
	}
	_, err := task.Run(ctx, ex, task.Do1(hello, 2)) // wait
	fmt.Println(err)
	handle, err := task.Start(ex, task.Do1(hello, 3), task.Context(ctx)) // wait later
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = handle.WaitContext(ctx)
	fmt.Println(err)
	// Unordered output:
	// hello 1
	// hello 2
	// nothing to say
	// hello 3
	// <nil>
}

// size asks for the size of a page.
func size(t *task.T, page string) (int, error) { return len(page), t.Sleep(time.Millisecond) }

// sizes asks for the sizes of pages, three at a time.
func sizes(t *task.T, pages []string) ([]int, error) {
	found := make([]int, len(pages))
	var g task.Group
	g.SetLimit(3)
	for i, page := range pages {
		g.Go(t, func(t *task.T) (err error) {
			found[i], err = size(t, page)
			return err
		})
	}
	return found, g.Wait(t)
}

func Example_limit() {
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call1(sizes, []string{"a", "bc", "def", "", "ghij"})))
	// Output: [1 2 3 0 4] <nil>
}

// primes counts the primes below n, and lets other tasks run now and then.
func primes(t *task.T, n int) (count int, err error) {
	for i := 2; i < n; i++ {
		if i%1000 == 0 {
			if err := t.Yield(); err != nil {
				return count, err
			}
		}
		if isPrime(i) {
			count++
		}
	}
	return count, nil
}

func isPrime(n int) bool {
	for d := 2; d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}

// serve computes on another executor, and comes back.
func serve(t *task.T, computing coro.Executor, n int) (count int, err error) {
	err = task.OnExecutor(t, computing, func(t *task.T) (err error) {
		count, err = primes(t, n)
		return err
	})
	return count, err
}

func Example_onExecutor() {
	pool, computing := executor.NewPool(), executor.NewPool(executor.WithWorkers(1))
	defer pool.Close()
	defer computing.Close()
	fmt.Println(task.Run(context.Background(), pool, task.Call2(serve, coro.Executor(computing), 10_000)))
	// Output: 1229 <nil>
}

// session says goodbye, however it ends.
func session(t *task.T, say func(string)) error {
	defer func() {
		_ = task.Shield(t, func(t *task.T) error { return goodbye(t, say) })
	}()
	say("hello")
	return t.Sleep(time.Hour)
}

func goodbye(t *task.T, say func(string)) error {
	if err := t.Sleep(time.Millisecond); err != nil {
		return err
	}
	say("goodbye")
	return nil
}

func Example_shield() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx, cancel := context.WithCancelCause(context.Background())
	say := func(words string) {
		fmt.Println(words)
		cancel(errors.New("it takes too long"))
	}
	_, err := task.Run(ctx, pool, task.Do1(session, say))
	fmt.Println(err)
	// Output:
	// hello
	// goodbye
	// it takes too long
}

// vault is gold behind a lock.
type vault struct {
	lock task.Mutex
	gold int
}

// withdraw takes a part of the gold, and unlocks the vault even if it panics.
func (v *vault) withdraw(t *task.T, parts int) (int, error) {
	if err := v.lock.Lock(t); err != nil {
		return 0, err // without the lock
	}
	defer v.lock.Unlock()
	part := v.gold / parts // may panic
	v.gold -= part
	return part, nil
}

func Example_panic() {
	pool := executor.NewPool()
	defer pool.Close()
	v := &vault{gold: 100}
	_, err := task.Run(context.Background(), pool, task.Call1(v.withdraw, 0))
	var panicked *coro.PanicError
	if errors.As(err, &panicked) {
		fmt.Println(panicked.Value)
	}
	fmt.Println(task.Run(context.Background(), pool, task.Call1(v.withdraw, 4)))
	// Output:
	// runtime error: integer divide by zero
	// 25 <nil>
}

// booth sells tickets.
type booth struct {
	lock    task.Mutex
	arrived *task.Cond // of lock
	tickets int
}

// buy waits for a ticket, and takes it.
func (b *booth) buy(t *task.T) error {
	if err := b.lock.Lock(t); err != nil {
		return err
	}
	defer b.lock.Unlock()
	for b.tickets == 0 {
		if err := b.arrived.Wait(t); err != nil {
			return err // the lock is held all the same
		}
	}
	b.tickets--
	return nil
}

// deliver brings tickets.
func (b *booth) deliver(t *task.T, n int) error {
	if err := b.lock.Lock(t); err != nil {
		return err
	}
	defer b.lock.Unlock()
	b.tickets += n
	b.arrived.Broadcast()
	return nil
}

func Example_cond() {
	pool := executor.NewPool()
	defer pool.Close()
	b := new(booth)
	b.arrived = task.NewCond(&b.lock)
	first, err := task.Start(pool, task.Do0(b.buy))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = task.Run(context.Background(), pool, task.Do1(b.deliver, 3))
	fmt.Println(err)
	_, err = first.WaitContext(context.Background())
	fmt.Println(b.tickets, err)
	// Output:
	// <nil>
	// 2 <nil>
}

// add adds up numbers until it is told to stop.
func add(t *task.T, numbers *task.Chan[int], stop *task.Event) (sum int, err error) {
	for {
		var n int
		switch i, err := task.Select(t, task.Recv(numbers, &n), task.Done(stop)); {
		case errors.Is(err, task.ErrChanClosed):
			numbers = nil // its case does not happen from now on
		case err != nil:
			return sum, err // the context has ended
		case i == 1:
			return sum, nil
		default:
			sum += n
		}
	}
}

// supply sends three numbers, and then says that there are no more.
func supply(t *task.T, numbers *task.Chan[int], stop *task.Event) error {
	for n := 1; n <= 3; n++ {
		if err := numbers.Send(t, n); err != nil {
			return err
		}
	}
	numbers.Close()
	stop.Set()
	return nil
}

func Example_select() {
	pool := executor.NewPool()
	defer pool.Close()
	numbers, stop := task.NewChan[int](0), new(task.Event)
	if err := task.Go(pool, task.Do2(supply, numbers, stop)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(task.Run(context.Background(), pool, task.Call2(add, numbers, stop)))
	// Output: 6 <nil>
}

// read reads a file, on a goroutine.
func read(t *task.T, path string) ([]byte, error) {
	return task.Block(t, func() ([]byte, error) { return os.ReadFile(path) })
}

// pause waits for a callback, here that of a time.Timer.
func pause(t *task.T, d time.Duration) error {
	return task.Suspend(t, func(w task.Waker) {
		time.AfterFunc(d, func() { w.Wake() })
	})
}

// signalled waits for a signal, which a Go channel brings, for a minute at most.
func signalled(t *task.T, signals <-chan os.Signal) (s os.Signal, err error) {
	err = task.Timeout(t, time.Minute, func(t *task.T) (err error) {
		s, err = task.RecvFrom(t, signals)
		return err
	})
	return s, err
}

func Example_outside() {
	pool := executor.NewPool()
	defer pool.Close()
	ctx := context.Background()
	_, err := task.Run(ctx, pool, task.Call1(read, filepath.Join(os.TempDir(), "no", "such", "file")))
	fmt.Println(errors.Is(err, os.ErrNotExist))
	_, err = task.Run(ctx, pool, task.Do1(pause, time.Millisecond))
	fmt.Println(err)
	signals := make(chan os.Signal, 1)
	signals <- os.Interrupt
	fmt.Println(task.Run(ctx, pool, task.Call1(signalled, (<-chan os.Signal)(signals))))
	// Output:
	// true
	// <nil>
	// interrupt <nil>
}

// fibonacci yields the numbers of Fibonacci.
func fibonacci(t *task.T, yield func(*task.T, int) error) error {
	for a, b := 1, 1; ; a, b = b, a+b {
		if err := yield(t, a); err != nil {
			return err // the loop has ended
		}
	}
}

func Example_generator() {
	for n, err := range task.Seq(fibonacci) {
		if err != nil || n > 50 {
			break // ends the generator
		}
		fmt.Print(n, " ")
	}
	fmt.Println()
	// Output: 1 1 2 3 5 8 13 21 34
}

// share waits for the total, which another task computes, and returns a part of it.
func share(t *task.T, total task.Handle[int]) (int, error) {
	n, err := total.Wait(t)
	if err != nil {
		return 0, err
	}
	return n / 4, nil
}

func Example_handle() {
	pool := executor.NewPool()
	defer pool.Close()
	total, err := task.Start(pool, task.Call1(primes, 1_000))
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		fmt.Println(task.Run(context.Background(), pool, task.Call1(share, total)))
	}
	// Output:
	// 42 <nil>
	// 42 <nil>
}

func Example_allocator() {
	pool := executor.NewPool()
	defer pool.Close()
	counting := arena.NewCounting(pool.Arena())
	_, err := task.Run(context.Background(), pool, task.Call1(primes, 10_000), task.Allocator(counting))
	fmt.Println(err)
	// Output: <nil>
}
