//go:build !race && !framearena_heap

package slab_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"

	"github.com/framearena/framearena/slab"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// resident returns how many of the n bytes at p, which are whole pages, are backed
// by memory, as mincore says.
func resident(t *testing.T, p unsafe.Pointer, n uintptr) uintptr {
	t.Helper()
	present := make([]byte, n/slab.PageSize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(p), n, uintptr(unsafe.Pointer(&present[0])))
	require.Zero(t, errno)
	sum := uintptr(0)
	for _, b := range present {
		sum += uintptr(b & 1)
	}
	return sum * slab.PageSize()
}

// vmFlags returns the system's flags of the mapping that p lies in.
func vmFlags(t *testing.T, p unsafe.Pointer) string {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	inside := false
	for line := range strings.Lines(string(smaps)) {
		var from, to uint64
		if n, _ := fmt.Sscanf(line, "%x-%x ", &from, &to); n == 2 {
			inside = uint64(uintptr(p)) >= from && uint64(uintptr(p)) < to
		}
		if flags, ok := strings.CutPrefix(line, "VmFlags:"); ok && inside {
			return flags
		}
	}
	t.Fatalf("%p is not mapped", p)
	return ""
}

// processRSS returns the bytes of memory that back the process.
func processRSS(t *testing.T) int {
	t.Helper()
	_, resident := statm(t)
	return resident
}

// addressSpace returns the bytes of the process's address space in use.
func addressSpace(t *testing.T) int {
	t.Helper()
	size, _ := statm(t)
	return size
}

func statm(t *testing.T) (size, resident int) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	_, err = fmt.Sscan(string(text), &size, &resident)
	require.NoError(t, err)
	return size * os.Getpagesize(), resident * os.Getpagesize()
}

func TestUntouchedPagesCostNothing(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: 4 * slab.Size})
	for range 5 {
		sl := acquire(t, s)
		require.Zero(t, resident(t, sl.Base(), slab.Size))
	}
	p, err := s.Map(slab.Size)
	require.NoError(t, err)
	require.Zero(t, resident(t, p, slab.Size))
	*(*byte)(p) = 1
	require.NotZero(t, resident(t, p, slab.Size), "mincore sees what was touched")
}

func TestPrefaultedPagesAreThere(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: 4 * slab.Size, Prefault: true})
	sl := acquire(t, s)
	require.EqualValues(t, slab.Size, resident(t, sl.Base(), slab.Size))
	require.Zero(t, resident(t, unsafe.Add(sl.Base(), slab.Size), 3*slab.Size), "slabs that nobody asked for yet cost nothing")
	require.NoError(t, s.Return(sl))
	require.Zero(t, resident(t, sl.Base(), slab.Size))
	require.Same(t, sl, acquire(t, s))
	require.EqualValues(t, slab.Size, resident(t, sl.Base(), slab.Size), "a slab that was returned is backed again")

	p, err := s.Map(slab.Size + 1)
	require.NoError(t, err)
	require.Equal(t, s.MappingSize(p), resident(t, p, s.MappingSize(p)))
}

// A kernel that does not know the advice returns EINVAL, as it does for an address that is
// not aligned to a page. Then the pages are touched.
func TestPrefaultByTouching(t *testing.T) {
	s := newStore(t, slab.Config{})
	p, err := s.Map(slab.Size)
	require.NoError(t, err)
	require.NoError(t, slab.Prefault(unsafe.Add(p, 8), slab.Size-8))
	require.EqualValues(t, slab.Size, resident(t, p, slab.Size))
}

func TestReturnLowersRSS(t *testing.T) {
	const n = 16
	s := newStore(t, slab.Config{})
	var slabs []*slab.Slab[note]
	for range n {
		sl := acquire(t, s)
		fill(sl, 1)
		require.EqualValues(t, slab.Size, resident(t, sl.Base(), slab.Size))
		slabs = append(slabs, sl)
	}
	before := processRSS(t)
	for _, sl := range slabs {
		require.NoError(t, s.Return(sl))
		require.Zero(t, resident(t, sl.Base(), slab.Size))
	}
	// The rest of the process moves too, but not by half of 32 MiB.
	require.Less(t, processRSS(t), before-n/2*slab.Size)
}

