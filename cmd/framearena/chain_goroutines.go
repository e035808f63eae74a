package main

// goroutineChain is the chain with a goroutine in place of each frame. The one
// above starts it and waits on its channel, as an awaiting task waits.
type goroutineChain struct{}

func (goroutineChain) run(iterations int) error {
	awaitGoroutine(func() {
		for range iterations {
			awaitGoroutine(goroutineDepth1)
		}
	})
	return nil
}

func (goroutineChain) live() int    { return 0 } // there are no frames
func (goroutineChain) close() error { return nil }

func awaitGoroutine(body func()) {
	done := make(chan struct{})
	go func() {
		body()
		close(done)
	}()
	<-done
}

func goroutineDepth1() {
	for range 5 {
		awaitGoroutine(goroutineDepth2)
	}
}

func goroutineDepth2() {
	for range 3 {
		awaitGoroutine(goroutineDepth3)
	}
}

func goroutineDepth3() {
	for range 3 {
		awaitGoroutine(goroutineDepth4)
	}
}

func goroutineDepth4() { leaves.Add(1) }
