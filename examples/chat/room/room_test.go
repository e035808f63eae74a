package room_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/examples/chat/room"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/testkit/framesize"
	"github.com/framearena/framearena/task"
)

// each runs a test with all rooms, in bubbles whose time passes while all goroutines wait.
func each(t *testing.T, ping time.Duration, test func(t *testing.T, r room.Room)) {
	t.Run("tasks", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pool := executor.NewPool(executor.WithWorkers(2))
			test(t, &room.Tasks{Pool: pool, Ping: ping})
			require.NoError(t, pool.Close()) // an arena.ErrLeak if a frame were live
		})
	})
	t.Run("plain", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			pool := executor.NewPool(executor.WithWorkers(2))
			test(t, &room.Plain{Pool: pool, Ping: ping})
			require.NoError(t, pool.Close())
		})
		require.Empty(t, slices.Collect(task.UncompiledFunctions()))
	})
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, &room.Goroutines{Ping: ping}) })
	})
}

// log is a Line that keeps what it gets.
type log struct {
	mu    sync.Mutex // guards texts: the test reads them too
	texts []string
	block chan struct{} // if not nil, the first Send waits for it
}

func (l *log) add(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, text)
}

func (l *log) Send(text string) {
	l.add(text)
	if l.block != nil {
		<-l.block
	}
}

func (l *log) Ping() { l.add("ping") }

func (l *log) read() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string{}, l.texts...)
}

func TestMessagesAndPings(t *testing.T) {
	each(t, time.Minute, func(t *testing.T, r room.Room) {
		var ada, bob log
		leaveAda, err := r.Join(&ada)
		require.NoError(t, err)
		leaveBob, err := r.Join(&bob)
		require.NoError(t, err)
		synctest.Wait()
		require.Zero(t, r.Say("hello"))
		require.Equal(t, []string{"hello"}, ada.read())
		require.Equal(t, []string{"hello"}, bob.read())

		leaveBob()
		leaveBob() // it has left already
		require.Zero(t, r.Say("is somebody there?"))
		time.Sleep(90 * time.Second)
		require.Equal(t, []string{"hello", "is somebody there?", "ping"}, ada.read())
		require.Equal(t, []string{"hello"}, bob.read())
		leaveAda()
		require.NoError(t, r.Wait())
	})
}

// A member whose line is slow misses messages, and nobody waits for it.
func TestASlowMember(t *testing.T) {
	each(t, time.Hour, func(t *testing.T, r room.Room) {
		slow := log{block: make(chan struct{})}
		var quick log
		leaveSlow, err := r.Join(&slow)
		require.NoError(t, err)
		leaveQuick, err := r.Join(&quick)
		require.NoError(t, err)
		synctest.Wait()
		missed := 0
		for i := range 10 {
			missed += r.Say("x")
			require.Len(t, quick.read(), i+1)
		}
		require.Equal(t, 10-1-room.Inbox, missed)
		close(slow.block)
		require.Len(t, slow.read(), 1+room.Inbox)
		require.Len(t, quick.read(), 10)
		leaveSlow()
		leaveQuick()
		require.NoError(t, r.Wait())
	})
}

func TestAnEvening(t *testing.T) {
	pool, plainPool := executor.NewPool(), executor.NewPool()
	for _, r := range []room.Room{&room.Tasks{Pool: pool, Ping: time.Hour}, &room.Plain{Pool: plainPool, Ping: time.Hour}, &room.Goroutines{Ping: time.Hour}} {
		full := 0
		delivered, err := room.Evening(r, 300, 5, func() { full++ })
		require.NoError(t, err)
		require.EqualValues(t, 1500, delivered)
		require.Equal(t, 1, full)
	}
	require.NoError(t, pool.Close())
	require.NoError(t, plainPool.Close())
}

// The frames of the plain form are not larger than those of steps written by hand.
func TestFrameSizes(t *testing.T) {
	require.LessOrEqual(t, framesize.Of(t, "plain.go", "attend"), framesize.Of(t, "tasks.go", "member"))
}
