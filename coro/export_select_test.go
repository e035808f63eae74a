package coro

// Waiting returns how many tasks and cases of Selects wait to receive and to send, and
// how many arguments of cases the channel has room for. ok is false if its queues are not
// linked as they should be.
func (c *Chan[T]) Waiting() (receivers, senders, room int, ok bool) {
	c.lock.mu.Lock()
	defer c.lock.mu.Unlock()
	r, rRoom, rOK := c.receivers.inspect()
	s, sRoom, sOK := c.senders.inspect()
	return r, s, rRoom + sRoom, rOK && sOK
}

// inspect walks the queue.
func (q *fifo[V]) inspect() (n, room int, ok bool) {
	used := map[int32]bool{}
	ok = true
	var prev *header
	proxies := 0
	for h := q.head; h != nil; prev, h = h, h.nextInWait() {
		number := int32(-1)
		switch {
		case h.layout&flagProxy != 0:
			number = h.proxy().number
			proxies++
		case h.layout&flagListed != 0:
			number = h.node().number
		default:
			n++
			continue
		}
		if h.prevInWait() != prev || number < 0 || used[number] {
			ok = false
		}
		used[number] = true
		n++
	}
	if n != q.n || q.tail != prev {
		ok = false
	}
	if q.numbered != nil {
		room = len(q.numbered.values)
		if len(used)+len(q.numbered.free) != room || q.numbered.visits < proxies {
			ok = false
		}
	}
	return n, room, ok && q.arguments.n == n-len(used)
}
