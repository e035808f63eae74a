package netio

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/task"
)

var _ [8]byte = [unsafe.Sizeof(PacketConn{})]byte{}

// listenPacket returns a socket on a port of 127.0.0.1.
func listenPacket(t *testing.T, n *Net, opts ...PacketOption) PacketConn {
	c, err := n.ListenPacket(t.Context(), "udp", "127.0.0.1:0", opts...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// port returns the address of a socket.
func port(c PacketConn) netip.AddrPort { return c.LocalAddr().(*net.UDPAddr).AddrPort() }

// udpPeer returns a socket of package net, whose reads end the test if nothing comes.
func udpPeer(t *testing.T) (*net.UDPConn, netip.AddrPort) {
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	require.NoError(t, peer.SetDeadline(time.Now().Add(wait)))
	t.Cleanup(func() { _ = peer.Close() })
	return peer, peer.LocalAddr().(*net.UDPAddr).AddrPort()
}

// hasAddress reports whether the machine has an address.
func hasAddress(t *testing.T, ip string) bool {
	addrs, err := net.InterfaceAddrs()
	require.NoError(t, err)
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		n, ok := a.(*net.IPNet)
		return ok && n.IP.Equal(net.ParseIP(ip))
	})
}

// answer writes datagrams back, until it fails. While nothing comes, it holds no buffer.
func answer(t *task.T, n *Net, c PacketConn) error {
	for {
		if err := c.Readable(t); err != nil {
			return err
		}
		l, err := n.Lease(t, 64<<10)
		if err != nil {
			return err
		}
		k, from, err := c.TryReadFrom(l.Bytes)
		if err == nil {
			_, err = c.WriteTo(t, l.Bytes[:k], from)
		}
		l.End()
		if err != nil && err != ErrNotReady {
			return err
		}
	}
}

func TestPacketEcho(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c := listenPacket(t, n)
		to := port(c)
		answered, err := task.Start(n.executor, task.Do2(answer, n, c), form)
		require.NoError(t, err)
		peer, _ := udpPeer(t)
		for _, size := range []int{1, 0, 1000, 9000, 3} {
			b := make([]byte, size)
			for i := range b {
				b[i] = byte(size + i)
			}
			_, err = peer.WriteToUDPAddrPort(b, to)
			require.NoError(t, err)
			got := make([]byte, 10000)
			k, from, err := peer.ReadFromUDPAddrPort(got)
			require.NoError(t, err)
			require.Equal(t, b, got[:k])
			require.Equal(t, to, from)
		}
		require.NoError(t, c.Close())
		_, err = answered.WaitContext(t.Context())
		require.ErrorIs(t, err, net.ErrClosed)
		require.Zero(t, n.Stats().Open)
		require.Zero(t, n.Stats().Leased)
	})
}

type received struct {
	n    int
	from netip.AddrPort
}

func readPacket(t *task.T, c PacketConn, b []byte) (r received, err error) {
	r.n, r.from, err = c.ReadFrom(t, b)
	return r, err
}

func writePacket(t *task.T, c PacketConn, b []byte, to netip.AddrPort) (int, error) {
	return c.WriteTo(t, b, to)
}

// gather reads datagrams in batches until it has want, and sends them back as they are.
func gather(t *task.T, c PacketConn, want int) (got []string, err error) {
	ps := make([]Packet, 100)
	for i := range ps {
		ps[i].Bytes = make([]byte, 8)
	}
	for len(got) < want {
		n, err := c.ReadBatch(t, ps)
		if err != nil {
			return got, err
		}
		for _, p := range ps[:n] {
			got = append(got, fmt.Sprint(string(p.Bytes[:p.N]), " ", p.Addr, " ", p.Truncated))
		}
		if n, err = c.WriteBatch(t, ps[:n]); err != nil {
			return got, fmt.Errorf("after %d: %w", n, err)
		}
	}
	return got, nil
}

func writePackets(t *task.T, c PacketConn, ps []Packet) (int, error) { return c.WriteBatch(t, ps) }

