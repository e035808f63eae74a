package coro

import (
	"reflect"

	"github.com/framearena/framearena/internal/slots"
)

// Slots returns how many slots k has, and how many of them are free and not in a
// worker's list. ok is false if a free slot still holds something, or is free twice.
func (k *HeldKind[S, H, R]) Slots() (all, free int, ok bool) {
	ok = true
	s, err := slots.As[H](&k.parts.slots).Survey(func(held *H) { ok = ok && reflect.ValueOf(held).Elem().IsZero() })
	return s.Made, s.Free, ok && err == nil
}

// BlockLen returns how many slots a block of k has.
func (k *HeldKind[S, H, R]) BlockLen() int { return slots.As[H](&k.parts.slots).BlockLen() }

// SlotSlack returns how many free slots of a kind may be in lists that a goroutine that needs one
// does not look into, with so many workers.
func SlotSlack(k interface{ survey() slots.Survey }, workers int) int {
	return 2 * slots.Batch * (k.survey().Shards + workers)
}

// Batches returns how many lists of free slots k has for its workers to take.
func (k *HeldKind[S, H, R]) Batches() int { return k.survey().Batches }

func (k *HeldKind[S, H, R]) survey() slots.Survey {
	s, _ := slots.As[H](&k.parts.slots).Survey(func(*H) {})
	return s
}
