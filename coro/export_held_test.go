package coro

import "reflect"

// Slots returns how many slots k has, and how many of them are free and not in a
// worker's list. ok is false if a free slot still holds something, or is free twice.
func (k *HeldKind[S, H, R]) Slots() (all, free int, ok bool) {
	s := &k.slots
	s.growing.Lock()
	all = len(s.blocks) * k.BlockLen()
	s.growing.Unlock()

	var lists []slotList
	s.mu.Lock()
	defer s.mu.Unlock()
	lists = append(lists, s.central...)
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		defer shard.mu.Unlock()
		lists = append(lists, shard.free)
	}
	seen := make(map[*slotNode]bool)
	ok = true
	for _, l := range lists {
		n := 0
		for node := l.first; node != nil; node = node.next {
			if seen[node] || !reflect.ValueOf(slotOf[H](node).held).IsZero() {
				ok = false
			}
			if seen[node] {
				break
			}
			seen[node] = true
			n++
		}
		ok = ok && n == l.n
		free += n
	}
	return all, free, ok
}

// BlockLen returns how many slots a block of k has.
func (k *HeldKind[S, H, R]) BlockLen() int {
	n := 0
	for node := k.slots.newBlock(); node != nil; node = node.next {
		n++
	}
	return n
}

// SlotSlack returns how many free slots of a kind may be in lists that a goroutine that needs one
// does not look into, with so many workers.
func SlotSlack(k interface{ shards() int }, workers int) int {
	return 2 * slotBatch * (k.shards() + workers)
}

func (k *HeldKind[S, H, R]) shards() int { return len(k.slots.shards) }

// Batches returns how many lists of free slots k has for its workers to take.
func (k *HeldKind[S, H, R]) Batches() int {
	k.slots.mu.Lock()
	defer k.slots.mu.Unlock()
	return len(k.slots.central)
}
