package coro_test

import (
	"context"
	"fmt"
	"os"
	"runtime/trace"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// bakery is shared by the tasks below.
type bakery struct {
	oven   coro.Mutex
	orders *coro.Chan[int]
}

// bake needs the oven for a while.
var bake = coro.DefineHeld("bake", func(f *coro.Frame[int, int], held **bakery) coro.Step {
	if f.At() == 0 {
		return (*held).oven.Lock(f, 1)
	}
	if f.Err() != nil {
		return f.Fail(f.Err())
	}
	(*held).oven.Unlock()
	return f.Return(f.State)
})

// serve bakes one order after the other, until there are no more.
var serve = coro.DefineHeld("serve", func(f *coro.Frame[int, none], held **bakery) coro.Step {
	if f.Err() != nil {
		return f.Return(none{})
	}
	if f.At() == 0 {
		return (*held).orders.Recv(f, 1, &f.State)
	}
	return coro.AwaitHeld(f, 0, bake, f.State, *held, nil)
})

// openBakery returns a bakery whose oven is broken, with three orders and five tasks that serve.
func openBakery(ex coro.Executor) *bakery {
	b := &bakery{orders: coro.NewChan[int](3)}
	b.oven.TryLock()
	for order := range 3 {
		b.orders.TrySend(order)
	}
	for range 5 {
		if err := coro.GoHeld(ex, serve, 0, b); err != nil {
			fmt.Println(err)
		}
	}
	return b
}

func ExampleEnvironment_WaitingByKind() {
	ex := executor.NewInline()
	b := openBakery(ex)

	for _, g := range ex.Environment().WaitingByKind() {
		fmt.Printf("%d %s in a tree of %s: %s\n", g.N, g.Kind.Name, g.Root.Name, g.What)
	}

	b.orders.Close()
	b.oven.Unlock()
	ex.Close()
	// Output:
	// 3 bake in a tree of serve: Mutex.Lock
	// 2 serve in a tree of serve: Chan.Recv
}

func ExampleEnvironment_Waiting() {
	ex := executor.NewInline()
	b := openBakery(ex)

	for t := range ex.Environment().Waiting() {
		if t.What == "Mutex.Lock" {
			for _, k := range t.Backtrace.Tasks {
				fmt.Print(k.Name, " ")
			}
			fmt.Println("waits for the oven, or for something like it")
			break
		}
	}

	b.orders.Close()
	b.oven.Unlock()
	ex.Close()
	// Output:
	// bake serve waits for the oven, or for something like it
}

func ExampleStats() {
	ex := executor.NewInline(executor.WithKindStats())
	b := openBakery(ex)

	for s := range coro.Stats() {
		if s.Live() > 0 {
			fmt.Println(s.Name, s.Live())
		}
	}

	b.orders.Close()
	b.oven.Unlock()
	ex.Close()
	// Output:
	// bake 3
	// serve 5
}

func ExampleCounted() {
	ex := executor.NewInline()
	defer ex.Close()
	before := Square.Stats().Started
	launch := coro.RunAsync(ex, coro.Counted())
	for n := range 3 {
		if err := launch(Square.With(n)); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(Square.Stats().Started - before)
	// Output:
	// 3
}

func ExampleSetProfileLabels() {
	coro.SetProfileLabels(true)
	defer coro.SetProfileLabels(false)
	// Take profiles as ever, with runtime/pprof or net/http/pprof. Then
	//
	//	go tool pprof -tagfocus 'task kind=bake' cpu.profile
	//
	// shows what all tasks of the kind "bake" did.
	pool := executor.NewPool()
	defer pool.Close()
	fmt.Println(coro.Run(context.Background(), pool, Square.With(12)))
	// Output:
	// 144 <nil>
}

// For runtime/trace, no call of package coro is needed.
func Example_trace() {
	file, err := os.CreateTemp("", "trace")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(file.Name())
	if err := trace.Start(file); err != nil {
		fmt.Println(err)
		return
	}
	pool := executor.NewPool()
	defer pool.Close()
	ctx, task := trace.NewTask(context.Background(), "request")
	fmt.Println(coro.Run(ctx, pool, Square.With(12)))
	task.End()
	trace.Stop()
	fmt.Println(file.Close())
	// Output:
	// 144 <nil>
	// <nil>
}

func ExampleEnvironment_Survey() {
	ex := executor.NewInline(executor.WithErrorHandler(func(error) {}))
	defer ex.Close()
	var stock coro.Mutex
	coro.NameWaitable(&stock, "stock")
	var delivery coro.Event
	count := coro.Define("count", func(f *coro.Frame[struct{}, struct{}]) coro.Step {
		switch f.At() {
		case 0:
			return stock.Lock(f, 1)
		case 1:
			if f.Err() != nil {
				return f.Fail(f.Err())
			}
			return delivery.Wait(f, 2)
		}
		stock.Unlock()
		return f.Return(struct{}{})
	})
	for range 3 {
		if err := coro.Go(ex, count, struct{}{}); err != nil {
			fmt.Println(err)
		}
	}
	for _, o := range ex.Environment().Survey(coro.SurveyOptions{Objects: 1}).Objects {
		fmt.Printf("%d tasks wait in %s for %s\n", o.Waiting, o.What, o.Name)
		fmt.Printf("%s has it, and waits in %s\n", o.Holder.Kind.Name, o.Holder.Waiting.What)
	}
	// Output:
	// 2 tasks wait in Mutex.Lock for stock
	// count has it, and waits in Event.Wait
}
