package inspect

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/internal/printable"
)

// These are the most entries that each list shows, so that a browser can display the page.
// A list says how many more there are.
const (
	maxKinds   = 100
	maxGroups  = 50
	maxWorkers = 64
	maxChains  = 12
	maxSlabs   = 96 // of a class

	// maxSamples is the most waiting tasks whose chains are collected.
	maxSamples = 4096
)

// report is the content of the page and of the JSON document. Programs read the JSON:
// fields may be added, but none is removed or changes its meaning.
type report struct {
	Program   string           `json:"program"`
	Time      time.Time        `json:"time"`
	Kinds     []kindReport     `json:"kinds"` // counted kinds, the one with the most live tasks first
	MoreKinds int              `json:"more_kinds,omitempty"`
	Defined   int              `json:"kinds_defined"`
	Executors []executorReport `json:"executors"`
	Arenas    []arenaReport    `json:"arenas"`
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
	Chains     []chainReport `json:"chains,omitempty"`
	MoreChains int           `json:"more_chains,omitempty"`
	ChainsOf   int           `json:"chains_of,omitempty"` // number of tasks whose chains were collected
	Pool       *poolReport   `json:"pool,omitempty"`
}

// groupReport counts the waiting tasks of one kind, under roots of one kind, that wait in the
// same operation.
type groupReport struct {
	N    int     `json:"n"`
	What string  `json:"what"`
	Kind kindRef `json:"kind"`
	Root kindRef `json:"root"`
}

// chainReport counts the waiting tasks with equal chains. The first of Tasks is the kind of
// the waiting task; each is awaited by the next.
type chainReport struct {
	N       int       `json:"n"`
	What    string    `json:"what"`
	Tasks   []kindRef `json:"tasks"`
	Omitted int       `json:"omitted,omitempty"`
}

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
	for _, e := range i.executors {
		r.Executors = append(r.Executors, reportExecutor(e, d))
	}
	for _, a := range i.arenas {
		r.Arenas = append(r.Arenas, reportArena(a, d))
	}
	return r
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
			refOf(s.KindInfo), s.FrameSize, s.Live(), s.Started, s.Ended, s.Elided, s.FromArena, s.LiveBytes,
		})
	}
	slices.SortStableFunc(kinds, func(a, b kindReport) int {
		return cmp.Or(-cmp.Compare(a.Live, b.Live), -cmp.Compare(a.Started, b.Started))
	})
	r.Kinds, r.MoreKinds = cut(kinds, maxKinds)
}

func reportExecutor(e namedExecutor, d detail) executorReport {
	r := executorReport{Name: printable.Text(e.name)}
	env := e.executor.Environment()
	groups := []groupReport{}
	for _, g := range env.WaitingByKind() {
		r.Waiting += g.N
		groups = append(groups, groupReport{g.N, g.What, refOf(g.Kind), refOf(g.Root)})
	}
	r.Groups, r.MoreGroups = cut(groups, maxGroups)
	if d == everything {
		r.addChains(env)
	}
	if pool, ok := e.executor.(*executor.Pool); ok {
		r.Pool = reportPool(pool)
	}
	return r
}

// addChains counts equal chains among the first maxSamples waiting tasks.
func (r *executorReport) addChains(env *coro.Environment) {
	counts := make(map[string]*chainReport)
	for t := range env.Waiting() {
		r.ChainsOf++
		key := t.What + "\n" + t.Backtrace.String()
		c := counts[key]
		if c == nil {
			c = &chainReport{What: t.What, Omitted: t.Backtrace.Omitted}
			for _, k := range t.Backtrace.Tasks {
				c.Tasks = append(c.Tasks, refOf(k))
			}
			counts[key] = c
		}
		c.N++
		if r.ChainsOf == maxSamples {
			break
		}
	}
	chains := []chainReport{}
	for _, c := range counts {
		chains = append(chains, *c)
	}
	slices.SortFunc(chains, func(a, b chainReport) int {
		return cmp.Or(-cmp.Compare(a.N, b.N), strings.Compare(a.What, b.What), slices.CompareFunc(a.Tasks, b.Tasks, compareKinds))
	})
	r.Chains, r.MoreChains = cut(chains, maxChains)
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
