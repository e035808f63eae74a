package coro_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
)

// newSender returns a kind whose tasks send their state, and newReceiver one whose
// tasks receive into it.
func newSender(c *coro.Chan[int], ended func(v int, err error)) *coro.Kind[int, none] {
	return coro.Define("sender", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return c.Send(f, 1, f.State)
		}
		ended(f.State, f.Err())
		return f.Return(none{})
	})
}

func newReceiver(c *coro.Chan[int], ended func(v int, err error)) *coro.Kind[int, none] {
	return coro.Define("receiver", func(f *coro.Frame[int, none]) coro.Step {
		if f.At() == 0 {
			return c.Recv(f, 1, &f.State)
		}
		ended(f.State, f.Err())
		return f.Return(none{})
	})
}

// chanModel is a channel that is obviously right.
type chanModel struct {
	capacity  int
	values    []int
	senders   []int // what they send
	receivers int
	received  []int
	sent      int
}

func (m *chanModel) send(v int) {
	switch {
	case m.receivers > 0:
		m.receivers--
		m.received = append(m.received, v)
		m.sent++
	case len(m.values) < m.capacity:
		m.values = append(m.values, v)
		m.sent++
	default:
		m.senders = append(m.senders, v)
	}
}

func (m *chanModel) recv(wait bool) {
	all := append(m.values[:len(m.values):len(m.values)], m.senders...)
	if len(all) == 0 {
		if wait {
			m.receivers++
		}
		return
	}
	m.received = append(m.received, all[0])
	all = all[1:]
	if len(m.senders) > 0 {
		m.sent++
	}
	n := min(m.capacity, len(all))
	m.values, m.senders = all[:n:n], all[n:]
}

func TestChanAgainstAModel(t *testing.T) {
	for _, capacity := range []int{0, 1, 2, 7} {
		c := coro.NewChan[int](capacity)
		require.Equal(t, capacity, c.Cap())
		var received []int
		sent := 0
		ex := newInline(t)
		send := newSender(c, func(_ int, err error) {
			if err == nil {
				sent++
			}
		})
		recv := newReceiver(c, func(v int, err error) {
			if err == nil {
				received = append(received, v)
			}
		})
		model := chanModel{capacity: capacity}
		rnd := rand.New(rand.NewPCG(3, uint64(capacity)))
		for i := range scaled(20_000) {
			sending := rnd.IntN(100) < 30+40*(i/100%2)
			switch rnd.IntN(4) {
			case 0:
				if sending {
					could := model.receivers > 0 || len(model.values) < capacity
					require.Equal(t, could, c.TrySend(i))
					if could {
						model.send(i)
						sent++
					}
				} else {
					v, ok := c.TryRecv()
					before := len(model.received)
					model.recv(false)
					require.Equal(t, len(model.received) > before, ok)
					if ok {
						received = append(received, v)
					}
				}
			default:
				if sending {
					require.NoError(t, coro.Go(ex, send, i))
					model.send(i)
				} else {
					require.NoError(t, coro.Go(ex, recv, 0))
					model.recv(true)
				}
			}
			require.Equal(t, len(model.values), c.Len())
			require.Equal(t, model.sent, sent)
			require.Equal(t, len(model.received), len(received))
			require.Equal(t, model.receivers+len(model.senders), liveIn(ex.Arena()))
		}
		require.Equal(t, model.received, received)
	}
}

