package tasktree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/framearena/framearena/arena"
	"github.com/framearena/framearena/coro"
)

// End is the way in which a task has ended.
type End uint8

const (
	Returned  End = iota // with Outcome.N as result
	Failed               // with Failure(N)
	Panicked             // a PanicError with the value Failure(N)
	Exited               // a PanicError with the value coro.ErrGoexit
	Expired              // context.DeadlineExceeded
	Decided              // coro.ErrGroupDecided
	Cancelled            // the cause that trees use
	Refused              // arena.ErrExhausted
	Strange              // with another error
)

var endNames = [...]string{"returns", "fails with", "panics with", "exits", "expires", "is decided against", "is cancelled", "is refused", "ends strangely"}

// Failure is the error, or the value of the panic, of a node with this N.
type Failure int

// Error returns a text with the number.
func (f Failure) Error() string { return fmt.Sprintf("tasktree: failure %d", int(f)) }

var errCancelled = errors.New("tasktree: cancelled by the tree")

// Outcome is the end of a task, with its number.
type Outcome struct {
	End End
	N   int64 // of Returned, Failed and Panicked
}

// String describes the outcome.
func (o Outcome) String() string {
	if o.End <= Panicked {
		return fmt.Sprintf("%s %d", endNames[o.End], o.N)
	}
	return endNames[o.End]
}

func (o Outcome) failed() bool { return o.End != Returned }

// outcomeOf returns the outcome of a task that returned v, or failed with err. An error that
// wraps the error of the task is Strange: errors must arrive as they are.
func outcomeOf(v int64, err error) Outcome {
	switch e := err.(type) {
	case nil:
		return Outcome{Returned, v}
	case Failure:
		return Outcome{Failed, int64(e)}
	case *coro.PanicError:
		switch v := e.Value.(type) {
		case Failure:
			return Outcome{Panicked, int64(v)}
		case error:
			if v == coro.ErrGoexit {
				return Outcome{End: Exited}
			}
		}
		return Outcome{End: Strange}
	}
	switch err {
	case context.DeadlineExceeded:
		return Outcome{End: Expired}
	case coro.ErrGroupDecided:
		return Outcome{End: Decided}
	case errCancelled:
		return Outcome{End: Cancelled}
	case arena.ErrExhausted:
		return Outcome{End: Refused}
	}
	return Outcome{End: Strange}
}

// Outcomes are the right outcomes of a task. The zero Outcomes mean that the task does not
// end.
type Outcomes struct {
	list []Outcome // sorted
	any  bool      // every outcome but Strange is right: there were more than maxOutcomes
}

// maxOutcomes is how many outcomes a list may have.
const maxOutcomes = 24

// Exact reports whether exactly one outcome is right.
func (o Outcomes) Exact() bool { return !o.any && len(o.list) == 1 }

// Has reports whether an outcome is right.
func (o Outcomes) Has(x Outcome) bool {
	if o.any {
		return x.End != Strange
	}
	_, found := slices.BinarySearchFunc(o.list, x, compare)
	return found
}

// All returns the right outcomes, or nil if there are too many to list.
func (o Outcomes) All() []Outcome {
	if o.any {
		return nil
	}
	return slices.Clone(o.list)
}

// String describes the outcomes.
func (o Outcomes) String() string {
	switch {
	case o.any:
		return "anything"
	case len(o.list) == 0:
		return "never ends"
	}
	words := make([]string, len(o.list))
	for i, x := range o.list {
		words[i] = x.String()
	}
	return strings.Join(words, " or ")
}

func (o Outcomes) ends() bool { return o.any || len(o.list) > 0 }

func (o Outcomes) mustEnd() bool { return o.ends() }

func (o Outcomes) mustReturn() bool {
	return o.ends() && !o.any && !slices.ContainsFunc(o.list, Outcome.failed)
}

func (o Outcomes) mustFail() bool {
	return o.ends() && !o.any && !slices.ContainsFunc(o.list, func(x Outcome) bool { return !x.failed() })
}

func (o Outcomes) mayFail() bool { return o.any || slices.ContainsFunc(o.list, Outcome.failed) }

func compare(a, b Outcome) int {
	if a.End != b.End {
		return int(a.End) - int(b.End)
	}
	switch {
	case a.N < b.N:
		return -1
	case a.N > b.N:
		return 1
	}
	return 0
}

func these(list ...Outcome) Outcomes { return Outcomes{}.with(list...) }

// anything returns the Outcomes of a task that may end in any way but a Strange one.
func anything() Outcomes { return Outcomes{any: true} }

// with returns o with the outcomes of the list added.
func (o Outcomes) with(list ...Outcome) Outcomes {
	if o.any {
		return o
	}
	o.list = slices.Clone(o.list)
	for _, x := range list {
		if at, found := slices.BinarySearchFunc(o.list, x, compare); !found {
			o.list = slices.Insert(o.list, at, x)
		}
	}
	if len(o.list) > maxOutcomes {
		return anything()
	}
	return o
}

func (o Outcomes) or(other Outcomes) Outcomes {
	if other.any {
		return other
	}
	return o.with(other.list...)
}

// failures returns the outcomes of o that are errors.
func (o Outcomes) failures() Outcomes {
	if o.any {
		return o
	}
	o.list = slices.DeleteFunc(slices.Clone(o.list), func(x Outcome) bool { return !x.failed() })
	return o
}

// returns returns the outcomes of o that are results.
func (o Outcomes) returns() Outcomes {
	if o.any {
		return o
	}
	o.list = slices.DeleteFunc(slices.Clone(o.list), Outcome.failed)
	return o
}

// each returns the outcomes that f makes of those of o.
func (o Outcomes) each(f func(Outcome) Outcome) Outcomes {
	if o.any {
		return o
	}
	var made Outcomes
	for _, x := range o.list {
		made = made.with(f(x))
	}
	return made
}

// then returns f of each pair of a result of o and a result of other.
func (o Outcomes) then(other Outcomes, f func(a, b int64) int64) Outcomes {
	if !o.ends() || !other.ends() {
		return Outcomes{}
	}
	if o.any || other.any {
		return anything()
	}
	var made Outcomes
	for _, a := range o.list {
		for _, b := range other.list {
			made = made.with(Outcome{Returned, f(a.N, b.N)})
		}
	}
	return made
}
