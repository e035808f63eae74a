package timerwheel

import (
	"fmt"
	"math/bits"
)

// Validate checks the wheel's accounting, its links and where its Nodes are. It looks at every
// Node. Tests call it.
func (w *Wheel) Validate() error {
	n := 0
	var inUse uint32
	for i := range w.lists {
		count, err := w.validateList(i)
		if err != nil {
			return err
		}
		n += count
		if i >= listFalling {
			continue
		}
		if count > 0 != (w.used[i/slots]>>(i%slots)&1 == 1) {
			return fmt.Errorf("slot %d has %d nodes, and a bit that says something else", i, count)
		}
		if count > 0 {
			inUse |= 1 << (i / slots)
		}
	}
	if inUse != w.levels {
		return fmt.Errorf("levels are %b and should be %b", w.levels, inUse)
	}
	if n != w.n {
		return fmt.Errorf("the wheel counts %d nodes and has %d", w.n, n)
	}
	return nil
}

// validateList returns how many Nodes are in a list.
func (w *Wheel) validateList(i int) (n int, err error) {
	end := &w.lists[i]
	for l := end; ; n++ {
		next := l.next.Get()
		if next.prev.Get() != l {
			return n, fmt.Errorf("list %d is not linked alike in both directions", i)
		}
		if l = next; l == end {
			return n, nil
		}
		if when := l.node().When; !w.belongs(w.tickAfter(when), i) {
			return n, fmt.Errorf("at tick %d, a node for %d is in list %d", w.tick, when, i)
		}
	}
}

// belongs reports whether a Node with the tick at may be in list i.
func (w *Wheel) belongs(at uint64, i int) bool {
	switch {
	case i == listDue:
		return at <= w.tick
	case i == listFalling:
		return at >= w.tick
	case at <= w.tick:
		return false
	}
	level := (bits.Len64(at^w.tick) - 1) / slotBits
	return i == level*slots+int(at>>(level*slotBits)%slots)
}
