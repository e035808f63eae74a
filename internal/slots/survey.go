package slots

import (
	"errors"
	"fmt"
	"unsafe"
)

// A Survey is what Survey counts.
type Survey struct {
	Made    int // slots that there are
	Free    int // those of them in central and in shards; without those of Locals
	Batches int // lists in central
	Shards  int
}

// Survey counts the slots of s and calls look with the value of each free one that is in no
// Local. It returns an error if such a slot is free twice, or a list has another length than
// it says. What it returns is exact if nobody takes or puts a slot meanwhile. Tests
// call it.
func (s *Of[T]) Survey(look func(*T)) (Survey, error) {
	return s.survey(func(n *node) { look(&(*Slot[T])(unsafe.Pointer(n)).Value) })
}

// Survey is as that of Of. The first word of each free value is the list's.
func (s *Packed[T]) Survey(look func(*T)) (Survey, error) {
	return s.survey(func(n *node) { look((*T)(unsafe.Pointer(n))) })
}

func (s *store) survey(look func(*node)) (Survey, error) {
	seen := make(map[*node]bool)
	var wrong error
	walk := func(l list) {
		n := 0
		for at := l.first; at != nil; at = at.next.Get() {
			if seen[at] {
				wrong = errors.New("a slot is free twice")
				break
			}
			seen[at] = true
			look(at)
			n++
		}
		if n != l.n && wrong == nil {
			wrong = fmt.Errorf("a list says that it has %d slots, and has %d", l.n, n)
		}
	}
	s.growing.Lock()
	defer s.growing.Unlock()
	s.mu.Lock()
	for _, l := range s.central {
		walk(l)
	}
	batches := len(s.central)
	s.mu.Unlock()
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		walk(shard.free)
		shard.mu.Unlock()
	}
	return Survey{Made: s.made, Free: len(seen), Batches: batches, Shards: len(s.shards)}, wrong
}

// BlockLen returns how many slots are made at a time.
func (s *Of[T]) BlockLen() int { return blockLen(unsafe.Sizeof(Slot[T]{})) }
