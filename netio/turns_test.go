package netio

import (
	"net"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

// busyTask is a task that finds all that it needs, and does not wait. done says how much of it has passed.
type busyTask func(t *task.T, done *int) error

// besides calls f, and returns how much f had done when a second task had its first turn.
func besides(t *task.T, f busyTask) (seen int, err error) {
	var g task.Group
	done := 0
	g.Go(t, func(t *task.T) error { return f(t, &done) })
	g.Go(t, func(*task.T) error {
		seen = done
		return nil
	})
	return seen, g.Wait(t)
}

// turns is how often a busy task of the test below does the same, without a wait.
const turns = 100

func (b *busyTest) read(t *task.T, done *int) error {
	var buf [10]byte
	for ; *done < turns; *done++ {
		if _, err := b.c.Read(t, buf[:]); err != nil {
			return err
		}
	}
	return nil
}

func (b *busyTest) readLease(t *task.T, done *int) error {
	for ; *done < turns; *done++ {
		l, err := b.c.ReadLease(t, 10)
		if err != nil {
			return err
		}
		l.End()
	}
	return nil
}

func (b *busyTest) tryRead(t *task.T, done *int) error {
	var buf [10]byte
	for ; *done < turns; *done++ {
		if err := b.c.Readable(t); err != nil {
			return err
		}
		if _, err := b.c.TryRead(buf[:]); err != nil {
			return err
		}
	}
	return nil
}

func (b *busyTest) readFrom(t *task.T, done *int) error {
	var buf [10]byte
	for ; *done < turns; *done++ {
		if _, _, err := b.packets.ReadFrom(t, buf[:]); err != nil {
			return err
		}
	}
	return nil
}

func (b *busyTest) readBatch(t *task.T, done *int) error {
	ps := []Packet{{Bytes: make([]byte, 10)}}
	for ; *done < turns; *done++ {
		if _, err := b.packets.ReadBatch(t, ps); err != nil {
			return err
		}
	}
	return nil
}

// splice and the next one do all at once, so done changes at their end.
func (b *busyTest) splice(t *task.T, done *int) error {
	_, err := Splice(t, b.to, b.c)
	*done = turns
	return err
}

func (b *busyTest) copyFile(t *task.T, done *int) error {
	_, err := b.to.copyFile(t, b.file, 0, -1)
	*done = turns
	return err
}

// busyTest has what the busyTask tasks read and write.
type busyTest struct {
	c, to   Conn
	packets PacketConn
	file    *os.File
}

// After some reads or writes without a wait, others have their turn on the only worker.
func TestTurns(t *testing.T) {
	for name, f := range map[string]func(*busyTest) busyTask{
		"Read":      func(b *busyTest) busyTask { return b.read },
		"ReadLease": func(b *busyTest) busyTask { return b.readLease },
		"TryRead":   func(b *busyTest) busyTask { return b.tryRead },
		"ReadFrom":  func(b *busyTest) busyTask { return b.readFrom },
		"ReadBatch": func(b *busyTest) busyTask { return b.readBatch },
		"Splice":    func(b *busyTest) busyTask { return b.splice },
		"SendFile":  func(b *busyTest) busyTask { return b.copyFile },
	} {
		t.Run(name, func(t *testing.T) {
			pool := executor.NewPool(executor.WithWorkers(1))
			t.Cleanup(func() { require.NoError(t, pool.Close()) })
			n, err := Open(pool, WithBudget(10))
			require.NoError(t, err)
			t.Cleanup(func() { _ = n.Close() })
			b := &busyTest{file: fileOf(t, pattern(10*turns)), packets: listenPacket(t, n)}
			b.to, _ = pair(t, n)

			l, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer l.Close()
			peer, err := net.Dial("tcp", l.Addr().String())
			require.NoError(t, err)
			require.NoError(t, peer.Close()) // no more than what follows
			nc, err := l.Accept()
			require.NoError(t, err)
			b.c, err = n.Adopt(nc, pattern(10*turns))
			require.NoError(t, err)

			sender, _ := udpPeer(t)
			for range turns {
				_, err := sender.WriteToUDPAddrPort([]byte("x"), port(b.packets))
				require.NoError(t, err)
			}
			seen, err := task.Run(t.Context(), pool, task.Call1(besides, f(b)), task.RequireCompiled())
			require.NoError(t, err)
			require.Less(t, seen, turns)
		})
	}
}
