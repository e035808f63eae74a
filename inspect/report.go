package inspect

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/printable"
	"github.com/framearena/framearena/internal/resident"
	"github.com/framearena/framearena/task"
)

// These are the most entries that each list shows, so that a browser can display the page.
// A list says how many more there are.
const (
	maxKinds   = 100
	maxGroups  = 50
	maxWorkers = 64
	maxChains  = 50
	maxObjects = 10 // that tasks wait for
	maxBusy    = 20 // kinds that workers were busy with
	maxHeld    = 20 // kinds with held parts

	maxUncompiled = 50
	maxSlabs      = 96 // of a class

	// maxSamples is the most waiting tasks whose chains are collected, of all groups together; if
	// there are more groups than that, one of each.
	maxSamples = 4096
)

// report is the content of the page and of the JSON document. Programs read the JSON:
// fields may be added, but none is removed or changes its meaning.
type report struct {
	Program   string       `json:"program"`
	Time      time.Time    `json:"time"`
	Kinds     []kindReport `json:"kinds"` // counted kinds, the one with the most live tasks first
	MoreKinds int          `json:"more_kinds,omitempty"`
	Defined   int          `json:"kinds_defined"`

	// Uncompiled is the task functions that have run on goroutines, those with the most live calls first.
	Uncompiled     []uncompiledReport `json:"uncompiled,omitempty"`
	MoreUncompiled int                `json:"more_uncompiled,omitempty"`

	Executors []executorReport `json:"executors"`
	Arenas    []arenaReport    `json:"arenas"`
	Nets      []netReport      `json:"nets,omitempty"`
	Memory    memoryReport     `json:"memory"`

	// AgeSteps has the times that groupReport.AtLeast is about, in seconds.
	AgeSteps []float64 `json:"age_steps_seconds"`
}

// memoryReport has the memory of the process, in bytes.
type memoryReport struct {
	Resident    uint64       `json:"resident_bytes"` // in RAM; 0: the system does not tell
	GoHeap      uint64       `json:"go_heap_bytes"`  // of objects, dead ones included that are still to be swept
	GoTotal     uint64       `json:"go_total_bytes"` // that the Go runtime has from the system, without what it has given back
	Mapped      uint64       `json:"mapped_bytes"`   // of the arenas that the report has
	HeldSlots   int          `json:"held_slots"`
	HeldBytes   uint64       `json:"held_bytes"` // of GoHeap: held parts, see [coro.HeapStats]
	RecordSlots int          `json:"record_slots"`
	RecordBytes uint64       `json:"record_bytes"` // of GoHeap: records of tasks, the same
	Held        []heldReport `json:"held_by_kind,omitempty"`
	MoreHeld    int          `json:"more_held,omitempty"`
}

// heldReport has the slots for held parts of one kind.
type heldReport struct {
	Kind  kindRef `json:"kind"`
	Slots int     `json:"slots"`
	Bytes uint64  `json:"bytes"`
}

// kindReport has the figures of a kind. Sizes are in bytes, as asked for.
type kindReport struct {
	kindRef
	FrameSize uintptr `json:"frame_size"`
	Live      uint64  `json:"live"`
	Started   uint64  `json:"started"`
	Ended     uint64  `json:"ended"`
	Elided    uint64  `json:"elided"`
	FromArena uint64  `json:"from_arena"`
	LiveBytes uint64  `json:"live_bytes"`
	Wakes     uint64  `json:"wakes"`
}

// uncompiledReport counts the calls of a task function that is not compiled: see
// [task.UncompiledFunctions].
type uncompiledReport struct {
	kindRef
	Started int64 `json:"started"`
	Live    int64 `json:"live"`
}

// kindRef identifies a kind.
type kindRef struct {
	Name string `json:"name"`
	File string `json:"file"`
	Line int    `json:"line"`
}

func refOf(i coro.KindInfo) kindRef { return kindRef{printable.Text(i.Name), i.File, i.Line} }

