package executor

// SetDelays makes f be called between the atomic operations of pools made later, in
// builds with the tag framecheck.
func SetDelays(f func()) { testDelays = f }

// Asleep reports whether all workers of a pool are idle, and its monitor too.
func Asleep(p *Pool) bool { return p.monitor.allIdle() && !p.monitor.armed.Load() }
