package executor

// SetDelays makes f be called between the atomic operations of pools made later, in
// builds with the tag framecheck.
func SetDelays(f func()) { delays = f }