// executorReport has what the tasks of an executor wait for. Pool is nil unless the executor is
// a pool.
type executorReport struct {
	Name       string        `json:"name"`
	Waiting    int           `json:"waiting"`
	Groups     []groupReport `json:"waiting_by_kind"`
	MoreGroups int           `json:"more_groups,omitempty"`
	OldestMS   int64         `json:"oldest_ms"` // the longest wait, at least: see groupReport

	// Objects is the mutexes, channels and so on that most tasks wait for.
	Objects    []objectReport `json:"waited_objects,omitempty"`
	Chains     []chainReport  `json:"chains,omitempty"`
	MoreChains int            `json:"more_chains,omitempty"`
	ChainsOf   int            `json:"chains_of,omitempty"` // number of tasks whose chains were collected
	Pool       *poolReport    `json:"pool,omitempty"`
}

// groupReport counts the waiting tasks of one kind, under roots of one kind, that wait in the
// same operation. OldestMS is for how long one of them has waited, in milliseconds, and AtLeast how many
// have waited for the times in report.AgeSteps. Both are lower bounds: see [coro.WaitAges].
type groupReport struct {
	N        int     `json:"n"`
	What     string  `json:"what"`
	Kind     kindRef `json:"kind"`
	Root     kindRef `json:"root"`
	OldestMS int64   `json:"oldest_ms"`
	AtLeast  []int   `json:"at_least"`
}

// objectReport is about a mutex, a channel or another object that tasks wait for: see
// [coro.WaitedObject].
type objectReport struct {
	N       int           `json:"n"`
	What    string        `json:"what"`
	Address string        `json:"address"`
	Name    string        `json:"name,omitempty"`
	State   string        `json:"state,omitempty"`
	Holder  *holderReport `json:"holder,omitempty"`
}

// holderReport is about the task that a mutex was given to last. What it waits for, if it does, is
// in What, and Tasks has the chain then.
type holderReport struct {
	Kind    kindRef   `json:"kind"`
	What    string    `json:"what,omitempty"`
	Tasks   []kindRef `json:"tasks,omitempty"`
	Omitted int       `json:"omitted,omitempty"`
}

// chainReport counts the waiting tasks with equal chains, among the sampled tasks of a group. The
// first of Tasks is the kind of the waiting task; each is awaited by the next.
type chainReport struct {
	N       int       `json:"n"`
	What    string    `json:"what"`
	Tasks   []kindRef `json:"tasks"`
	Omitted int       `json:"omitted,omitempty"`
	Sampled int       `json:"sampled"` // tasks of the group whose chains were collected
	Group   int       `json:"group"`   // tasks of the group

	rank int // how many chains of the group are more frequent
}

// About is how many tasks of the group have the chain: an estimate, unless all were sampled.
func (c chainReport) About() int { return int(int64(c.N) * int64(c.Group) / int64(c.Sampled)) }

// poolReport has the figures of a pool: see [executor.PoolStats].
type poolReport struct {
	Tasks       uint64         `json:"tasks"`
	Steals      uint64         `json:"steals"`
	Parks       uint64         `json:"parks"`
	Blocks      uint64         `json:"blocks"`
	Blocked     int            `json:"blocked"`
	Idle        int            `json:"idle"`
	Injected    int            `json:"injected"`
	High        int            `json:"high"`
	Queued      int            `json:"queued"`
	Elided      uint64         `json:"elided"`
	Workers     []workerReport `json:"workers"`
	MoreWorkers int            `json:"more_workers,omitempty"`

	// BlockedKinds is what the pool remembers of steps that took too long, the last first.
	BlockedKinds []blockedReport `json:"blocked_kinds,omitempty"`

	// Busy is the time that workers spent with chains that began with a task of a kind.
	Busy     []busyReport `json:"busy,omitempty"`
	MoreBusy int          `json:"more_busy,omitempty"`
}

// blockedReport is about steps that took too long: see [executor.BlockedKind].
type blockedReport struct {
	Kind         kindRef   `json:"kind"`
	Times        uint64    `json:"times"`
	Now          int       `json:"now"`
	Last         time.Time `json:"last"`
	LongestMS    int64     `json:"longest_ms"`
	LongestBegan time.Time `json:"longest_began"`
	Stack        string    `json:"stack,omitempty"`
	StackTaken   time.Time `json:"stack_taken,omitzero"`
}

