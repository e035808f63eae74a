package inspect

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[any]string{
		0: "0", 999: "999", 1000: "1,000", 123456: "123,456", -1234567: "-1,234,567", -123: "-123",
		^uint64(0): "18,446,744,073,709,551,615", int64(-1000): "-1,000",
	} {
		require.Equal(t, want, number(n))
	}
	for n, want := range map[uint64]string{
		0: "0 B", 1000: "1000 B", 1023: "1023 B", 1024: "1 KiB", 1500: "1.46 KiB", 64 << 10: "64 KiB", 100_000: "97.7 KiB",
		1<<20 - 1: "1.00 MiB", 1 << 20: "1 MiB", 150_000: "146 KiB", ^uint64(0): "16 EiB",
	} {
		require.Equal(t, want, formatBytes(n))
	}
	for _, c := range []struct {
		part, whole any
		want        string
	}{{1, 2, "50.0"}, {0, 0, "0"}, {uint64(3), uint64(2), "100.0"}, {uintptr(1), int64(3), "33.3"}} {
		require.Equal(t, c.want, percent(c.part, c.whole))
	}
	require.Panics(t, func() { percent("1", 2) })
}

func TestDuration(t *testing.T) {
	for ms, want := range map[int64]string{
		0: "0 ms", 999: "999 ms", 1000: "1.0s", 9500: "9.5s", 10_000: "10s", 59_999: "59s", 60_000: "1m", 90_500: "1m 30s",
		3_600_000: "1h", 5_400_000: "1h 30m", 86_400_000: "1d", 100 * 3_600_000: "4d 4h",
	} {
		require.Equal(t, want, duration(ms))
	}
}

func TestStackLines(t *testing.T) {
	require.Equal(t, "time.Sleep\n    /go/src/time.go:363\nother\n", stackLines("0x494204\ttime.Sleep+0x164\t\t\t/go/src/time.go:363\nother\n"))
	require.Empty(t, stackLines(""))
}
