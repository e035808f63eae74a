package coro

import "errors"

// WakerChunks returns how many chunks with free entries there are, and an error if their lists are
// not as they should be. No goroutine may make or use Wakers meanwhile.
func WakerChunks() (n int, err error) {
	for i := range wakerStripes {
		s := &wakerStripes[i]
		check := func(c *wakerChunk, place int32) {
			n++
			free := int32(0)
			for i, e := range c.entries {
				if c.freed[i/64]>>(i%64)&1 == 0 {
					continue
				}
				if free++; e&(entryTask|entryWoken) != 0 || e.id() == entryLastID {
					err = errors.New("a free entry is in use, or has had its last use")
				}
			}
			if !c.listed || c.stripe != s || place >= 0 && c.place != place || free != c.left || free > c.usable {
				err = errors.New("a chunk does not know where it is, or how many free entries it has")
			}
		}
		for k, c := range s.open {
			check(c, int32(k))
		}
		if int(s.opened.Load()) != len(s.open) {
			err = errors.New("opened is not the length of open")
		}
		if c := s.current.Load(); c != nil {
			check(c, -1)
		}
	}
	return n, err
}

// WakerStripes is how many stripes there are.
func WakerStripes() int { return int(wakerStripeMask) + 1 }

// How many entries a chunk has, and how often one is used.
const (
	WakerChunkLen = wakerChunkLen
	EntryUses     = entryLastID
	KeptChunks    = keptChunks
)

// Number returns the number of w.
func (w Waker) Number() uint64 { return w.number }
