package coro

// Waiting returns how many tasks and cases of Selects wait to receive and to send, and
// how many arguments of cases the channel has room for. ok is false if its queues are not
// linked as they should be.
func (c *Chan[T]) Waiting() (receivers, senders, room int, ok bool) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	r, rRoom, rOK := c.receivers.inspect()
	if c.senders == nil {
		return r, 0, rRoom, rOK
	}
	s, sRoom, sOK := c.senders.inspect()
	return r, s, rRoom + sRoom, rOK && sOK
}

// inspect walks the queue.
func (q *fifo[V]) inspect() (n, room int, ok bool) {
	used := map[uintptr]bool{}
	proxies, numbered := 0, 0
	var table *argumentTable[V]
	if q.numbered != nil {
		table = q.numbered.apart
	}
	ok = true
	var prev *header
	for h := q.head; h != nil; prev, h = h, h.nextInWait() {
		n++
		if h.layout&(flagProxy|flagListed) == 0 {
			continue
		}
		numbered++
		if h.layout&flagProxy != 0 {
			proxies++
		}
		number := *h.argument()
		if h.prevInWait() != prev || h.layout&flagProxy != 0 && h.proxy().number != 0 || table != nil && used[number] {
			ok = false
		}
		used[number] = true
	}
	if n != int(q.n) || q.tail != prev {
		ok = false
	}
	if q.numbered != nil {
		if table != nil {
			room = len(table.values)
		}
		if table != nil && len(used)+len(table.free) != room || q.numbered.visits < proxies {
			ok = false
		}
	}
	plain := 0
	if q.arguments != nil {
		plain = q.arguments.n
	}
	return n, room, ok && plain == n-numbered
}

// Room returns how many values the channel has room for now.
func (c *Chan[T]) Room() int {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	if c.values == nil {
		return 0
	}
	return len(c.values.values)
}
