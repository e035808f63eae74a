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
	proxies := 0
	inProxies := q.proxied != nil && q.proxied.inProxies
	ok = true
	var prev *header
	for h := q.frames.head; h != nil; prev, h = h, h.nextInQueue() {
		if h.layout&flagProxy != 0 {
			p := h.proxy()
			if p.prev.get() != prev || p.number < 0 || !inProxies && used[p.number] {
				ok = false
			}
			used[p.number] = true
			proxies++
		}
		n++
	}
	if n != q.frames.n || q.frames.tail != prev {
		ok = false
	}
	if q.proxied != nil {
		room = len(q.proxied.values)
		if !inProxies && len(used)+len(q.proxied.free) != room || q.proxied.visits < proxies {
			ok = false
		}
	}
	return n, room, ok && q.arguments.n == n-proxies
}
