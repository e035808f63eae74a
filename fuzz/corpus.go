package fuzz

// These are the bytes of operations that decoder describes.
const (
	byteAllocate      = 0
	byteFree          = 3
	byteFreeElsewhere = 5
	byteWrite         = 6
	byteVerify        = 7
	byteBurst         = 8
	byteSweep         = 9
	byteFreeAll       = 10
	byteOpenCache     = 11
	byteCloseCache    = 12
	byteTrim          = 13
	byteRefuse        = 14
	byteGrant         = 15

	throughCache = 0x10 // the first open cache, or the allocator if none is open
)

// corpus holds encoded programs that look for well-known faults. Check runs them first, and
// they are the seeds of Fuzz. It is immutable.
var corpus = makeCorpus()

func makeCorpus() [][]byte {
	all := [][]byte{
		nil,
		// Frames are freed in the order of their allocation, and in the reverse order.
		{0, byteBurst, 8, 8, 0, byteFreeAll, 0, byteBurst, 8, 8, 0, byteFreeAll, 1, byteBurst, 8, 8, 0},
		// Memory is refused, at once and after some bytes, and granted again; then the same
		// requests must succeed.
		{0, byteBurst, 3, 9, 0, byteRefuse, 0, byteBurst, 200, 12, 0, byteGrant, 0, byteBurst, 20, 12, 0},
		{0, byteRefuse, 40, byteBurst, 100, 14, 0, byteFreeAll, 0, byteGrant, 0, byteBurst, 100, 14, 0, byteFreeAll, 1},
		{0, byteBurst, 3, 26, 0, byteRefuse, 0, byteBurst, 255, 27, 0, byteBurst, 255, 21, 0, byteVerify, 1, byteGrant, 0, byteBurst, 9, 27, 0, byteFreeAll, 0, byteBurst, 60, 27, 0},
		{0, byteRefuse, 0, byteAllocate, 29, 0, byteAllocate, 8, 0, byteFree, 0, byteAllocate, 8, 0, byteGrant, 0, byteAllocate, 29, 0},
		// Requests that no machine can serve, between requests of the largest sizes.
		{0, byteAllocate, 31, 0, byteGrant, 1, byteGrant, 3, byteGrant, 5, byteGrant, 41, byteGrant, 255, byteAllocate, 31, 0, byteFreeAll, 0},
		// Frames of no bytes, and of one.
		{0, byteBurst, 9, 0x80, 0, byteBurst, 9, 0, 0, byteFreeAll, 0, byteBurst, 3, 0x80, 0},
		// Trims with no live frame, with one live frame of each size, and with holes between
		// live frames.
		{0, byteTrim, byteBurst, 60, 24, 0, byteFreeAll, 1, byteTrim, byteBurst, 60, 24, 0, byteTrim, byteFreeAll, 0, byteTrim, byteTrim},
		{0, byteBurst, 40, 20, 0, byteSweep, 1, 39, byteTrim, byteVerify, 1, byteBurst, 40, 20, 0, byteTrim, byteVerify, 1, byteTrim},
		{0, byteAllocate, 8, 0, byteAllocate, 14, 0, byteAllocate, 20, 0, byteAllocate, 24, 0, byteAllocate, 28, 0, byteTrim, byteFree, 2, byteTrim, byteFree, 0, byteTrim, byteBurst, 9, 20, 0},
		// Frames are freed through other caches, and caches are closed before their frames
		// are freed.
		{0, byteOpenCache, byteOpenCache, byteBurst | throughCache, 150, 9, 0, byteSweep | 2*throughCache, 0, 140, byteCloseCache, 1, byteBurst | throughCache, 150, 9, 0, byteCloseCache, 0, byteFreeAll, 1},
		{0, byteOpenCache, byteBurst | throughCache, 255, 7, 0, byteFreeAll | throughCache, 0, byteCloseCache, 0, byteBurst, 255, 7, 0, byteOpenCache, byteFreeAll | throughCache, 1, byteBurst | throughCache, 255, 7, 0},
	}
	// Every size around a power of two, with neighbours that are freed, and whose memory is
	// then used for the next size.
	for _, about := range []byte{0, 0x40, 0x80, 0xFF} {
		sizes := []byte{0}
		for i := range byte(len(exponents)) {
			sizes = append(sizes, byteBurst, 3, about&0xE0|i, about, byteFree, i, byteWrite, i, byteFreeElsewhere, 0, byteAllocate, about&0xE0|i, about)
		}
		all = append(all, append(sizes, byteVerify, 1, byteFreeAll, 0))
	}
	// The same burst several times: freed frames must be used again.
	for _, size := range []byte{0, 6, 9, 12, 21, 25, 29, 0x40 | 9, 0x80 | 17} {
		n := byte(200)
		if size&31 > 24 {
			n = 30
		}
		rounds := []byte{1}
		for i := range byte(12) {
			rounds = append(rounds, byteBurst, n, size, 0, byteFreeAll, i)
		}
		all = append(all, rounds)
		rounds = []byte{1, byteOpenCache, byteOpenCache}
		for i := range byte(6) {
			rounds = append(rounds, byteBurst|throughCache, n, size, 0, byteFreeAll|2*throughCache, i,
				byteCloseCache, i, byteOpenCache, byteSweep|throughCache, i, n/2, byteFreeElsewhere, i)
		}
		all = append(all, rounds)
	}
	return all
}
