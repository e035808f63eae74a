package coro

// TurnLength is how many tasks of a Relay run in one turn.
const TurnLength = turnLength

// Live returns how many roots with the Relay's own environment have not ended. A turn that was
// yielded counts as one.
func (r *Relay) Live() int64 { return r.live.Load() }

// KeptRelays returns the number of Relays that are kept alive because integers refer to them. ok is
// false if their list is not linked alike in both directions, or has a Relay to which none
// refers.
func KeptRelays() (n int, ok bool) {
	keptRelays.mu.Lock()
	defer keptRelays.mu.Unlock()
	var prev *Relay
	for r := keptRelays.list; r != nil; prev, r = r, r.next {
		if r.prev != prev || r.live.Load() < 1 {
			return n, false
		}
		n++
	}
	return n, true
}