func TestChanClose(t *testing.T) {
	ex := newInline(t)
	t.Run("with receivers", func(t *testing.T) {
		c := coro.NewChan[int](2)
		var errs []error
		recv := newReceiver(c, func(v int, err error) { errs = append(errs, err) })
		for range 3 {
			require.NoError(t, coro.Go(ex, recv, 0))
		}
		require.False(t, c.Closed())
		c.Close()
		require.True(t, c.Closed())
		require.NoError(t, coro.Go(ex, recv, 0))
		require.Equal(t, []error{coro.ErrChanClosed, coro.ErrChanClosed, coro.ErrChanClosed, coro.ErrChanClosed}, errs)
		_, ok := c.TryRecv()
		require.False(t, ok)
	})
	t.Run("with senders and values", func(t *testing.T) {
		c := coro.NewChan[int](2)
		var sent, received []int
		var failed []error
		send := newSender(c, func(v int, err error) {
			if err != nil {
				failed = append(failed, err)
			} else {
				sent = append(sent, v)
			}
		})
		recv := newReceiver(c, func(v int, err error) {
			if err != nil {
				failed = append(failed, err)
			} else {
				received = append(received, v)
			}
		})
		for i := range 4 {
			require.NoError(t, coro.Go(ex, send, i))
		}
		c.Close()
		require.Equal(t, []int{0, 1}, sent)
		require.Equal(t, []error{coro.ErrChanClosed, coro.ErrChanClosed}, failed)
		require.Equal(t, 2, c.Len())
		for range 3 {
			require.NoError(t, coro.Go(ex, recv, 0))
		}
		require.Equal(t, []int{0, 1}, received)
		require.Len(t, failed, 3)
	})
}

// Closing wakes with ErrChanClosed even if the context has ended meanwhile.
func TestChanCloseAndTheContext(t *testing.T) {
	ex := newManual(t, nil)
	c := coro.NewChan[int](0)
	ctx, cancel := context.WithCancel(context.Background())
	end := start(ctx, ex, waiting(func(f coro.AnyFrame, at int) coro.Step { return c.Recv(f, at, nil) }, func(error) {}).With(0))
	c.Close()
	cancel()
	require.Equal(t, 1, ex.runAll())
	_, err := end()
	require.True(t, err == coro.ErrChanClosed)
}

func TestChanMisuse(t *testing.T) {
	ex := newInline(t)
	c := coro.NewChan[int](1)
	outside := new(int)
	recv := coro.Define("recv", func(f *coro.Frame[int, int]) coro.Step { return c.Recv(f, 1, outside) })
	_, err := coro.Run(context.Background(), ex, recv.With(0))
	requireMisuse(t, err, `coro: task "recv": what Recv receives must go to a field of the frame's State or held part (or to nil): another address may be gone when a value comes`)

	c.Close()
	const sends = "coro: a Send to a Chan that is closed: let the sender close it, after its last Send"
	send := newSender(c, func(int, error) { t.Error("it was sent") })
	_, err = coro.Run(context.Background(), ex, send.With(0))
	requireMisuse(t, err, sends)
	require.PanicsWithValue(t, sends, func() { c.TrySend(1) })
	require.PanicsWithValue(t, "coro: Close of a Chan that is closed: let one task close it, once", c.Close)
	require.True(t, c.Closed(), "it was left unlocked")

	require.PanicsWithValue(t, "coro: NewChan needs a capacity that is not negative", func() { coro.NewChan[int](-1) })
	type message struct {
		ID   int
		Text [2]struct{ S string }
	}
	messages := coro.NewChan[message](1)
	var where message
	get := coro.Define("get", func(f *coro.Frame[int, int]) coro.Step { return messages.Recv(f, 1, &where) }) //framearena:ignore on purpose
	_, err = coro.Run(context.Background(), ex, get.With(0))
	requireMisuse(t, err, `coro: task "get": what Recv receives must go to a field of the task's held part (or to nil), since its element field .Text[0].S (string) holds a Go pointer`)
	require.Zero(t, liveIn(ex.Arena()))
}

// Values of all sizes, in the right place and order, from many tasks to many.
func TestChanProducersAndConsumers(t *testing.T) {
	for _, procs := range []int{1, 2, 4, 8} {
		for _, capacity := range []int{0, 1, 100} {
			producersAndConsumers(t, procs, capacity, scaled(3000))
		}
	}
}

