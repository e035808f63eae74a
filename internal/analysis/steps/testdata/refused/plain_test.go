package refused

import (
	"testing"

	"github.com/framearena/framearena/coro"
)

func TestPlain(t *testing.T) {
	coro.Define("plain", func(f *coro.Frame[state, int]) coro.Step {
		if f.At() == 1 {
			return f.Return(1)
		}
		return mutex.Lock(f, 1)
	})
}