// Batches of more than one call takes, with datagrams that are empty or too long among them.
func TestPacketBatches(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		a, b := listenPacket(t, n), listenPacket(t, n)
		const count = 100 // there is room for so many in the system
		for round := range 3 {
			gathered, err := task.Start(n.executor, task.Call2(gather, b, count), form)
			require.NoError(t, err)
			var ps []Packet
			var want, back []string
			for i := range count {
				text := fmt.Sprint(round, "-", i)
				switch i % 10 {
				case 3:
					text = ""
				case 7:
					text = "too long by 7 b"
				}
				ps = append(ps, Packet{Bytes: []byte(text), N: len(text), Addr: port(b)})
				short := text[:min(len(text), 8)]
				want = append(want, fmt.Sprint(short, " ", port(a), " ", len(text) > 8))
				back = append(back, fmt.Sprint(short, " ", port(b), " ", false))
			}
			k, err := task.Run(t.Context(), n.executor, task.Call2(writePackets, a, ps), form)
			require.NoError(t, err)
			require.Equal(t, count, k)
			got, err := gathered.WaitContext(t.Context())
			require.NoError(t, err)
			require.Equal(t, want, got)

			for len(back) > 0 {
				r := make([]Packet, 70)
				for i := range r {
					r[i].Bytes = make([]byte, 16)
				}
				k, err := a.TryReadBatch(r)
				require.NoError(t, err, "all were sent before gather has returned")
				for i, p := range r[:k] {
					require.Equal(t, back[i], fmt.Sprint(string(p.Bytes[:p.N]), " ", p.Addr, " ", p.Truncated))
				}
				back = back[k:]
			}
			_, err = a.TryReadBatch([]Packet{{Bytes: make([]byte, 1)}})
			require.Equal(t, ErrNotReady, err)
		}
		_, err := a.TryReadBatch(nil)
		require.ErrorIs(t, err, ErrEmptyBuffer)
		k, err := a.TryWriteBatch(nil)
		require.NoError(t, err)
		require.Zero(t, k)
	})
}

// The error of a batch is that of the first datagram that was not sent.
func TestPacketErrorsOfABatch(t *testing.T) {
	n := open(t)
	a, b := listenPacket(t, n), listenPacket(t, n)
	packet := func(size int, to netip.AddrPort) Packet { return Packet{Bytes: make([]byte, size), N: size, Addr: to} }
	six := netip.MustParseAddrPort("[::1]:9")
	for name, test := range map[string]struct {
		bad   Packet
		check func(error)
	}{
		"too long": {packet(70000, port(b)), func(err error) { require.ErrorIs(t, err, errTooLong) }},
		"other family": {packet(1, six), func(err error) {
			var e *net.AddrError
			require.ErrorAs(t, err, &e)
		}},
		"no address": {packet(1, netip.AddrPort{}), func(err error) { require.ErrorIs(t, err, errMissingAddress) }},
	} {
		t.Run(name, func(t *testing.T) {
			ps := []Packet{packet(1, port(b)), packet(2, port(b)), test.bad, packet(3, port(b))}
			k, err := a.TryWriteBatch(ps)
			require.Equal(t, 2, k)
			test.check(err)
			var e *net.OpError
			require.ErrorAs(t, err, &e)
			require.Equal(t, "write", e.Op)
			require.Equal(t, "udp", e.Net)
			require.Equal(t, a.LocalAddr(), e.Source)
			for size := 1; size <= 2; size++ {
				r, err := task.Run(t.Context(), n.executor, task.Call2(readPacket, b, make([]byte, 10)))
				require.NoError(t, err)
				require.Equal(t, received{size, port(a)}, r)
			}
			_, err = a.TryWriteTo(test.bad.Bytes, test.bad.Addr)
			test.check(err)
		})
	}
}

func TestPacketTruncated(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c := listenPacket(t, n)
		peer, from := udpPeer(t)
		for _, size := range []int{0, 3} {
			_, err := peer.WriteToUDPAddrPort([]byte("hello"), port(c))
			require.NoError(t, err)
			b := make([]byte, size)
			r, err := task.Run(t.Context(), n.executor, task.Call2(readPacket, c, b), form)
			require.Equal(t, ErrTruncated, err)
			require.Equal(t, received{size, from}, r)
			require.Equal(t, "hello"[:size], string(b))
		}
		_, err := peer.WriteToUDPAddrPort([]byte("hello"), port(c))
		require.NoError(t, err)
		r, err := task.Run(t.Context(), n.executor, task.Call2(readPacket, c, make([]byte, 5)), form)
		require.NoError(t, err, "the rest is lost")
		require.Equal(t, 5, r.n)
	})
}

