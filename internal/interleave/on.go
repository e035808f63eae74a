//go:build framearena_explore

package interleave

import (
	"sync"
	"sync/atomic"
	"unsafe"
)

// Enabled reports whether this is a build with the tag framearena_explore.
const Enabled = true

// cell is an atomic variable.
type cell[V comparable] interface {
	Load() V
	Store(V)
	Swap(V) V
	CompareAndSwap(old, new V) bool
}

func load[V comparable](c cell[V], at unsafe.Pointer) (v V) {
	r, s := exploring()
	if r == nil {
		return c.Load()
	}
	if r.effect(s, opLoad) != Blind {
		r.point(opLoad, at, s, nil)
		v = c.Load()
	} else {
		r.point(opLoad, at, s, nil)
	}
	r.saw(v)
	return v
}

func store[V comparable](c cell[V], at unsafe.Pointer, v V) {
	r, s := exploring()
	if r == nil {
		c.Store(v)
		return
	}
	r.point(opStore, at, s, nil)
	r.saw(v)
	if r.effect(s, opStore) != Skipped {
		c.Store(v)
	}
}

// update is a read-modify-write operation. f returns what to store, and whether to store it.
func update[V comparable](kind opKind, c cell[V], at unsafe.Pointer, f func(old V) (V, bool)) (old V, ok bool) {
	r, s := exploring()
	if r == nil {
		for {
			old = c.Load()
			v, ok := f(old)
			if !ok || c.CompareAndSwap(old, v) {
				return old, ok
			}
		}
	}
	switch r.effect(s, kind) {
	case Torn:
		r.point(opLoad, at, s, nil)
		old = c.Load()
		r.saw(old)
		v, ok := f(old)
		if ok {
			r.point(opStore, at, s, nil)
			r.saw(v)
			c.Store(v)
		}
		return old, ok
	case Failing:
		r.point(kind, at, s, nil)
		return c.Load(), false
	case Skipped:
		r.point(kind, at, s, nil)
		old = c.Load()
		r.saw(old)
		_, ok := f(old)
		return old, ok
	case Unfenced:
		r.point(opLoad, at, s, nil)
		old = c.Load()
		v, ok := f(old)
		r.saw(v)
		if p, is := any(v).(uintptr); is && ok {
			r.delay((*uintptr)(at), p, s)
		} else if ok {
			c.Store(v)
		}
		return old, ok
	}
	r.point(kind, at, s, nil)
	old = c.Load()
	v, ok := f(old)
	if ok {
		c.Store(v)
	}
	r.saw(change[V]{old, v, ok})
	return old, ok
}

// change is what an update did.
type change[V any] struct {
	old, new V
	done     bool
}

func swap[V comparable](c cell[V], at unsafe.Pointer, v V) V {
	old, _ := update(opSwap, c, at, func(V) (V, bool) { return v, true })
	return old
}

func cas[V comparable](c cell[V], at unsafe.Pointer, old, new V) bool {
	_, ok := update(opCAS, c, at, func(v V) (V, bool) { return new, v == old })
	return ok
}

func add[V int32 | int64 | uint32 | uint64](c cell[V], at unsafe.Pointer, d V) V {
	old, _ := update(opAdd, c, at, func(v V) (V, bool) { return v + d, true })
	return old + d
}

func or[V uint32 | uint64](c cell[V], at unsafe.Pointer, mask V) V {
	old, _ := update(opOr, c, at, func(v V) (V, bool) { return v | mask, true })
	return old
}

// Bool is an atomic.Bool.
type Bool struct{ v atomic.Bool }

func (x *Bool) Load() bool       { return load[bool](&x.v, unsafe.Pointer(x)) }
func (x *Bool) Store(v bool)     { store[bool](&x.v, unsafe.Pointer(x), v) }
func (x *Bool) Swap(v bool) bool { return swap[bool](&x.v, unsafe.Pointer(x), v) }
func (x *Bool) CompareAndSwap(old, new bool) bool {
	return cas[bool](&x.v, unsafe.Pointer(x), old, new)
}

// Int32 is an atomic.Int32.
type Int32 struct{ v atomic.Int32 }

func (x *Int32) Load() int32        { return load[int32](&x.v, unsafe.Pointer(x)) }
func (x *Int32) Store(v int32)      { store[int32](&x.v, unsafe.Pointer(x), v) }
func (x *Int32) Add(d int32) int32  { return add[int32](&x.v, unsafe.Pointer(x), d) }
func (x *Int32) Swap(v int32) int32 { return swap[int32](&x.v, unsafe.Pointer(x), v) }
func (x *Int32) CompareAndSwap(old, new int32) bool {
	return cas[int32](&x.v, unsafe.Pointer(x), old, new)
}

// Int64 is an atomic.Int64.
type Int64 struct{ v atomic.Int64 }