func TestDiscardedPagesAreGone(t *testing.T) {
	page := slab.PageSize()
	s := newStore(t, slab.Config{})
	sl := acquire(t, s)
	fill(sl, 1)
	require.NoError(t, s.Discard(unsafe.Add(sl.Base(), page/2), 5*page))
	require.EqualValues(t, slab.Size-4*page, resident(t, sl.Base(), slab.Size))
	require.Zero(t, resident(t, unsafe.Add(sl.Base(), page), 4*page))
}

func TestUnmapAndCloseLeaveNoMapping(t *testing.T) {
	s := slab.NewStore[note](slab.Config{})
	p, err := s.Map(slab.Size)
	require.NoError(t, err)
	sl := acquire(t, s)
	require.True(t, isMapped(p))
	err = s.Unmap(p, slab.Size)
	require.False(t, isMapped(p))
	require.NoError(t, err)
	require.True(t, isMapped(sl.Base()))
	err = s.Close()
	require.False(t, isMapped(sl.Base()))
	require.NoError(t, err)
}

// isMapped reports whether there is memory at the page p. Once it is gone, others
// may get the address: ask at once.
func isMapped(p unsafe.Pointer) bool {
	var present [1]byte
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(p), slab.PageSize(), uintptr(unsafe.Pointer(&present[0])))
	return errno != unix.ENOMEM
}

// To be aligned, a region is first mapped larger. The excess on both sides must go back to
// the system, or the address space in use would grow by more than the reserved bytes.
func TestReservingCostsNoMore(t *testing.T) {
	const regions = 200
	s := newStore(t, slab.Config{RegionBytes: slab.Size})
	before := addressSpace(t)
	for i := range uintptr(regions) {
		acquire(t, s)
		_, err := s.Map(2*slab.Size + i*5%512*slab.PageSize()) // the next region begins anywhere in 2 MiB
		require.NoError(t, err)
	}
	stats := s.Stats()
	used := addressSpace(t) - before
	// On each side half a slab a region is cut off, in the mean. The Go runtime may
	// take some meanwhile.
	require.Less(t, used, int(stats.Reserved+stats.LargeBytes)+regions*slab.Size/4)
}

func TestHugePagesAreAskedFor(t *testing.T) {
	_, err := os.Stat("/sys/kernel/mm/transparent_hugepage")
	hasThem := err == nil
	for _, huge := range []bool{false, true} {
		s := newStore(t, slab.Config{RegionBytes: 2 * slab.Size, HugePages: huge})
		for range 3 { // two regions
			sl := acquire(t, s)
			want := huge && hasThem
			require.Equal(t, want, strings.Contains(vmFlags(t, sl.Base()), " hg"), "HugePages %t", huge)
		}
	}
}

// The system refuses a request that it can never serve, and its error is passed on.
func TestSystemRefusesForReal(t *testing.T) {
	s := newStore(t, slab.Config{})
	var got []unsafe.Pointer
	for {
		p, err := s.Map(slab.MaxMapping &^ (slab.PageSize() - 1))
		if err != nil {
			require.ErrorIs(t, err, slab.ErrRefused)
			require.ErrorIs(t, err, unix.ENOMEM)
			break
		}
		got = append(got, p) // on a 32-bit machine an eighth of the address space can be had
		require.Less(t, len(got), 8)
	}
	require.EqualValues(t, 1, s.Stats().Refusals)
	for _, p := range got {
		require.NoError(t, s.Unmap(p, s.MappingSize(p)))
	}
	sl := acquire(t, s)
	fill(sl, 1)
}

// lockPage keeps the system from taking the page at p back.
func lockPage(t *testing.T, p unsafe.Pointer) (unlock func()) {
	t.Helper()
	page := bytesOf(p, slab.PageSize())
	require.NoError(t, unix.Mlock(page))
	return func() { require.NoError(t, unix.Munlock(page)) }
}

