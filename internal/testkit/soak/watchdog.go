package soak

import (
	"fmt"
	"time"
)

// watchdog notices when the soak makes no progress any more. It belongs to one goroutine, which
// calls look at each tick.
type watchdog struct {
	soaker *soaker
	ticker *time.Ticker
	most   int    // how many ticks may pass without progress
	beats  uint64 // at the last progress
	idle   int    // ticks since the last progress
}

// newWatchdog returns a watchdog. It counts ticks and does not look at the clock, since time
// also passes while the machine sleeps.
func newWatchdog(s *soaker) *watchdog {
	every := min(time.Second, s.opts.Stall/8)
	return &watchdog{soaker: s, ticker: time.NewTicker(every), most: int(s.opts.Stall / every)}
}

// look returns a violation if there was no progress for too long.
func (w *watchdog) look() *Violation {
	if now := w.soaker.beats(); now != w.beats {
		w.beats, w.idle = now, 0
		return nil
	}
	if w.idle++; w.idle < w.most {
		return nil
	}
	sum := w.soaker.summary()
	return &Violation{
		Round:     sum.Round,
		What:      fmt.Sprintf("nothing is done any more, for %s", w.soaker.opts.Stall),
		Details:   stacks(),
		Reproduce: sum.reproduceRound(),
	}
}
