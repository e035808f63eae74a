package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/internal/slabmap"
)

// demonstrate runs a mixed load on a, which is new, and returns a picture of it: small frames
// that come and go, a burst of larger frames that have been freed and whose memory was given
// back, and a few frames that stay.
func demonstrate(a *arena.Arena, seed int) (*slabmap.Picture, error) {
	c := a.NewCache()
	d := demonstration{cache: c, random: rand.New(rand.NewPCG(uint64(seed), 0))}
	d.allocate(60_000, 100, 500)
	d.free(0.35)
	d.allocate(4_000, 1_000, 4_000)
	before := len(d.live)
	d.allocate(20_000, 400, 1_000)
	d.freeSince(before, 0.97)
	c.Publish()
	a.Trim(0)
	d.allocate(10_000, 100, 250)
	d.allocate(60, 9_000, 64<<10)
	d.allocate(2, 65<<10, 100<<10)
	d.free(0.1)

	picture := newPicture(a, fmt.Sprintf("a demonstration, with seed %d", seed))
	d.free(1)
	c.Close()
	if d.refused {
		return nil, errors.New("the system refused memory")
	}
	return picture, nil
}

// demonstration is a load on a cache. It belongs to one goroutine.
type demonstration struct {
	cache   *arena.Cache
	random  *rand.Rand
	live    []demonstrationFrame
	refused bool
}

// demonstrationFrame is a live frame, with the size that was asked for.
type demonstrationFrame struct {
	at   unsafe.Pointer
	size uintptr
}

// allocate allocates n frames of random sizes from least to most bytes.
func (d *demonstration) allocate(n int, least, most uintptr) {
	for range n {
		f := demonstrationFrame{size: least + uintptr(d.random.Uint64N(uint64(most-least+1)))}
		f.at = d.cache.Allocate(f.size)
		if f.at == nil {
			d.refused = true
			return
		}
		d.live = append(d.live, f)
	}
}

// free frees a share of the live frames, from 0 to 1.
func (d *demonstration) free(share float64) { d.freeSince(0, share) }

// freeSince frees a share of the frames d.live[first:]. It frees runs of frames, because
// frames that are allocated together are often freed together.
func (d *demonstration) freeSince(first int, share float64) {
	kept := d.live[:first]
	for rest := d.live[first:]; len(rest) > 0; {
		n := min(len(rest), 1+d.random.IntN(400))
		if d.random.Float64() < share {
			for _, f := range rest[:n] {
				d.cache.Deallocate(f.at, f.size)
			}
		} else {
			kept = append(kept, rest[:n]...)
		}
		rest = rest[n:]
	}
	d.live = kept
}