func TestPagesThatTheSystemKeepsAreZeroWhenUsedAgain(t *testing.T) {
	s := slab.NewStore[note](slab.Config{RegionBytes: 2 * slab.Size})
	sl := acquire(t, s)
	fill(sl, 9)
	sl.Desc.id = 9
	last := unsafe.Add(sl.Base(), slab.Size-slab.PageSize())
	unlock := lockPage(t, last)
	before := s.Stats()
	err := s.Discard(last, slab.PageSize())
	require.ErrorIs(t, err, unix.EINVAL)
	require.Equal(t, before, s.Stats())

	require.ErrorIs(t, s.Return(sl), unix.EINVAL)
	require.Zero(t, s.Stats().HandedBack)
	require.Equal(t, 1, s.Stats().FreeSlabs, "it is returned all the same")
	unlock()
	require.Equal(t, slab.PageSize(), uintptr(bytes.Count(bytesOf(last, slab.PageSize()), []byte{9})), "the page was kept")
	require.Same(t, sl, acquire(t, s))
	require.Zero(t, sl.Desc)
	requireZero(t, sl.Base(), slab.Size)

	fill(sl, 9)
	unlock = lockPage(t, last)
	require.ErrorIs(t, s.Return(sl), unix.EINVAL)
	unlock()
	require.NoError(t, s.Close())
	require.EqualValues(t, slab.Size, s.Stats().HandedBack, "what Return could not hand back, Close did")
}

// A slab that cannot be backed when it is asked for is not handed out, and keeps
// no memory.
func TestPrefaultThatFails(t *testing.T) {
	s := newStore(t, slab.Config{RegionBytes: slab.Size, Prefault: true})
	sl := acquire(t, s)
	require.NoError(t, s.Return(sl))
	if unix.Madvise(bytesOf(sl.Base(), slab.PageSize()), unix.MADV_POPULATE_WRITE) != nil {
		return // this kernel does not know the advice, and touching pages cannot be refused
	}

	// A file that ends in the middle of the slab: the first half can be backed.
	file, err := unix.MemfdCreate("half a slab", unix.MFD_CLOEXEC)
	require.NoError(t, err)
	require.NoError(t, unix.Ftruncate(file, slab.Size/2))
	remap := func(fd, flags int) {
		_, err := unix.MmapPtr(fd, 0, sl.Base(), slab.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_FIXED|unix.MAP_PRIVATE|flags)
		require.NoError(t, err)
	}
	remap(file, 0)
	before := s.Stats()
	got, err := s.Acquire()
	require.ErrorIs(t, err, slab.ErrRefused)
	require.ErrorIs(t, err, unix.EFAULT)
	require.Nil(t, got)
	before.Refusals++
	before.HandedBack += slab.Size
	require.Equal(t, before, s.Stats())
	require.Zero(t, privatePages(t, sl.Base()))

	remap(-1, unix.MAP_ANON)
	require.NoError(t, unix.Close(file))
	require.Same(t, sl, acquire(t, s), "the slab is not lost")
	requireZero(t, sl.Base(), slab.Size)
}

// privatePages returns the size of the pages of the mapping at p that were
// written.
func privatePages(t *testing.T, p unsafe.Pointer) (kib int) {
	t.Helper()
	smaps, err := os.ReadFile("/proc/self/smaps")
	require.NoError(t, err)
	_, after, found := strings.Cut(string(smaps), fmt.Sprintf("\n%x-", uintptr(p)))
	require.True(t, found)
	_, after, found = strings.Cut(after, "Private_Dirty:")
	require.True(t, found)
	_, err = fmt.Sscan(after, &kib)
	require.NoError(t, err)
	return kib
}

func TestUnmapThatFailsLosesNothing(t *testing.T) {
	s := newStore(t, slab.Config{})
	p, err := s.Map(1)
	require.NoError(t, err)
	before := s.Stats()
	mend := s.SpoilMapping(p)
	require.ErrorIs(t, s.Unmap(p, 1), unix.EINVAL)
	require.Equal(t, before, s.Stats())
	require.Equal(t, slab.PageSize(), s.MappingSize(p))
	mend()
	require.NoError(t, s.Unmap(p, 1))
}

func TestCloseThatFailsGivesTheRestBack(t *testing.T) {
	s := slab.NewStore[note](slab.Config{RegionBytes: slab.Size})
	good, err := s.Map(1)
	require.NoError(t, err)
	bad, err := s.Map(1)
	require.NoError(t, err)
	sl := acquire(t, s)
	s.SpoilMapping(bad)
	err = s.Close()
	leftGood, leftSlab, leftBad := isMapped(good), isMapped(sl.Base()), isMapped(bad)
	require.ErrorIs(t, err, unix.EINVAL)
	require.Equal(t, []bool{false, false, true}, []bool{leftGood, leftSlab, leftBad})
	require.Equal(t, slab.Stats{HandedBack: slab.Size + uint64(slab.PageSize())}, s.Stats())
	require.NoError(t, s.Close(), "closed it is")
	require.NoError(t, unix.MunmapPtr(bad, slab.PageSize()))
}