// IPv4 addresses are such ones on sockets of both families, and addresses of the other family are errors.
func TestPacketFamilies(t *testing.T) {
	n := open(t)
	exchange := func(t *testing.T, network, at, toHost string) {
		c, err := n.ListenPacket(t.Context(), network, at)
		require.NoError(t, err)
		defer c.Close()
		host := netip.MustParseAddr(toHost)
		peer, err := net.ListenUDP("udp", &net.UDPAddr{IP: host.AsSlice()})
		require.NoError(t, err)
		defer peer.Close()
		require.NoError(t, peer.SetDeadline(time.Now().Add(wait)))
		own := peer.LocalAddr().(*net.UDPAddr).AddrPort()
		own = netip.AddrPortFrom(own.Addr().Unmap(), own.Port())
		for _, to := range []netip.AddrPort{own, netip.AddrPortFrom(netip.AddrFrom16(own.Addr().As16()), own.Port())} {
			_, err = task.Run(t.Context(), n.executor, task.Call3(writePacket, c, []byte("x"), to))
			require.NoError(t, err)
			_, err = peer.Read(make([]byte, 1))
			require.NoError(t, err)
		}
		_, err = peer.WriteToUDPAddrPort([]byte("y"), netip.AddrPortFrom(host, port(c).Port()))
		require.NoError(t, err)
		r, err := task.Run(t.Context(), n.executor, task.Call2(readPacket, c, make([]byte, 1)))
		require.NoError(t, err)
		require.Equal(t, own, r.from)
	}
	for _, network := range []string{"udp", "udp4"} {
		t.Run(network, func(t *testing.T) { exchange(t, network, "127.0.0.1:0", "127.0.0.1") })
	}
	if !hasAddress(t, "::1") {
		_, err := n.ListenPacket(t.Context(), "udp6", "[::1]:0")
		require.Error(t, err, "a machine without the address ::1")
		return
	}
	t.Run("udp6", func(t *testing.T) { exchange(t, "udp6", "[::1]:0", "::1") })
	for _, host := range []string{"127.0.0.1", "::1"} {
		t.Run("both, "+host, func(t *testing.T) { exchange(t, "udp", ":0", host) })
	}
}

// What waits ends by Close, by a deadline and by the context, and of two that wait one gets an error.
func TestPacketEndsOfAWait(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		read := func(ctx context.Context, c PacketConn) error {
			_, err := task.Run(ctx, n.executor, task.Call2(readPacket, c, make([]byte, 1)), form)
			return err
		}
		c := listenPacket(t, n)
		require.NoError(t, c.SetReadDeadline(time.Now().Add(5*time.Millisecond)))
		require.ErrorIs(t, read(t.Context(), c), os.ErrDeadlineExceeded)
		require.NoError(t, c.SetDeadline(time.Time{}))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
		require.ErrorIs(t, read(ctx, c), context.DeadlineExceeded)
		cancel()
		require.NoError(t, c.SetWriteDeadline(time.Now().Add(-time.Second)))
		_, err := c.TryWriteTo([]byte("x"), port(c))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)

		errs := make(chan error, 2)
		for range 2 {
			go func() { errs <- read(t.Context(), c) }()
		}
		require.ErrorIs(t, <-errs, ErrBusy)
		require.NoError(t, c.Close())
		require.ErrorIs(t, <-errs, net.ErrClosed)

		for i := range 40 {
			c := listenPacket(t, n)
			reader, err := task.Start(n.executor, task.Call2(readPacket, c, make([]byte, 1)), form)
			require.NoError(t, err)
			for range i {
				runtime.Gosched()
			}
			require.NoError(t, c.Close())
			_, err = reader.WaitContext(t.Context())
			require.ErrorIs(t, err, net.ErrClosed)
		}
	})
}

