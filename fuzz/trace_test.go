package fuzz

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/arena"
	"github.com/stretchr/testify/require"
)

// traced records the operations that go through a Trace, to compare them with the trace.
type traced struct {
	*arena.Trace
	record  bytes.Buffer
	numbers map[unsafe.Pointer]uint64 // of live frames
	last    uint64
	want    []arena.TraceEvent // with Op, Size and Frame only
}

func (r *traced) Allocate(size uintptr) unsafe.Pointer {
	p := r.Trace.Allocate(size)
	if p == nil {
		r.want = append(r.want, arena.TraceEvent{Op: arena.TraceRefused, Size: uint64(size)})
		return nil
	}
	r.last++
	r.numbers[p] = r.last
	r.want = append(r.want, arena.TraceEvent{Op: arena.TraceAllocate, Size: uint64(size), Frame: r.last})
	return p
}

func (r *traced) Deallocate(p unsafe.Pointer, size uintptr) {
	if p == nil {
		r.Trace.Deallocate(nil, size) // not recorded
		return
	}
	r.want = append(r.want, arena.TraceEvent{Op: arena.TraceDeallocate, Size: uint64(size), Frame: r.numbers[p]})
	delete(r.numbers, p)
	r.Trace.Deallocate(p, size)
}

// FuzzTrace reads back the trace of any program and compares it with the operations. Reading
// a trace with a damaged byte ends with an error at worst, and takes memory in proportion to
// the length of the trace.
func FuzzTrace(f *testing.F) {
	for i, seed := range corpus {
		f.Add(seed, uint16(i*37), uint8(i))
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint16, damage uint8) {
		var r *traced
		c := newConfig[Option]()
		o := c.execute(t, func(t testing.TB) arena.FrameAllocator {
			r = &traced{numbers: make(map[unsafe.Pointer]uint64)}
			r.Trace = arena.NewTrace(NewMemory(t), &r.record)
			t.Cleanup(func() { require.NoError(t, r.Close()) })
			return r
		}, c.decode(data))
		require.Nil(t, o.violation)

		read, err := readRecord(r.record.Bytes())
		require.NoError(t, err)
		require.Equal(t, len(r.want), len(read))
		for i, e := range read {
			got := arena.TraceEvent{Op: e.Op, Size: e.Size, Frame: e.Frame}
			if got != r.want[i] {
				t.Fatalf("operation %d was read as %+v, and was %+v", i, got, r.want[i])
			}
		}

		damaged := bytes.Clone(r.record.Bytes())
		damaged[int(at)%len(damaged)] ^= damage
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read, err = readRecord(damaged)
		runtime.ReadMemStats(&after)
		if err != nil {
			require.ErrorIs(t, err, arena.ErrTrace)
		}
		// An event takes 2 bytes in the record, 80 bytes here, and at most as much in the
		// reader; twice that while a table grows.
		if took, most := after.TotalAlloc-before.TotalAlloc, uint64(512*len(damaged)+256<<10); took > most {
			t.Fatalf("reading %d bytes and %d events took %d bytes of memory", len(damaged), len(read), took)
		}
	})
}

// readRecord returns the events up to the end, or up to the first error and that error.
func readRecord(record []byte) ([]arena.TraceEvent, error) {
	r, err := arena.NewTraceReader(bytes.NewReader(record))
	if err != nil {
		return nil, err
	}
	var all []arena.TraceEvent
	for {
		e, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, e)
	}
}