func (x *Int64) Load() int64        { return load[int64](&x.v, unsafe.Pointer(x)) }
func (x *Int64) Store(v int64)      { store[int64](&x.v, unsafe.Pointer(x), v) }
func (x *Int64) Add(d int64) int64  { return add[int64](&x.v, unsafe.Pointer(x), d) }
func (x *Int64) Swap(v int64) int64 { return swap[int64](&x.v, unsafe.Pointer(x), v) }
func (x *Int64) CompareAndSwap(old, new int64) bool {
	return cas[int64](&x.v, unsafe.Pointer(x), old, new)
}

// Uint32 is an atomic.Uint32.
type Uint32 struct{ v atomic.Uint32 }

func (x *Uint32) Load() uint32         { return load[uint32](&x.v, unsafe.Pointer(x)) }
func (x *Uint32) Store(v uint32)       { store[uint32](&x.v, unsafe.Pointer(x), v) }
func (x *Uint32) Add(d uint32) uint32  { return add[uint32](&x.v, unsafe.Pointer(x), d) }
func (x *Uint32) Or(m uint32) uint32   { return or[uint32](&x.v, unsafe.Pointer(x), m) }
func (x *Uint32) Swap(v uint32) uint32 { return swap[uint32](&x.v, unsafe.Pointer(x), v) }
func (x *Uint32) CompareAndSwap(old, new uint32) bool {
	return cas[uint32](&x.v, unsafe.Pointer(x), old, new)
}

// Uint64 is an atomic.Uint64.
type Uint64 struct{ v atomic.Uint64 }

func (x *Uint64) Load() uint64         { return load[uint64](&x.v, unsafe.Pointer(x)) }
func (x *Uint64) Store(v uint64)       { store[uint64](&x.v, unsafe.Pointer(x), v) }
func (x *Uint64) Add(d uint64) uint64  { return add[uint64](&x.v, unsafe.Pointer(x), d) }
func (x *Uint64) Or(m uint64) uint64   { return or[uint64](&x.v, unsafe.Pointer(x), m) }
func (x *Uint64) Swap(v uint64) uint64 { return swap[uint64](&x.v, unsafe.Pointer(x), v) }
func (x *Uint64) CompareAndSwap(old, new uint64) bool {
	return cas[uint64](&x.v, unsafe.Pointer(x), old, new)
}

// Uintptr is an atomic.Uintptr.
type Uintptr struct{ v atomic.Uintptr }

func (x *Uintptr) Load() uintptr   { return load[uintptr](&x.v, unsafe.Pointer(x)) }
func (x *Uintptr) Store(v uintptr) { store[uintptr](&x.v, unsafe.Pointer(x), v) }

// Pointer is an atomic.Pointer.
type Pointer[T any] struct{ v atomic.Pointer[T] }

func (x *Pointer[T]) Load() *T     { return load[*T](&x.v, unsafe.Pointer(x)) }
func (x *Pointer[T]) Store(v *T)   { store[*T](&x.v, unsafe.Pointer(x), v) }
func (x *Pointer[T]) Swap(v *T) *T { return swap[*T](&x.v, unsafe.Pointer(x), v) }
func (x *Pointer[T]) CompareAndSwap(old, new *T) bool {
	return cas[*T](&x.v, unsafe.Pointer(x), old, new)
}

// Mutex is a sync.Mutex.
type Mutex struct {
	mu   sync.Mutex
	held bool
}

func (m *Mutex) Lock() {
	if r, s := exploring(); r != nil {
		if r.effect(s, opLock) == Skipped {
			r.point(opTouch, unsafe.Pointer(m), s, nil)
			return
		}
		r.point(opLock, unsafe.Pointer(m), s, func() bool { return !m.held })
	}
	m.mu.Lock()
	m.held = true
}

func (m *Mutex) TryLock() bool {
	if r, s := exploring(); r != nil {
		r.point(opTryLock, unsafe.Pointer(m), s, nil)
	}
	ok := m.mu.TryLock()
	if ok {
		m.held = true
	}
	return ok
}

func (m *Mutex) Unlock() {
	if r, s := exploring(); r != nil {
		if r.effect(s, opLock) == Skipped {
			r.point(opTouch, unsafe.Pointer(m), s, nil)
			return
		}
		r.point(opUnlock, unsafe.Pointer(m), s, nil)
	}
	if !m.held {
		panic("interleave: Unlock of a Mutex that is not locked")
	}
	m.held = false
	m.mu.Unlock()
}

// Once is a sync.Once.
type Once struct {
	mu   Mutex
	done bool
}

func (o *Once) Do(f func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.done {
		defer func() { o.done = true }()
		f()
	}
}

// Pool is a sync.Pool that always returns what was put last, but nothing from another
// execution: so the same choices give the same execution.
type Pool struct {
	New  func() any
	of   *Run
	free []any
}

