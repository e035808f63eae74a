// Command race shares frames between goroutines, in ways that the race detector
// must report and in ways that it must not. Its argument says which. It is run by
// the tests of package arena.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"github.com/framearena/framearena/arena"
)

// scenarios are named in race_test.go as well.
var scenarios = map[string]func(*arena.Arena) error{
	// Faults in the program:
	"small frame":  func(a *arena.Arena) error { return unordered(a, a.NewCache(), 128) },
	"middle frame": func(a *arena.Arena) error { return unordered(a, a, 64<<10) },
	"large frame":  func(a *arena.Arena) error { return unordered(a, a, 100_000) },
	"late write":   lateWrite,

	// Right:
	"channel": channel,
	"caches":  func(a *arena.Arena) error { return handedOver(a.NewCache(), a.NewCache()) },
	"arena":   func(a *arena.Arena) error { return handedOver(a, a) },
	"crowd":   crowd,
}

func main() {
	a, err := arena.New()
	if err == nil {
		err = scenarios[os.Args[1]](a)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("done")
}

func word(p unsafe.Pointer) *uint64 { return (*uint64)(p) }

// unordered writes to a frame from two goroutines at once.
func unordered(a *arena.Arena, f arena.FrameAllocator, size uintptr) error {
	p := f.Allocate(size)
	last := unsafe.Add(p, size-8)
	// Both wait for the start, so that the end of one is never before the beginning
	// of the other.
	start, done := make(chan bool), make(chan bool, 2)
	for i := range uint64(2) {
		go func() {
			<-start
			*word(last) = i
			done <- true
		}()
	}
	close(start)
	<-done
	<-done
	f.Deallocate(p, size)
	return nil
}

// lateWrite writes to a frame that was freed and is another goroutine's now.
func lateWrite(a *arena.Arena) error {
	c := a.NewCache()
	p := c.Allocate(128)
	c.Deallocate(p, 128)
	c.Publish()
	var other sync.WaitGroup
	other.Go(func() {
		for q := a.Allocate(128); ; q = a.Allocate(128) {
			*word(q) = 1
			if q == p {
				return
			}
		}
	})
	*word(p) = 2
	other.Wait()
	return nil
}

// channel sends frames through a channel.
func channel(a *arena.Arena) error {
	frames := make(chan unsafe.Pointer)
	go func() {
		c := a.NewCache()
		for i := range uint64(10_000) {
			p := c.Allocate(128)
			*word(p) = i
			frames <- p
		}
		close(frames)
	}()
	c := a.NewCache()
	i := uint64(0)
	for p := range frames {
		if *word(p) != i {
			return fmt.Errorf("frame %d holds %d", i, *word(p))
		}
		*word(p) = 0
		c.Deallocate(p, 128)
		i++
	}
	return nil
}

// handedOver frees frames on one goroutine and reuses them on another. Nothing but
// the arena orders the two.
func handedOver(first, second arena.FrameAllocator) error {
	const magic, frames = 0x66726d6163696721, 1000
	go func() {
		var mine [frames]unsafe.Pointer
		for i := range mine {
			mine[i] = first.Allocate(128)
			*word(mine[i]) = magic
		}
		for _, p := range mine {
			first.Deallocate(p, 128)
		}
	}()
	// It takes frames until it meets some of the other's.
	for met := 0; met < 100; {
		p := second.Allocate(128)
		if p == nil {
			return arena.ErrExhausted
		}
		if *word(p) == magic {
			met++
		}
		*word(p) = 0
		runtime.Gosched()
	}
	return nil
}

// crowd allocates, writes and frees on many goroutines, some through caches.
func crowd(a *arena.Arena) error {
	var all sync.WaitGroup
	for g := range uint64(6) {
		all.Go(func() {
			var f arena.FrameAllocator = a
			if g%2 == 0 {
				c := a.NewCache()
				defer c.Close()
				f = c
			}
			var mine [300]unsafe.Pointer
			for range 30 {
				for i := range mine {
					mine[i] = f.Allocate(256)
					*word(mine[i]) = g
					*word(unsafe.Add(mine[i], 248)) = g
				}
				runtime.Gosched()
				for _, p := range mine {
					f.Deallocate(p, 256)
				}
			}
		})
	}
	all.Wait()
	return a.Close()
}
