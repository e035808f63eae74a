package inspect

import (
	"fmt"
	"iter"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
	"github.com/framearena/framearena/internal/printable"
	"github.com/framearena/framearena/netio"
)

// Option adds an executor, an arena or a Net to what an [Inspector] shows. [New] takes it.
type Option interface{ apply(*Inspector) }

// optionFunc is an Option that is a function.
type optionFunc func(*Inspector)

func (o optionFunc) apply(i *Inspector) { o(i) }

// WithExecutor shows the tasks of ex that wait and, if ex is an [executor.Pool], what its
// workers do. If ex has a method Arena, as the executors of package executor have, the
// inspector shows that arena too, under the same name.
//
// Tasks of an [executor.Strand] are shown with the executor below it.
func WithExecutor(name string, ex coro.Executor) Option {
	return optionFunc(func(i *Inspector) {
		i.executors = append(i.executors, namedExecutor{name, ex})
		if has, ok := ex.(interface{ Arena() *arena.Arena }); ok {
			i.addArena(name, has.Arena())
		}
	})
}

// WithArena shows an arena. If an executor has added the same arena before, WithArena
// renames it.
func WithArena(name string, a *arena.Arena) Option {
	return optionFunc(func(i *Inspector) {
		for n := range i.arenas {
			if i.arenas[n].arena == a {
				i.arenas[n].name = name
				return
			}
		}
		i.arenas = append(i.arenas, namedArena{name, a})
	})
}

// WithNet shows the connections of n: how many there are, what they wait for, handshakes, leases, and what
// the poller does.
func WithNet(name string, n *netio.Net) Option {
	return optionFunc(func(i *Inspector) { i.nets = append(i.nets, namedNet{name, n}) })
}

// addArena adds the arena of an executor, unless i has it.
func (i *Inspector) addArena(name string, a *arena.Arena) {
	for _, other := range i.arenas {
		if other.arena == a {
			return
		}
	}
	i.arenas = append(i.arenas, namedArena{name, a})
}

// mustDiffer panics if two of the names are shown alike. what is what they name, in the plural.
func mustDiffer[T any](what string, named iter.Seq2[string, T]) {
	names := make(map[string]bool)
	for name := range named {
		name = printable.Text(name)
		if names[name] {
			panic(fmt.Sprintf("inspect: two %s are called \"%s\": give each a name of its own", what, name))
		}
		names[name] = true
	}
}
