package arena

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/framearena/framearena/bins"
	"github.com/stretchr/testify/require"
)

func TestTraceReaderDamagedInput(t *testing.T) {
	const start = traceMagic + "\x01"
	tooBig := strings.Repeat("\xff", 9) + "\x02"
	endless := strings.Repeat("\x80", 100)
	for _, c := range []struct{ input, says string }{
		{"", "cut short"},
		{"hello", "cut short"},
		{"hello, what is this?", `does not begin with "framearena-trace"`},
		{traceMagic, "cut short"},
		{traceMagic + "\x02", "version 2"},
		{traceMagic + "\x00", "version 0"},
		{traceMagic + tooBig, "more than 64 bits"},
		{start, "cut short"},
		{start + "\x04", "unknown tag 0x4 (in operation 0)"},
		{start + "\x0c", "unknown tag 0xc"},
		{start + "\x11\x00", "unknown tag 0x11"},
		{start + "\xff", "unknown tag 0xff"},
		{start + "\x01" + tooBig, "more than 64 bits"},
		{start + "\x01" + endless, "more than 64 bits"},
		{start + "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "time passes"},
		{start + "\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01", "the time passes all bounds (in operation 1)"},
		{start + "\x02\x00\x01", "not live"},
		{start + "\x02\x00\x02", "not live"},
		{start + "\x01\x00\x02\x00\x01\x02\x00\x01", "a frame is freed that is not live (in operation 2)"},
		{start + "\x01\x00\x02\x00\x05", "not live"},
		{start + "\x02\x00" + tooBig, "more than 64 bits"},
		{start + "\x05\x00" + tooBig, "more than 64 bits"},
		{start + "\x09\x00" + tooBig, "more than 64 bits"},
		{start + "\x00\x01", "it should have 1 operations (in operation 0)"},
		{start + "\x01\x00\x00\x00", "it should have 0 operations"},
		{start + "\x00" + tooBig, "more than 64 bits"},
	} {
		r, err := NewTraceReader(strings.NewReader(c.input))
		for err == nil {
			_, err = r.Next()
		}
		require.ErrorIs(t, err, ErrTrace, "%q", c.input)
		require.ErrorContains(t, err, c.says, "%q", c.input)
		if r != nil {
			e, again := r.Next()
			require.Equal(t, err, again, "the same error again")
			require.Zero(t, e)
		}
	}
}

func TestTraceReaderEmptyTrace(t *testing.T) {
	var record bytes.Buffer
	require.NoError(t, NewTrace(new(Heap), &record).Close())
	require.Empty(t, readTrace(t, record.Bytes()))
	record.WriteString("whatever follows")
	require.Empty(t, readTrace(t, record.Bytes()))
}

// An error of the reader is passed on, and is not the trace's fault.
func TestTraceReaderReadError(t *testing.T) {
	var record bytes.Buffer
	tr := NewTrace(refusingAtTimes(), &record)
	recordAtRandom(tr, 1, 50)
	require.NoError(t, tr.Close())
	boom := errors.New("boom")
	for n := range record.Len() {
		r, err := NewTraceReader(io.MultiReader(bytes.NewReader(record.Bytes()[:n]), iotest.ErrReader(boom)))
		for err == nil {
			_, err = r.Next()
		}
		require.ErrorIs(t, err, boom)
		require.NotErrorIs(t, err, ErrTrace)
		require.NotErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	r, err := NewTraceReader(iotest.OneByteReader(&record))
	require.NoError(t, err)
	n := 0
	for _, err := range r.All() {
		require.NoError(t, err)
		n++
	}
	require.Greater(t, n, 50)
}

func TestTraceReaderAll(t *testing.T) {
	const start = traceMagic + "\x01"
	r, err := NewTraceReader(strings.NewReader(start + "\x01\x00\x01\x00\x02\x00\x01\x07"))
	require.NoError(t, err)
	for e, err := range r.All() {
		require.NoError(t, err)
		require.EqualValues(t, 1, e.Frame)
		break
	}
	var frames []uint64
	var errs []error
	for e, err := range r.All() { // goes on where it was left
		frames = append(frames, e.Frame)
		errs = append(errs, err)
	}
	require.Equal(t, []uint64{2, 2, 0}, frames)
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	require.ErrorIs(t, errs[2], ErrTrace)
	for _, err := range r.All() {
		require.Equal(t, errs[2], err)
	}
}

// Sizes of another machine may be more than this one's addresses.
func TestTraceReaderSizeOfABiggerMachine(t *testing.T) {
	events := readTrace(t, []byte(traceMagic+"\x01"+"\x0b\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"+"\x00\x01"))
	require.Equal(t, []TraceEvent{{Op: TraceRefused, Size: 1<<64 - 1, Class: bins.Classes}}, events)
}

// Arbitrary bytes give events that make sense up to an error or the end, and the
// reader's memory is paid for by the input.
func FuzzTraceReader(f *testing.F) {
	for seed, operations := range []int{0, 1, 10, 100} {
		var record bytes.Buffer
		tr := NewTrace(refusingAtTimes(), &record)
		recordAtRandom(tr, uint64(seed), operations)
		if err := tr.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(record.Bytes())
		f.Add(record.Bytes()[:record.Len()-1])
		record.Reset()
		tr = newTimelessTrace(refusingAtTimes(), &record)
		recordAtRandom(tr, uint64(seed), operations)
		if err := tr.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(record.Bytes())
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		r, err := NewTraceReader(bytes.NewReader(input))
		if err != nil {
			requireTraceError(t, err)
			return
		}
		live := make(map[uint64]TraceEvent)
		var allocated uint64
		var last TraceEvent
		for order := uint64(0); ; order++ {
			e, err := r.Next()
			if err != nil {
				if err != io.EOF {
					requireTraceError(t, err)
				}
				_, again := r.Next()
				require.Equal(t, err, again)
				require.LessOrEqual(t, order, uint64(len(input)/2), "an operation takes two bytes at least")
				return
			}
			if e.Order != order || e.Time < last.Time {
				t.Fatalf("%+v after %+v", e, last)
			}
			if small := e.Size <= bins.MaxSize; small != (e.Class < bins.Classes) || small && e.Size > uint64(e.Class.Size()) {
				t.Fatalf("wrong class: %+v", e)
			}
			birth, known := live[e.Frame]
			switch {
			case e.Op == TraceAllocate && e.Frame == allocated+1:
				allocated++
				live[e.Frame] = e
			case e.Op == TraceDeallocate && known:
				if e.LifeOps != e.Order-birth.Order || e.LifeTime != e.Time-birth.Time {
					t.Fatalf("%+v of %+v", e, birth)
				}
				delete(live, e.Frame)
			case e.Op != TraceAllocate && e.Frame == 0 && e.LifeOps == 0 && e.LifeTime == 0:
			default:
				t.Fatalf("%+v after %d allocations", e, allocated)
			}
			if len(r.live) != len(live) {
				t.Fatalf("the reader keeps %d frames, and %d are live", len(r.live), len(live))
			}
			last = e
		}
	})
}

func requireTraceError(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, ErrTrace)
}
