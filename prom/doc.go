// Package prom gives Prometheus the figures of pools, arenas and tasks: a collector for
// the registry of github.com/prometheus/client_golang. It is a module of its own, so
// that framearena does not depend on that.
//
//	registry.MustRegister(prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool))))
//
// It collects from what an [inspect.Inspector] shows: the one that is mounted as a
// page, if there is one.
//
// # Metrics
//
// Of each arena, with the label arena, its name:
//
//	framearena_arena_mapped_bytes            slabs in use and large frames
//	framearena_arena_reserved_bytes          address space reserved for slabs
//	framearena_arena_handed_back_bytes_total given back to the system
//	framearena_arena_refusals_total          requests answered with nil
//	framearena_arena_large_frames            live frames over 64 KiB
//	framearena_arena_large_bytes             their size
//
// and, also with the label frame_bytes, the size of the frames of a class:
//
//	framearena_arena_slabs        slabs that serve the class
//	framearena_arena_frames       frames that exist, by the label state:
//	                              live, private, warm (public) or cold (public)
//
// Of each executor, with the label executor, its name:
//
//	framearena_waiting_tasks      by the labels kind, root and operation
//
// Of each pool, with the label executor too:
//
//	framearena_pool_tasks_total            how often a worker began to run a task
//	framearena_pool_steals_total           how often a worker took tasks from another
//	framearena_pool_parks_total            how often a worker became idle
//	framearena_pool_blocks_total           how often a worker was in one step for long
//	framearena_pool_elided_frames_total    frames placed in those of who awaited them
//	framearena_pool_workers                by the label state: running, idle or blocked
//	framearena_pool_queued_tasks           by the label queue: local, shared or urgent
//
// Of tasks that are counted, by the label kind:
//
//	framearena_tasks_started_total, framearena_tasks_ended_total,
//	framearena_tasks_elided_total, framearena_tasks_live,
//	framearena_tasks_live_bytes
//
// A kind goes by its name; kinds that share one are added up. Kinds, and so series,
// are as many as a program defines. Series by what tasks wait for come and go with
// them, and are the 100 largest groups of an executor at the most; the rest are in one
// whose labels are all "other".
//
// [docs/operating.md] says what to look at, and what it costs.
//
// [docs/operating.md]: https://github.com/framearena/framearena/blob/main/docs/operating.md
package prom
