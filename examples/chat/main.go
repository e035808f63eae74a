package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/framearena/framearena/examples/chat/room"
	"github.com/framearena/framearena/executor"
)

// options are the flags.
type options struct {
	n        int    // members
	messages int    // that are said
	as       string // asTasks, asPlain or asGoroutines
}

// These are the values of -as.
const (
	asTasks      = "tasks"
	asPlain      = "plain"
	asGoroutines = "goroutines"
)

func main() {
	o := options{n: 50_000, messages: 10, as: asPlain}
	flag.IntVar(&o.n, "n", o.n, "number of members")
	flag.IntVar(&o.messages, "messages", o.messages, "number of messages that are said to all")
	flag.StringVar(&o.as, "as", o.as, "plain: each member is a task in plain Go; tasks: a task with steps by hand; goroutines: each is a goroutine")
	flag.Parse()
	if err := run(o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "chat:", err)
		os.Exit(1)
	}
}

// run runs an evening in a room, and prints how many messages were delivered.
func run(o options, out io.Writer) error {
	const ping = 30 * time.Second
	pool := executor.NewPool()
	defer pool.Close()
	var r room.Room
	switch o.as {
	case asTasks:
		r = &room.Tasks{Pool: pool, Ping: ping}
	case asPlain:
		r = &room.Plain{Pool: pool, Ping: ping}
	case asGoroutines:
		r = &room.Goroutines{Ping: ping}
	default:
		return fmt.Errorf("-as must be %q, %q or %q, not %q", asTasks, asPlain, asGoroutines, o.as)
	}
	before := memory(pool)
	delivered, err := room.Evening(r, o.n, o.messages, func() {
		fmt.Fprintf(out, "%d members listen, each with %d B of memory.\n", o.n, (memory(pool)-before)/max(1, uint64(o.n)))
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d messages were delivered.\n", delivered)
	return nil
}

// memory returns the memory of the Go heap, of stacks and of frames, in bytes.
func memory(pool *executor.Pool) uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse + uint64(pool.Arena().Stats().MappedBytes)
}
