package slots

import "sync"

// Use is memory of the Go heap that slots have, whether they are in use or free.
type Use struct {
	Slots int
	Bytes uint64
}

// Add adds other to u.
func (u *Use) Add(other Use) {
	u.Slots += other.Slots
	u.Bytes += other.Bytes
}

// Use returns the memory of all slots of s.
func (s *Of[T]) Use() Use { return s.use() }

func (s *store) use() Use {
	s.growing.Lock()
	defer s.growing.Unlock()
	return Use{s.made, uint64(s.made) * uint64(s.slot.Size())}
}

// UseOfAll returns the memory of all slots of the program, of all types.
func UseOfAll() (sum Use) {
	every.mu.Lock()
	defer every.mu.Unlock()
	for _, s := range every.stores {
		sum.Add(s.use())
	}
	return sum
}

// every has the stores that were made ready, for UseOfAll. A store lives as long as the program: it
// belongs to a kind of tasks, or is a variable of a package. Any goroutine uses it.
var every allStores

type allStores struct {
	mu     sync.Mutex // before store.growing
	stores []*store   // guarded by mu
}

func (a *allStores) add(s *store) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.stores = append(a.stores, s)
}
