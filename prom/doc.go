// Package prom exports the figures of pools, arenas, Nets and tasks to Prometheus: it has a
// collector for a registry of github.com/prometheus/client_golang. It is a module of its
// own, so that framearena does not depend on that one.
//
//	registry.MustRegister(prom.NewCollector(inspect.New(inspect.WithExecutor("main", pool))))
//
// It collects from the executors, arenas and Nets of an [inspect.Inspector], which the program may
// also mount as a page.
//
// # Metrics
//
// Each arena has these, with its name in the label arena:
//
//	framearena_arena_mapped_bytes            memory of slabs in use and of large frames
//	framearena_arena_reserved_bytes          address space reserved for slabs
//	framearena_arena_handed_back_bytes_total memory given back to the system so far
//	framearena_arena_refusals_total          requests answered with nil
//	framearena_arena_large_frames            live frames over 64 KiB
//	framearena_arena_large_bytes             memory of live frames over 64 KiB
//
// and these for each size class, with its frame size in the label frame_bytes:
//
//	framearena_arena_slabs        slabs that serve the class
//	framearena_arena_frames       carved frames, by the label state:
//	                              live, private, warm (public) or cold (public)
//
// Each executor has these, with its name in the label executor:
//
//	framearena_waiting_tasks           waiting tasks, by the labels kind, root and operation
//	framearena_waiting_oldest_seconds  their longest wait, at least: since a scrape has seen it
//	framearena_waiting_tasks_by_age    tasks that have waited for at least the time in the label
//	                                   at_least_seconds, by the labels kind and operation
//	framearena_waited_object_tasks     tasks that wait for one object, by the labels operation and
//	                                   object: a name that coro.NameWaitable gave, or "unnamed"
//
// Each pool has these too, with the label executor:
//
//	framearena_pool_tasks_total            how often a worker began to run a task
//	framearena_pool_steals_total           how often a worker took tasks from another
//	framearena_pool_parks_total            how often a worker became idle
//	framearena_pool_blocks_total           how often a worker was in one step for too long
//	framearena_pool_elided_frames_total    frames placed in the frame of an awaiting task
//	framearena_pool_workers                workers, by the label state: running, idle or blocked
//	framearena_pool_queued_tasks           tasks, by the label queue: local, shared or urgent
//	framearena_pool_busy_seconds_total     time of workers, by the label kind: an estimate
//	framearena_pool_blocked_longest_seconds         longest step over the limit, by the label kind
//	framearena_pool_blocked_last_timestamp_seconds  when such a step was seen last, the same
//
// Each Net of package netio has these, with its name in the label net:
//
//	framearena_net_open               by the label what: connection or listener
//	framearena_net_waiting            of these, with a task that waits, by the label direction:
//	                                  read (or to accept) or write
//	framearena_net_connections_total  connections so far, by the label by: accept or dial
//	framearena_net_handshakes         handshakes of TLS that run on a goroutine
//	framearena_net_handshakes_total   handshakes so far, by the label result: done or failed
//	framearena_net_leased_bytes       memory of leases that are out
//	framearena_net_budget_bytes       memory that leases may have
//	framearena_net_polls_total        how often the poller has looked
//	framearena_net_events_total       what it has found
//
// Tasks that are counted have these, with the name of their kind in the label kind:
//
//	framearena_tasks_started_total, framearena_tasks_ended_total,
//	framearena_tasks_elided_total, framearena_tasks_live,
//	framearena_tasks_live_bytes, framearena_tasks_wakes_total
//
// Task functions that are not compiled have these, with the function's name in the label function:
//
//	framearena_uncompiled_calls_total, framearena_uncompiled_calls_live
//
// The program has these:
//
//	framearena_heap_bytes              Go heap of tasks, by the label purpose: held or records
//	framearena_held_bytes              Go heap in slots for held parts, by the label kind
//	framearena_go_heap_bytes           all objects on the Go heap
//	framearena_process_resident_bytes  memory of the process in RAM
//
// Kinds with the same name are one series. There are as many series of tasks as a program
// defines names of kinds. The series of framearena_waiting_tasks come and go with the tasks:
// an executor has at most 100, its largest groups, and one more with the sum of all others,
// whose labels are all "other". It has as many of framearena_waiting_oldest_seconds. Of
// framearena_waiting_tasks_by_age it has 7 series each for at most 20 kinds and operations, and for
// all others together; of framearena_waited_object_tasks at most 10, for the objects that most tasks
// wait for.
//
// # Dashboard and alerts
//
// dashboard.json in this directory is a dashboard for Grafana, alerts.yml has alert rules for
// Prometheus. The module's tests run both against a Prometheus.
//
// [docs/operating.md] explains the figures and their cost.
//
// [docs/operating.md]: https://github.com/framearena/framearena/blob/main/docs/operating.md
package prom
