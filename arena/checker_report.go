package arena

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"
)

// site is the number of a call stack in a siteTable: where a frame was allocated or freed.
// 0 is unknown.
type site int32

const (
	siteDepth = 24 // calls of a stack that are kept

	// maxSites bounds the stacks of a table: further ones are unknown. A program that
	// recurses in many ways would fill memory with them otherwise.
	maxSites = 1 << 16
)

// siteTable keeps each call stack once. The zero siteTable is empty. Guarded by the
// checker's mu.
type siteTable struct {
	known map[[siteDepth]uintptr]site
	all   [][siteDepth]uintptr // site 1 is all[0]
}

// caller returns the stack of its caller's caller.
func (t *siteTable) caller() site {
	var pcs [siteDepth]uintptr
	runtime.Callers(3, pcs[:])
	if s, ok := t.known[pcs]; ok {
		return s
	}
	if len(t.all) == maxSites {
		return 0
	}
	if t.known == nil {
		t.known = make(map[[siteDepth]uintptr]site)
	}
	t.all = append(t.all, pcs)
	s := site(len(t.all))
	t.known[pcs] = s
	return s
}

// text returns the stack as indented text, without the innermost calls, which are methods
// of this package.
func (t *siteTable) text(s site) string {
	if s == 0 {
		return "\t(unknown)\n"
	}
	pcs := t.all[s-1]
	n := slices.Index(pcs[:], 0)
	if n < 0 {
		n = siteDepth
	}
	var b strings.Builder
	inside := true
	for frames := runtime.CallersFrames(pcs[:n]); ; {
		f, more := frames.Next()
		inside = inside && isAllocatorMethod(f.Function)
		if !inside && f.Function != "" {
			fmt.Fprintf(&b, "\t%s\n\t\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more {
			return b.String()
		}
	}
}

// isAllocatorMethod reports whether the function is a method of this package: one that
// stands between the user's call and the checker.
func isAllocatorMethod(function string) bool {
	const pkg = "github.com/framearena/framearena/arena."
	name, ok := strings.CutPrefix(function, pkg)
	return ok && strings.HasPrefix(name, "(*")
}

// report panics about the frame at p. what names the fault, and todo what to do instead.
func (ch *checker) report(what, todo string, p unsafe.Pointer, r *record) {
	var b strings.Builder
	fmt.Fprintf(&b, "arena: %s: the frame of %d bytes at %p: %s\nallocated at:\n%s", what, r.size, p, todo, ch.sites.text(r.allocated))
	if r.state == frameFreed {
		fmt.Fprintf(&b, "freed at:\n%s", ch.sites.text(r.freed))
	}
	panic(b.String())
}

// reportForeign panics about a p that was freed and at which no frame begins.
func (ch *checker) reportForeign(p unsafe.Pointer, size uintptr) {
	at, r := ch.enclosing(p)
	if r == nil {
		panic(fmt.Sprintf("arena: foreign pointer: %p, freed with size %d, is no frame of this arena: free a frame to the arena that it is from", p, size))
	}
	ch.report(fmt.Sprintf("interior pointer: %p, freed with size %d, lies %d bytes into a frame", p, size, uintptr(p)-uintptr(at)),
		"free a frame by its address", at, r)
}

// enclosing returns the address and the record of the frame that p lies in, or nil.
func (ch *checker) enclosing(p unsafe.Pointer) (unsafe.Pointer, *record) {
	if s := ch.arena.store.Find(p); s != nil && s.Desc.records != nil {
		i := (uintptr(p) - uintptr(s.Base())) / s.Desc.class.Size()
		if r := &s.Desc.records[i]; r.state != frameNew {
			return unsafe.Add(s.Base(), i*s.Desc.class.Size()), r
		}
		return nil, nil
	}
	for address, r := range ch.large {
		if r.state == frameLive && uintptr(p)-address < roundToPages(r.size+guardSize) {
			return pointer(&address), r
		}
	}
	return nil, nil
}

// maxReportedLeaks bounds the stacks that liveFrames lists.
const maxReportedLeaks = 10

// liveFrames returns text that lists the stacks that allocated the live frames, those with
// the most frames first. The caller holds mu.
func (ch *checker) liveFrames() string {
	type leak struct {
		size uintptr
		at   site
	}
	counts := make(map[leak]int)
	count := func(r *record) {
		if r.state == frameLive {
			counts[leak{r.size, r.allocated}]++
		}
	}
	for s := range ch.arena.store.Slabs {
		for i := range s.Desc.records {
			count(&s.Desc.records[i])
		}
	}
	for _, r := range ch.large {
		count(r)
	}
	leaks := make([]leak, 0, len(counts))
	for l := range counts {
		leaks = append(leaks, l)
	}
	slices.SortFunc(leaks, func(a, b leak) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.at, b.at), cmp.Compare(a.size, b.size))
	})
	var b strings.Builder
	for i, l := range leaks {
		if i == maxReportedLeaks {
			fmt.Fprintf(&b, "and from %d other places\n", len(leaks)-i)
			break
		}
		fmt.Fprintf(&b, "%d of %d bytes, allocated at:\n%s", counts[l], l.size, ch.sites.text(l.at))
	}
	return strings.TrimSuffix(b.String(), "\n")
}