func TestPacketStaleHandle(t *testing.T) {
	n := open(t)
	old := listenPacket(t, n)
	require.NoError(t, old.Close())
	c := listenPacket(t, n)
	require.NotEqual(t, old, c)
	for _, old := range []PacketConn{old, {}} {
		_, _, err := old.TryReadFrom(make([]byte, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		var e *net.OpError
		require.ErrorAs(t, err, &e)
		require.Equal(t, "udp", e.Net)
		_, err = old.TryWriteTo(nil, port(c))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = old.TryReadBatch(make([]Packet, 1))
		require.ErrorIs(t, err, net.ErrClosed)
		_, err = old.TryWriteBatch([]Packet{{Addr: port(c)}})
		require.ErrorIs(t, err, net.ErrClosed)
		require.ErrorIs(t, old.Close(), net.ErrClosed)
		require.ErrorIs(t, old.SetDeadline(time.Now()), net.ErrClosed)
		require.ErrorIs(t, old.Control(func(uintptr) {}), net.ErrClosed)
		require.Nil(t, old.LocalAddr())
	}
	called := false
	require.NoError(t, c.Control(func(fd uintptr) { called = true }))
	require.True(t, called)
	require.NoError(t, n.Close())
	require.ErrorIs(t, c.Close(), net.ErrClosed, "by the Net")
}

// A datagram to a port where nobody listens is lost, and what follows is not affected.
func TestPacketToNobody(t *testing.T) {
	inBothForms(t, func(t *testing.T, form task.Option) {
		n := open(t)
		c := listenPacket(t, n)
		gone := listenPacket(t, n)
		nobody := port(gone)
		require.NoError(t, gone.Close())
		peer, from := udpPeer(t)
		for range 3 {
			_, err := task.Run(t.Context(), n.executor, task.Call3(writePacket, c, []byte("x"), nobody), form)
			require.NoError(t, err)
			_, err = peer.WriteToUDPAddrPort([]byte("y"), port(c))
			require.NoError(t, err)
			r, err := task.Run(t.Context(), n.executor, task.Call2(readPacket, c, make([]byte, 1)), form)
			require.NoError(t, err)
			require.Equal(t, received{1, from}, r)
		}
	})
}

func TestListenPacketErrors(t *testing.T) {
	n := open(t)
	c := listenPacket(t, n)
	_, err := n.ListenPacket(t.Context(), "udp", port(c).String())
	require.ErrorIs(t, err, errInUse)
	for _, network := range []string{"tcp", "unixgram"} {
		_, err = n.ListenPacket(t.Context(), network, "127.0.0.1:0")
		var unknown net.UnknownNetworkError
		require.ErrorAs(t, err, &unknown)
	}
	require.NoError(t, n.Close())
	_, err = n.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	require.ErrorIs(t, err, net.ErrClosed)
}

// Two sockets share a port where the system lets them, and the options reach the socket.
func TestPacketOptions(t *testing.T) {
	n := open(t)
	var networks []string
	config := &net.ListenConfig{Control: func(network, address string, c syscall.RawConn) error {
		networks = append(networks, network)
		return nil
	}}
	if runtime.GOOS == "windows" {
		_, err := n.ListenPacket(t.Context(), "udp", "127.0.0.1:0", WithReusePort())
		require.Error(t, err)
		listenPacket(t, n, WithListenConfig(config))
		require.Len(t, networks, 1)
		return
	}
	a := listenPacket(t, n, WithListenConfig(config), WithReusePort())
	b, err := n.ListenPacket(t.Context(), "udp", port(a).String(), WithReusePort())
	require.NoError(t, err)
	require.Equal(t, port(a), port(b))
	require.Equal(t, []string{"udp4"}, networks)
}

func TestPacketAllocations(t *testing.T) {
	n := open(t)
	a, b := listenPacket(t, n), listenPacket(t, n)
	from, to := port(a), port(b)
	buf := make([]byte, 100)
	ps := make([]Packet, 10)
	batch := make([]Packet, 10)
	for i := range ps {
		ps[i] = Packet{Bytes: make([]byte, 100), N: 100, Addr: to}
		batch[i].Bytes = make([]byte, 100)
	}
	one := testing.AllocsPerRun(200, func() {
		if _, err := a.TryWriteTo(buf, to); err != nil {
			t.Fatal(err)
		}
		if k, sender, err := b.TryReadFrom(buf); err != nil || k != 100 || sender != from {
			t.Fatal(k, sender, err)
		}
		if _, _, err := b.TryReadFrom(buf); err != ErrNotReady {
			t.Fatal(err)
		}
	})
	many := testing.AllocsPerRun(200, func() {
		if k, err := a.TryWriteBatch(ps); err != nil || k != len(ps) {
			t.Fatal(k, err)
		}
		if k, err := b.TryReadBatch(batch); err != nil || k != len(ps) {
			t.Fatal(k, err)
		}
	})
	require.LessOrEqual(t, one, float64(packetAllocations))
	require.LessOrEqual(t, many, float64(packetAllocations*len(ps)))
}

// BenchmarkPackets sends and receives datagrams of 64 bytes over the loopback; an operation is one of them.
func BenchmarkPackets(b *testing.B) {
	for _, size := range []int{1, 32} {
		b.Run(fmt.Sprint("batches of ", size), func(b *testing.B) {
			pool := executor.NewPool()
			defer pool.Close()
			n, err := Open(pool)
			require.NoError(b, err)
			defer n.Close()
			var ends [2]PacketConn
			for i := range ends {
				ends[i], err = n.ListenPacket(b.Context(), "udp", "127.0.0.1:0")
				require.NoError(b, err)
			}
			out, in := make([]Packet, size), make([]Packet, size)
			for i := range out {
				out[i] = Packet{Bytes: make([]byte, 64), N: 64, Addr: port(ends[1])}
				in[i].Bytes = make([]byte, 64)
			}
			b.ReportAllocs()
			for i := 0; i < b.N; i += size {
				if k, err := ends[0].TryWriteBatch(out); k < size {
					b.Fatal(err)
				}
				if k, err := ends[1].TryReadBatch(in); k < size {
					b.Fatal(err)
				}
			}
		})
	}
}
