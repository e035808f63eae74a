//go:build !race && !framearena_nopin

package arena

import "testing"

// What a pair of Arena.Allocate and Deallocate cannot do without.
func BenchmarkPinTwice(b *testing.B) {
	for b.Loop() {
		procPin()
		procUnpin()
		procPin()
		procUnpin()
	}
}