func producersAndConsumers(t *testing.T, procs, capacity, each int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	const producers, consumers = 20, 30
	type value struct {
		producer, number int
		check            [9]uint32
	}
	type producing struct{ v value }
	type consuming struct {
		before uint64
		v      value
		after  uint64
		last   [producers]int32
	}
	c := coro.NewChan[value](capacity)
	var open, received, sum atomic.Int64
	open.Store(producers)
	produce := coro.Define("produce", func(f *coro.Frame[producing, none]) coro.Step {
		v := &f.State.v
		if f.Err() != nil {
			return f.Fail(f.Err())
		}
		if v.number++; v.number > each {
			if open.Add(-1) == 0 {
				c.Close()
			}
			return f.Return(none{})
		}
		for i := range v.check {
			v.check[i] = uint32(v.number * (v.producer + i))
		}
		return c.Send(f, 1, *v)
	})
	consume := coro.Define("consume", func(f *coro.Frame[consuming, none]) coro.Step {
		s := &f.State
		if f.At() == 0 {
			s.before, s.after = 1, 2
			return c.Recv(f, 1, &s.v)
		}
		if f.Err() == coro.ErrChanClosed {
			return f.Return(none{})
		} else if f.Err() != nil {
			return f.Fail(f.Err())
		}
		for i, got := range s.v.check {
			if got != uint32(s.v.number*(s.v.producer+i)) {
				t.Errorf("a value is broken: %+v", s.v)
			}
		}
		if s.before != 1 || s.after != 2 {
			t.Error("a value went over its place")
		}
		if s.last[s.v.producer] >= int32(s.v.number) {
			t.Error("the values of a producer are out of order")
		}
		s.last[s.v.producer] = int32(s.v.number)
		received.Add(1)
		sum.Add(int64(s.v.number))
		return c.Recv(f, 1, &s.v)
	})
	ex, other := newPool(t), newPool(t, executor.WithWorkers(3))
	var wg sync.WaitGroup
	for range consumers {
		wg.Go(func() {
			if _, err := coro.Run(context.Background(), ex, consume.With(consuming{})); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range producers {
		wg.Go(func() {
			if _, err := coro.Run(context.Background(), other, produce.With(producing{value{producer: i}})); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int64(producers*each), received.Load())
	require.Equal(t, int64(producers*each*(each+1)/2), sum.Load())
}

// Senders and receivers that are cancelled at any time: a value is received if and
// only if it was sent.
func TestChanLosesNothingInCancellation(t *testing.T) {
	for _, capacity := range []int{0, 1, 3} {
		c := coro.NewChan[int](capacity)
		const tasks = 40
		var sent, received [tasks]atomic.Int32
		send := newSender(c, func(v int, err error) {
			if err == nil {
				sent[v].Add(1)
			}
		})
		recv := newReceiver(c, func(v int, err error) {
			if err == nil {
				received[v].Add(1)
			} else if v != -1 {
				t.Error("a value and an error")
			}
		})
		ex := newPool(t, executor.WithWorkers(3))
		rnd := rand.New(rand.NewPCG(5, uint64(capacity)))
		for range scaled(200) {
			var wg sync.WaitGroup
			for i := range tasks {
				ctx, cancel := context.WithCancel(context.Background())
				quick := rnd.IntN(2) == 0
				launch := func(k *coro.Kind[int, none], state int) {
					wg.Go(func() {
						if quick {
							runtime.Gosched()
							cancel()
						}
						if _, err := coro.Run(ctx, ex, k.With(state)); err != nil {
							t.Error(err)
						}
					})
				}
				launch(send, i)
				launch(recv, -1)
				wg.Go(func() {
					for range i % 7 {
						runtime.Gosched()
					}
					cancel()
				})
			}
			wg.Wait()
			for {
				v, ok := c.TryRecv()
				if !ok {
					break
				}
				received[v].Add(1)
			}
			for i := range tasks {
				require.Equal(t, sent[i].Load(), received[i].Load())
			}
		}
	}
}

// Receivers get values in the order in which they came, and so do senders get room.
func TestChanOrder(t *testing.T) {
	ex := newInline(t)
	c := coro.NewChan[int](0)
	var order strings.Builder
	recv := coro.Define("recv", func(f *coro.Frame[[2]int, none]) coro.Step {
		if f.At() == 0 {
			return c.Recv(f, 1, &f.State[1])
		}
		order.WriteByte('a' + byte(f.State[0]))
		order.WriteByte('0' + byte(f.State[1]))
		return f.Return(none{})
	})
	for i := range 4 {
		require.NoError(t, coro.Go(ex, recv, [2]int{i}))
	}
	for i := range 4 {
		require.True(t, c.TrySend(i))
	}
	require.Equal(t, "a0b1c2d3", order.String())
	require.False(t, c.TrySend(5))
}
