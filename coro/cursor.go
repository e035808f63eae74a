package coro

// cursor is how far somebody has come who looks through a linked list bit by bit,
// and lets go of the list's lock in between. It is guarded by that lock as long as it
// is in the list's cursors.
type cursor[T any] struct {
	at   *T // what is next; nil: nothing
	next *cursor[T]
}

// cursors are those of one list. What takes something out of the list calls moved, so
// that no cursor is left at what is gone.
type cursors[T any] struct{ first *cursor[T] }

func (s *cursors[T]) add(c *cursor[T]) {
	c.next = s.first
	s.first = c
}

func (s *cursors[T]) remove(c *cursor[T]) {
	for p := &s.first; *p != nil; p = &(*p).next {
		if *p == c {
			*p = c.next
			return
		}
	}
}

// moved is told that gone is not in the list any more, and what was behind it.
func (s *cursors[T]) moved(gone, behind *T) {
	for c := s.first; c != nil; c = c.next {
		if c.at == gone {
			c.at = behind
		}
	}
}
