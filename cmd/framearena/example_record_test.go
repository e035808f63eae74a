package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/framearena/framearena/arena"
)

func recordTo(name string, frames arena.FrameAllocator, work func(arena.FrameAllocator)) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	trace := arena.NewTrace(frames, file)
	work(trace) // or coro.RunAsync(pool, coro.Allocator(trace.Workers(coro.WorkerNumber)))
	return errors.Join(trace.Close(), file.Close())
}

// A program records its use of an allocator, and the command plays the trace.
func Example_record() {
	folder, err := os.MkdirTemp("", "framearena")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	name := filepath.Join(folder, "orders.trace")

	err = recordTo(name, new(arena.Heap), func(frames arena.FrameAllocator) {
		for range 3 {
			frames.Deallocate(frames.Allocate(200), 200)
		}
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(run(context.Background(), []string{"replay", "-rounds", "1", name}, nil, io.Discard, io.Discard, nil))
	// Output: 0
}
