package arena

import "time"

// trimmer is the goroutine of WithBackgroundTrim. Its fields are set in New and do not
// change afterwards.
type trimmer struct {
	every time.Duration // 0: there is no such goroutine
	keep  uintptr

	stop    chan struct{} // closed by end
	stopped chan struct{} // closed by the goroutine when it ends
}

// start starts the goroutine, if the option was given.
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

// end ends the goroutine and waits for it. The arena is closed, so that a trim that begins
// now does nothing. The caller holds none of the arena's locks, which a trim that runs may
// need.
func (t *trimmer) end() {
	if t.stop != nil {
		close(t.stop)
		<-t.stopped
	}
}