// busyReport is about the time that workers spent with a kind: see [executor.BusyKind].
type busyReport struct {
	Kind kindRef `json:"kind"`
	MS   int64   `json:"ms"`
}

// workerReport has the figures of a worker. LongestMS is its longest step in milliseconds.
type workerReport struct {
	Tasks     uint64 `json:"tasks"`
	Steals    uint64 `json:"steals"`
	Stolen    uint64 `json:"stolen"`
	Parks     uint64 `json:"parks"`
	Queued    int    `json:"queued"`
	Blocked   bool   `json:"blocked"`
	LongestMS int64  `json:"longest_ms"`
}

// arenaReport has the figures of an arena: see [arena.Stats].
type arenaReport struct {
	Name            string        `json:"name"`
	Total           classReport   `json:"total"`
	Classes         []classReport `json:"classes"` // that have slabs
	Large           int           `json:"large"`
	LargeBytes      uintptr       `json:"large_bytes"`
	MappedBytes     uintptr       `json:"mapped_bytes"`
	ReservedBytes   uintptr       `json:"reserved_bytes"`
	HandedBackBytes uint64        `json:"handed_back_bytes"`
	Refusals        uint64        `json:"refusals"`
	Map             []mapRow      `json:"map,omitempty"`
}

// classReport counts the frames of a size class: see [arena.ClassStats].
type classReport struct {
	FrameSize uintptr `json:"frame_size,omitempty"`
	Slabs     int     `json:"slabs"`
	Carved    uint64  `json:"carved"`
	Live      uint64  `json:"live"`
	Private   uint64  `json:"private"`
	Public    uint64  `json:"public"`
	Cold      uint64  `json:"cold"`
}

// detail selects what a report has.
type detail bool

const (
	figures    detail = false // no chains of tasks and no map of slabs
	everything detail = true
)

// report collects a report of all kinds, executors and arenas.
func (i *Inspector) report(d detail) report {
	i.collecting.Lock()
	defer i.collecting.Unlock()
	r := report{Program: printable.Text(filepath.Base(os.Args[0])), Time: time.Now().UTC()}
	for range coro.Kinds() {
		r.Defined++
	}
	r.addKinds()
	r.addUncompiled()
	for _, e := range i.executors {
		r.Executors = append(r.Executors, reportExecutor(e, d))
	}
	for _, a := range i.arenas {
		r.Arenas = append(r.Arenas, reportArena(a, d))
	}
	for _, n := range i.nets {
		r.Nets = append(r.Nets, reportNet(n))
	}
	for _, d := range coro.WaitAgeSteps() {
		r.AgeSteps = append(r.AgeSteps, d.Seconds())
	}
	r.addMemory()
	return r
}

// netReport has the figures of a Net; see [netio.Stats].
type netReport struct {
	Name             string `json:"name"`
	Connections      int    `json:"connections"`
	Listeners        int    `json:"listeners"`
	WaitToRead       int    `json:"wait_to_read"` // or to accept
	WaitToWrite      int    `json:"wait_to_write"`
	SlotBytes        int    `json:"slot_bytes"`
	Accepted         uint64 `json:"accepted"`
	Dialed           uint64 `json:"dialed"`
	Handshakes       int    `json:"handshakes"`
	HandshakesDone   uint64 `json:"handshakes_done"`
	HandshakesFailed uint64 `json:"handshakes_failed"`
	LeasedBytes      int64  `json:"leased_bytes"`
	BudgetBytes      int64  `json:"budget_bytes"`
	Polls            uint64 `json:"polls"`
	Events           uint64 `json:"events"`
}

func reportNet(n namedNet) netReport {
	s := n.net.Stats()
	toRead, toWrite := n.net.Waiting()
	return netReport{
		Name:             printable.Text(n.name),
		Connections:      s.Open - s.Listeners,
		Listeners:        s.Listeners,
		WaitToRead:       toRead,
		WaitToWrite:      toWrite,
		SlotBytes:        s.SlotBytes,
		Accepted:         s.Accepted,
		Dialed:           s.Dialed,
		Handshakes:       s.Handshakes,
		HandshakesDone:   s.HandshakesDone,
		HandshakesFailed: s.HandshakesFailed,
		LeasedBytes:      s.Leased,
		BudgetBytes:      s.Budget,
		Polls:            s.Polls,
		Events:           s.Events,
	}
}

