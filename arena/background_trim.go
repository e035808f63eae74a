package arena

import "time"

// trimmer trims the arena now and then, on a goroutine of its own.
type trimmer struct {
	every time.Duration // 0: there is none
	keep  uintptr

	stop, stopped chan struct{}
}

// start starts the goroutine, if there is to be one.
func (t *trimmer) start(a *Arena) {
	if t.every == 0 {
		return
	}
	t.stop, t.stopped = make(chan struct{}), make(chan struct{})
	ticks := time.NewTicker(t.every)
	go func() {
		defer close(t.stopped)
		defer ticks.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-ticks.C:
				if a.warmBytes() > t.keep {
					a.trim(t.keep)
				}
			}
		}
	}()
}

// end waits until the goroutine has ended. The arena is closed, and the caller
// holds none of its locks.
func (t *trimmer) end() {
	if t.stop != nil {
		close(t.stop)
		<-t.stopped
	}
}