func (p *Pool) Get() any {
	if r, s := exploring(); r != nil {
		r.point(opTouch, unsafe.Pointer(p), s, nil)
	}
	if r := current.Load(); r != nil && p.of == r && len(p.free) > 0 {
		last := len(p.free) - 1
		v := p.free[last]
		p.free = p.free[:last]
		return v
	}
	if p.New == nil {
		return nil
	}
	return p.New()
}

func (p *Pool) Put(v any) {
	if r, s := exploring(); r != nil {
		r.point(opTouch, unsafe.Pointer(p), s, nil)
	}
	r := current.Load()
	if r == nil {
		return
	}
	if p.of != r {
		p.of, p.free = r, nil
	}
	p.free = append(p.free, v)
}

// Send is c <- v, on a channel with a buffer.
func Send[T any](c chan<- T, v T) {
	if r, s := exploring(); r != nil {
		if r.effect(s, opSend) == Skipped {
			r.point(opTouch, *(*unsafe.Pointer)(unsafe.Pointer(&c)), s, nil)
			return
		}
		r.point(opSend, *(*unsafe.Pointer)(unsafe.Pointer(&c)), s, func() bool { return len(c) < cap(c) })
	}
	c <- v
}

// Receive is <-c, on a channel with a buffer that is never closed.
func Receive[T any](c <-chan T) (v T) {
	if r, s := exploring(); r != nil {
		if r.effect(s, opReceive) == Skipped {
			r.point(opTouch, *(*unsafe.Pointer)(unsafe.Pointer(&c)), s, nil)
			return v
		}
		r.point(opReceive, *(*unsafe.Pointer)(unsafe.Pointer(&c)), s, func() bool { return len(c) > 0 })
	}
	return <-c
}

// TrySend sends v if it does not have to wait.
func TrySend[T any](c chan<- T, v T) {
	if r, s := exploring(); r != nil {
		r.point(opTrySend, *(*unsafe.Pointer)(unsafe.Pointer(&c)), s, nil)
		if r.effect(s, opTrySend) == Skipped {
			return
		}
	}
	select {
	case c <- v:
	default:
	}
}

// int32Cell is an integer that is used with the functions of this package.
type int32Cell int32

func (c *int32Cell) word() *int32 { return (*int32)(c) }

func (c *int32Cell) Load() int32        { return atomic.LoadInt32(c.word()) }
func (c *int32Cell) Store(v int32)      { atomic.StoreInt32(c.word(), v) }
func (c *int32Cell) Swap(v int32) int32 { return atomic.SwapInt32(c.word(), v) }
func (c *int32Cell) CompareAndSwap(old, new int32) bool {
	return atomic.CompareAndSwapInt32(c.word(), old, new)
}

// LoadInt32 is atomic.LoadInt32.
func LoadInt32(p *int32) int32 { return load[int32]((*int32Cell)(p), unsafe.Pointer(p)) }

// AddInt32 is atomic.AddInt32.
func AddInt32(p *int32, d int32) int32 { return add[int32]((*int32Cell)(p), unsafe.Pointer(p), d) }

// uintptrCell is an integer that is used with the functions of this package. A thread that does
// not own a store in a buffer sees the value before that store.
type uintptrCell uintptr

func (c *uintptrCell) word() *uintptr { return (*uintptr)(c) }

func (c *uintptrCell) Load() uintptr {
	if h := hiddenFrom(c.word()); h != nil {
		return h.visible
	}
	return atomic.LoadUintptr(c.word())
}

func (c *uintptrCell) Store(v uintptr) {
	if h := hiddenFrom(c.word()); h != nil {
		h.visible = v
		return
	}
	atomic.StoreUintptr(c.word(), v)
}

func (c *uintptrCell) Swap(v uintptr) uintptr {
	old := c.Load()
	c.Store(v)
	return old
}

func (c *uintptrCell) CompareAndSwap(old, new uintptr) bool {
	if c.Load() != old {
		return false
	}
	c.Store(new)
	return true
}

// LoadUintptr is atomic.LoadUintptr.
func LoadUintptr(p *uintptr) uintptr { return load[uintptr]((*uintptrCell)(p), unsafe.Pointer(p)) }

// SwapUintptr is atomic.SwapUintptr.
func SwapUintptr(p *uintptr, v uintptr) uintptr {
	return swap[uintptr]((*uintptrCell)(p), unsafe.Pointer(p), v)
}

// CompareAndSwapUintptr is atomic.CompareAndSwapUintptr.
func CompareAndSwapUintptr(p *uintptr, old, new uintptr) bool {
	return cas[uintptr]((*uintptrCell)(p), unsafe.Pointer(p), old, new)
}

// StoreRelease is a store that only releases: a thread that loads the value sees everything that
// was written before. It is no barrier: other threads may see the store only after later
// loads of this thread. One thread at a time owns p: it alone stores there, and may also read
// *p directly.
func StoreRelease(p *uintptr, v uintptr) {
	r, s := exploring()
	if r == nil {
		atomic.StoreUintptr(p, v)
		return
	}
	r.delay(p, v, s)
}