// addMemory adds up the memory of the arenas, and asks for the other figures.
func (r *report) addMemory() {
	heap := coro.HeapStatistics()
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"},
	}
	metrics.Read(samples)
	m := &r.Memory
	m.Resident = resident.Bytes()
	m.GoHeap = samples[0].Value.Uint64()
	m.GoTotal = samples[1].Value.Uint64() - samples[2].Value.Uint64()
	for _, a := range r.Arenas {
		m.Mapped += uint64(a.MappedBytes)
	}
	m.HeldSlots, m.HeldBytes = heap.Held.Slots, heap.Held.Bytes
	m.RecordSlots, m.RecordBytes = heap.Records.Slots, heap.Records.Bytes
	var all []heldReport
	for _, h := range heap.HeldByKind {
		all = append(all, heldReport{refOf(h.Kind), h.Slots, h.Bytes})
	}
	m.Held, m.MoreHeld = cut(all, maxHeld)
}

// cut returns the first most entries of all, and the number of entries that it leaves out.
func cut[T any](all []T, most int) ([]T, int) {
	n := min(len(all), most)
	return all[:n:n], len(all) - n
}

func (r *report) addKinds() {
	kinds := []kindReport{}
	for s := range coro.Stats() {
		kinds = append(kinds, kindReport{
			refOf(s.KindInfo), s.FrameSize, s.Live(), s.Started, s.Ended, s.Elided, s.FromArena, s.LiveBytes, s.Wakes,
		})
	}
	slices.SortStableFunc(kinds, func(a, b kindReport) int {
		return cmp.Or(-cmp.Compare(a.Live, b.Live), -cmp.Compare(a.Started, b.Started))
	})
	r.Kinds, r.MoreKinds = cut(kinds, maxKinds)
}

func (r *report) addUncompiled() {
	var all []uncompiledReport
	for f := range task.UncompiledFunctions() {
		all = append(all, uncompiledReport{refOf(f.Function), f.Started, f.Live})
	}
	slices.SortFunc(all, func(a, b uncompiledReport) int {
		return cmp.Or(-cmp.Compare(a.Live, b.Live), -cmp.Compare(a.Started, b.Started), cmp.Compare(a.Name, b.Name))
	})
	r.Uncompiled, r.MoreUncompiled = cut(all, maxUncompiled)
}

func reportExecutor(e namedExecutor, d detail) executorReport {
	r := executorReport{Name: printable.Text(e.name)}
	options := coro.SurveyOptions{Objects: maxObjects}
	if d == everything {
		options.Chains = maxSamples
	}
	survey := e.executor.Environment().Survey(options)
	groups := []groupReport{}
	for _, g := range survey.Groups {
		r.Waiting += g.N
		oldest := g.Ages.Oldest.Milliseconds()
		r.OldestMS = max(r.OldestMS, oldest)
		groups = append(groups, groupReport{g.N, g.What, refOf(g.Kind), refOf(g.Root), oldest, g.Ages.AtLeast[:]})
	}
	r.Groups, r.MoreGroups = cut(groups, maxGroups)
	for _, o := range survey.Objects {
		r.Objects = append(r.Objects, reportObject(o))
	}
	if d == everything {
		r.addChains(survey)
	}
	if pool, ok := e.executor.(*executor.Pool); ok {
		r.Pool = reportPool(pool)
	}
	return r
}

func reportObject(o coro.WaitedObject) objectReport {
	r := objectReport{N: o.Waiting, What: o.What, Address: fmt.Sprintf("%#x", o.Address), State: o.State}
	if o.Name != "" {
		r.Name = printable.Text(o.Name)
	}
	if h := o.Holder; h != nil {
		r.Holder = &holderReport{Kind: refOf(h.Kind)}
		if w := h.Waiting; w != nil {
			r.Holder.What, r.Holder.Omitted = w.What, w.Backtrace.Omitted
			r.Holder.Tasks = refsOf(w.Backtrace.Tasks)
		}
	}
	return r
}

