package slots

import (
	"cmp"
	"slices"
	"unsafe"
)

// TrimAll gives the blocks in which no slot is in use back to the collector, of all types. Slots in
// Locals count as in use. Any goroutine may call it.
func TrimAll() {
	every.mu.Lock()
	all := slices.Clone(every.stores)
	every.mu.Unlock()
	for _, s := range all {
		s.trim()
	}
}

// trim does what TrimAll says for one type. It takes all free slots out of the lists, and puts
// those back that are in blocks with others. Callers of take that find none meanwhile wait for
// growing.
func (s *store) trim() {
	s.growing.Lock()
	defer s.growing.Unlock()
	free := s.takeAllFree()
	slices.SortFunc(s.blocks, func(a, b *node) int { return cmp.Compare(addressOf(a), addressOf(b)) })
	counts := make([]int, len(s.blocks))
	for _, l := range free {
		for n := l.first; n != nil; n = n.next.Get() {
			counts[s.blockOf(n)]++
		}
	}
	perBlock := blockLen(s.slot.Size())
	var kept list
	for _, l := range free {
		for n := l.first; n != nil; {
			next := n.next.Get()
			if counts[s.blockOf(n)] < perBlock {
				if kept.push(n); kept.n == Batch {
					s.publish(kept)
					kept = list{}
				}
			}
			n = next
		}
	}
	s.publish(kept)
	blocks := s.blocks
	s.blocks = nil // a shorter array
	for i, b := range blocks {
		if counts[i] < perBlock {
			s.blocks = append(s.blocks, b)
		}
	}
	s.made = len(s.blocks) * perBlock
}

// takeAllFree takes the free slots out of central and of the shards. The caller holds growing.
func (s *store) takeAllFree() []list {
	s.mu.Lock()
	free := s.central
	s.central = nil
	s.mu.Unlock()
	for i := range s.shards {
		shard := &s.shards[i]
		shard.mu.Lock()
		if shard.free.n > 0 {
			free = append(free, shard.free)
			shard.free = list{}
		}
		shard.mu.Unlock()
	}
	return free
}

// blockOf returns the index of n's block in blocks, which are sorted.
func (s *store) blockOf(n *node) int {
	i, found := slices.BinarySearchFunc(s.blocks, n, func(b, n *node) int { return cmp.Compare(addressOf(b), addressOf(n)) })
	if !found {
		i--
	}
	return i
}

func addressOf(n *node) uintptr { return uintptr(unsafe.Pointer(n)) }
