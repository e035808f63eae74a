package coro

// cursor is the place in a linked list of a visitor that releases the list's lock now and then.
// While it is in the list's cursors, that lock guards it.
type cursor[T any] struct {
	at   *T // the next element to visit; nil: none
	next *cursor[T]
}

// cursors are the cursors in one list. A goroutine that takes an element out of the list calls
// moved, so that no cursor stays at an element that is gone. The list's lock guards them.
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

// moved moves the cursors at gone, which is not in the list any more, to behind, which came
// after it; nil: it was last.
func (s *cursors[T]) moved(gone, behind *T) {
	for c := s.first; c != nil; c = c.next {
		if c.at == gone {
			c.at = behind
		}
	}
}