func refsOf(kinds []coro.KindInfo) (refs []kindRef) {
	for _, k := range kinds {
		refs = append(refs, refOf(k))
	}
	return refs
}

// addChains counts equal chains in the sample of each group. The most frequent chain of each group
// comes first, those of larger groups before others, then the second of each group, and so on. So
// each group is represented.
func (r *executorReport) addChains(s coro.Survey) {
	chains := []chainReport{}
	for _, g := range s.Groups {
		r.ChainsOf += len(g.Chains)
		of := equalChains(g)
		for rank := range of {
			of[rank].rank = rank
		}
		chains = append(chains, of...)
	}
	slices.SortStableFunc(chains, func(a, b chainReport) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.About(), a.About()))
	})
	r.Chains, r.MoreChains = cut(chains, maxChains)
}

// equalChains counts equal chains in the sample of a group. The most frequent one comes first.
func equalChains(g coro.SurveyedGroup) (chains []chainReport) {
	at := make(map[string]int)
	for _, t := range g.Chains {
		key := t.Backtrace.String()
		i, known := at[key]
		if !known {
			i = len(chains)
			at[key] = i
			chains = append(chains, chainReport{
				What: t.What, Tasks: refsOf(t.Backtrace.Tasks), Omitted: t.Backtrace.Omitted, Sampled: len(g.Chains), Group: g.N,
			})
		}
		chains[i].N++
	}
	slices.SortFunc(chains, func(a, b chainReport) int {
		return cmp.Or(-cmp.Compare(a.N, b.N), slices.CompareFunc(a.Tasks, b.Tasks, compareKinds))
	})
	return chains
}

func compareKinds(a, b kindRef) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
}

func reportPool(p *executor.Pool) *poolReport {
	s := p.Stats()
	r := &poolReport{
		Tasks: s.Tasks, Steals: s.Steals, Parks: s.Parks, Blocks: s.Blocks, Blocked: s.Blocked,
		Idle: s.Idle, Injected: s.Injected, High: s.High, Queued: s.Queued, Elided: p.Elided(),
	}
	workers := []workerReport{}
	for _, w := range s.Workers {
		workers = append(workers, workerReport{
			w.Tasks, w.Steals, w.Stolen, w.Parks, w.Queued, w.Blocked, w.Longest.Milliseconds(),
		})
	}
	r.Workers, r.MoreWorkers = cut(workers, maxWorkers)
	for _, b := range s.BlockedKinds {
		r.BlockedKinds = append(r.BlockedKinds, blockedReport{
			refOf(b.Kind), b.Times, b.Now, b.Last.UTC(), b.Longest.Milliseconds(), b.LongestBegan.UTC(), b.Stack, b.StackTaken.UTC(),
		})
	}
	var busy []busyReport
	for _, b := range s.Busy {
		busy = append(busy, busyReport{refOf(b.Kind), b.For.Milliseconds()})
	}
	r.Busy, r.MoreBusy = cut(busy, maxBusy)
	return r
}

func reportArena(a namedArena, d detail) arenaReport {
	s := a.arena.Stats()
	r := arenaReport{
		Name: printable.Text(a.name), Total: reportClass(s.Total), Classes: []classReport{},
		Large: s.Large, LargeBytes: s.LargeBytes,
		MappedBytes: s.MappedBytes, ReservedBytes: s.ReservedBytes,
		HandedBackBytes: s.HandedBackBytes, Refusals: s.Refusals,
	}
	for _, c := range s.Classes {
		if c.Slabs > 0 {
			r.Classes = append(r.Classes, reportClass(c))
		}
	}
	if d == everything {
		r.Map = drawSlabs(a.arena)
	}
	return r
}

func reportClass(c arena.ClassStats) classReport {
	return classReport{c.Size, c.Slabs, c.Carved, c.Live, c.Private, c.Public, c.Cold}
}
