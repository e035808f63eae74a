package task

import (
	"context"
	"iter"
)

// Seq returns an iterator over the values that fn yields: a generator. Each loop calls fn, on the
// loop's goroutine. If fn returns an error, the loop gets one more value, which is zero, with that
// error. The error of all other values is nil.
//
// When the loop ends early, yield returns [ErrLoopEnded], again and again, and fn should return that
// error; it does not go to the loop. A panic of fn, or of the loop's body, passes through the other.
//
// The T of fn has no executor and no context. If fn waits, the loop's goroutine blocks meanwhile.
func Seq[E any](fn func(t *T, yield func(*T, E) error) error) iter.Seq2[E, error] {
	return func(yield func(E, error) bool) {
		t := new(T)
		t.s.Context = context.Background()
		ended := false
		err := fn(t, func(_ *T, v E) error {
			if ended || !yield(v, nil) {
				ended = true
				return ErrLoopEnded
			}
			return nil
		})
		if err != nil && !ended {
			var none E
			yield(none, err)
		}
	}
}
