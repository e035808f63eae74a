package coro
import "time"
type timers struct{}
func (t *timers) now() int64 { return int64(time.Since(epoch)) }
var epoch = time.Now()
func (t *timers) time(d int64) time.Time { return epoch.Add(time.Duration(d)) }
func (t *timers) deadline(o *Option) int64 { if o.timeout != 0 { return t.now()+int64(o.timeout) }; return 0 }
