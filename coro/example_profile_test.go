package coro_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

func ExampleWriteFrameProfile() {
	pool := executor.NewPool(executor.WithFrameProfile())
	defer pool.Close()

	dir, err := os.MkdirTemp("", "profile")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file, err := os.Create(filepath.Join(dir, "frames.pb.gz"))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := coro.WriteFrameProfile(file); err != nil {
		fmt.Println(err)
	}
	fmt.Println(file.Close())
	// Output: <nil>
}
